//! What a round of the runner has found.

use tidegate_agentping::{RunKey, Slug, TeamId};
use tidegate_agentping_checks::CheckOutcome;
use tidegate_kernel::{SmolStr, Timestamp};

/// What a check said of a run, for people to be alerted. It comes again if the run is judged again.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckEvent {
    pub team: TeamId,
    pub agent: Slug,
    pub run: RunKey,
    pub check: SmolStr,
    pub check_name: SmolStr,
    /// Failures in a row that open an incident.
    pub alert_after: u16,
    /// When the run's end was appended: the order in which a check's failures are in a row.
    pub ended_at: Timestamp,
    pub outcome: CheckOutcome,
}

/// What a round came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckRound {
    /// Runs that were judged.
    pub judged: usize,
    /// What their checks said, but for those that were skipped.
    pub events: Vec<CheckEvent>,
}
