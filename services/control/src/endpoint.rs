//! The endpoints as they are counted.

use tidegate_door::OutcomeMetrics;

use crate::metrics::{READ_REQUESTS, READ_REQUESTS_RECEIVED};

/// The read API's counters.
pub(crate) const COUNTED: &OutcomeMetrics = &OutcomeMetrics { received: READ_REQUESTS_RECEIVED, ended: READ_REQUESTS };

tidegate_door::labels! {
    /// The endpoints, as metrics name them.
    pub enum Endpoint {
        Runs "runs";
        Run "run";
        Agents "agents";
        Usage "usage";
        Spend "spend";
        Receipt "receipt";
        SchedulePreview "schedule_preview";
        Agent "agent";
        AgentRename "agent_rename";
        Schedule "schedule";
        Pause "pause";
        TeamPause "team_pause";
        Mute "mute";
        RouteMute "route_mute";
        TeamMute "team_mute";
        Team "team";
        Keys "keys";
        Tokens "tokens";
        TeamTokens "team_tokens";
        Token "token";
        TokenRotation "token_rotation";
        Audit "audit";
        Config "config";
        ConfigDiff "config_diff";
        GuardCheck "guard_check";
        GuardRules "guard_rules";
        GuardRule "guard_rule";
        GuardBlocks "guard_blocks";
        GuardBlock "guard_block";
        AgentChecks "agent_checks";
        Check "check";
        CheckTrial "check_trial";
        RunChecks "run_checks";
        Slots "slots";
        Incidents "incidents";
        Incident "incident";
        Status "status";
        TeamMetrics "team_metrics";
        Badges "badges";
        Badge "badge";
        PublicBadge "public_badge";
        Routes "routes";
        Route "route";
        RouteTest "route_test";
        RouteSecret "route_secret";
        Deliveries "deliveries";
        Resend "resend";
        Confirm "confirm";
        Unsubscribe "unsubscribe";
        /// Everything else: unknown routes, the description of the interface.
        Other "other";
    }
}

#[cfg(test)]
mod tests {
    use tidegate_door::Label;

    use super::*;
    use crate::problem::Cause;

    #[test]
    fn counters_are_found_by_the_order_of_the_variants() {
        for (index, endpoint) in Endpoint::ALL.iter().enumerate() {
            assert_eq!(endpoint.index(), index, "{endpoint:?}");
        }
        for (index, cause) in Cause::ALL.iter().enumerate() {
            assert_eq!(*cause as usize, index, "{cause:?}");
        }
    }
}
