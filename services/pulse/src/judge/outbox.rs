//! Where the judge's messages go, and where it learns which routes there are: implemented by who sends.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_agentping::{AgentId, Slug, TeamId};
use tidegate_agentping_pulse::agent::LastSuccess;
use tidegate_agentping_pulse::{AlertKind, AlertMessage, AlertSeverity, Definition, RoutePolicy};
use tidegate_agentping_settings::TeamSettings;
use tidegate_agentping_verdicts::LastRun;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::StoreError;

/// Takes messages for sending.
#[async_trait]
pub trait Outbox: Send + Sync + 'static {
    /// Keeps all messages, the oldest first. A message that was put before, by its id, changes nothing: a judge that starts
    /// again puts its last ones once more. `judged_until`: no message with an older timestamp comes later, but for runs
    /// whose records come late.
    ///
    /// # Errors
    /// [`StoreError`]; all are put again.
    async fn put(&self, alerts: &[Alert], judged_until: Timestamp) -> Result<(), StoreError>;
}

/// Knows which routes get an agent's messages.
pub trait Routes: Send + Sync + 'static {
    /// Of the agent with this name, in the order of their ids.
    fn routes_of(&self, team: TeamId, settings: &TeamSettings, agent: &Slug) -> Vec<RouteChoice>;
}

/// A route that gets an agent's messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteChoice {
    /// Its id.
    pub route: SmolStr,
    /// The kinds that it wants; all if absent.
    pub kinds: Option<Vec<AlertKind>>,
    pub min_severity: AlertSeverity,
    pub min_interval_s: u32,
    pub reminders: bool,
    /// Whether its receiver keeps an incident open until it is resolved.
    pub holds_open: bool,
}

impl RouteChoice {
    /// As the rules take it.
    pub fn policy(&self) -> RoutePolicy<'_> {
        RoutePolicy {
            route: &self.route,
            kinds: self.kinds.as_deref(),
            min_severity: self.min_severity,
            min_interval_s: self.min_interval_s,
            reminders: self.reminders,
            holds_open: self.holds_open,
        }
    }
}

/// A message with all that its texts say.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    pub message: AlertMessage,
    pub team: TeamId,
    pub agent: AgentId,
    /// The agent's [key](tidegate_agentping::names).
    pub slug: Slug,
    /// The schedule that is in force.
    pub schedule: Option<Arc<Definition>>,
    /// When the slot's run was due at the latest, where the message is about a slot.
    pub deadline: Option<Timestamp>,
    /// The next slot after the message's.
    pub next_expected_at: Option<Timestamp>,
    pub last_success: Option<LastSuccess>,
    /// The run below one of the agent's that it is about.
    pub child: Option<LastRun>,
    pub last_run: Option<LastRun>,
}

/// No routes, and so no messages.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRoutes;

#[async_trait]
impl Outbox for NoRoutes {
    async fn put(&self, _: &[Alert], _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Routes for NoRoutes {
    fn routes_of(&self, _: TeamId, _: &TeamSettings, _: &Slug) -> Vec<RouteChoice> {
        Vec::new()
    }
}
