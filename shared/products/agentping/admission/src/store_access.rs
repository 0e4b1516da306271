//! Reading the store, each time within a deadline.

use std::sync::Arc;
use std::time::Duration;

use tidegate_access::StoreHealth;
use tidegate_agentping::{Body, EventId, RunKey, TeamId};
use tidegate_agentping_ports::gate::{GateDown, Seed, Usage};
use tidegate_agentping_ports::registry::Agents;
use tidegate_agentping_ports::runs::{AgentRow, RunQueries, RunWanted, StoredSummary};
use tidegate_kernel::Month;
use tidegate_ports::{Clock, FailureCause, StoreError};
use tokio::time::Instant;

use crate::config::Timeouts;
use crate::ports::AdmissionPorts;
use crate::refusal::Refusal;
use crate::store_view::StoreView;
use crate::submission::{Caller, Submission};
use tidegate_kernel::outage::Outage;

/// The store's tables that admission reads.
pub(crate) struct StoreAccess {
    clock: Arc<dyn Clock>,
    stored: Arc<dyn StoredSummary>,
    usage: Arc<dyn RunQueries>,
    agents: Arc<dyn Agents>,
    health: Arc<StoreHealth>,
    outage: Outage,
    /// For a read that an answer depends on.
    deadline_ms: u64,
    /// For a read that only adds to an answer.
    extra_deadline_ms: u64,
}

impl StoreAccess {
    /// `health` is shared with the other reads of the same store.
    pub fn new(ports: &AdmissionPorts, timeouts: &Timeouts, health: Arc<StoreHealth>) -> Self {
        StoreAccess {
            clock: Arc::clone(&ports.clock),
            stored: Arc::clone(&ports.stored),
            usage: Arc::clone(&ports.usage),
            agents: Arc::clone(&ports.agents),
            health,
            outage: Outage::default(),
            deadline_ms: timeouts.store_ms,
            extra_deadline_ms: timeouts.store_extra_ms,
        }
    }

    /// Whether reads hang: what can do without the store does not wait for it then.
    pub fn is_resting(&self) -> bool {
        self.health.is_resting()
    }

    /// What is stored under the request's ids.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`].
    pub async fn view(&self, caller: &Caller, submission: &Submission) -> Result<StoreView, Refusal> {
        let view = self.read(caller, submission, self.deadline_ms).await.map_err(|error| {
            tracing::warn!(kind = %error.kind(), %error, "an answer depends on the store");
            Refusal::StoreUnavailable { retry_after_s: self.outage.failed(self.clock.now()) }
        })?;
        self.outage.over();
        Ok(view)
    }

    /// What is stored under the request's ids, if the store says so at once: for what only adds to an answer.
    pub async fn view_at_once(&self, caller: &Caller, submission: &Submission) -> Option<StoreView> {
        self.read(caller, submission, self.extra_deadline_ms).await.ok()
    }

    async fn read(&self, caller: &Caller, submission: &Submission, within_ms: u64) -> Result<StoreView, StoreError> {
        let key = RunKey { team: caller.team, run: submission.run };
        let read = async {
            match &submission.body {
                Body::Events(events) => {
                    let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
                    let events = self.stored.event_owners(key.team, &ids).await?;
                    Ok(StoreView { run: None, events })
                }
                _ => {
                    let stored = self.stored.stored(RunWanted { key, events: Vec::new() }).await?;
                    Ok(StoreView { run: stored.run, events: Vec::new() })
                }
            }
        };
        let late = |_| Err(StoreError::Unavailable(FailureCause::timeout(format!("no answer within {within_ms} ms"))));
        let (began, deadline) = (Instant::now(), Duration::from_millis(within_ms));
        let answer = tokio::time::timeout(deadline, read).await.unwrap_or_else(late);
        answer.inspect_err(|_| self.health.failed(began, deadline))
    }

    /// What the store knows of a team, for the gate.
    ///
    /// # Errors
    /// [`GateDown`]: without its seed the gate cannot judge the team.
    pub async fn seed(&self, team: TeamId) -> Result<Seed, GateDown> {
        if self.health.is_resting() {
            return Err(GateDown(FailureCause::timeout("the store hangs, and cannot give its seed")));
        }
        let month = Month::of(self.clock.now());
        let read = async {
            let events = self.usage.usage(team, month).await?;
            let agents = self.agents.slugs(team).await?;
            Ok(Seed { usage: Some(Usage { month, events }), agents })
        };
        let (began, deadline) = (Instant::now(), Duration::from_millis(self.deadline_ms));
        let late = |_| Err(StoreError::Unavailable(FailureCause::timeout("no answer in time")));
        let seed: Result<Seed, StoreError> = tokio::time::timeout(deadline, read).await.unwrap_or_else(late);
        seed.map_err(|error| {
            self.health.failed(began, deadline);
            GateDown(FailureCause::new(error.kind(), format!("it cannot be seeded: {error}")).caused_by(error))
        })
    }

    /// All agents of a team; none where the store does not answer at once.
    pub async fn agents_at_once(&self, team: TeamId) -> Vec<AgentRow> {
        let deadline = Duration::from_millis(self.extra_deadline_ms);
        let rows = tokio::time::timeout(deadline, self.usage.agents(team)).await;
        rows.ok().and_then(Result::ok).unwrap_or_default()
    }
}
