//! Asking the gate: with a deadline, seeding it when it does not know the team, and noticing when it is down.

use std::sync::Arc;
use std::time::Duration;

use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_ports::Gate;
use tidegate_agentping_ports::gate::{Ask, GateDown, Settlement, Ticket, Verdict};
use tidegate_kernel::Timestamp;
use tidegate_ports::{Clock, FailureCause};

use crate::config::AdmissionConfig;
use crate::confirmations::Confirmations;
use crate::gate_health::GateHealth;
use crate::local_share::LocalShare;
use crate::metrics::GATE_DOWN;
use crate::ports::AdmissionPorts;
use crate::refusal::Refusal;
use crate::store_access::StoreAccess;
use crate::submission::Caller;

/// The gate, and the local share that replaces it while it is down.
pub(crate) struct GateAccess {
    clock: Arc<dyn Clock>,
    gate: Arc<dyn Gate>,
    /// Seeds the gate.
    store: Arc<StoreAccess>,
    health: GateHealth,
    local_share: LocalShare,
    confirmations: Confirmations,
    deadline_ms: u64,
}

impl GateAccess {
    pub fn new(ports: &AdmissionPorts, config: &AdmissionConfig, store: &Arc<StoreAccess>) -> Self {
        let (gate, deadline_ms) = (&ports.gate, config.timeouts.gate_ms);
        let deadline = Duration::from_millis(deadline_ms);
        GateAccess {
            clock: Arc::clone(&ports.clock),
            gate: Arc::clone(gate),
            store: Arc::clone(store),
            health: GateHealth::default(),
            local_share: LocalShare::new(config.local_share_permille),
            confirmations: Confirmations::new(Arc::clone(gate), config.confirms_max, deadline),
            deadline_ms,
        }
    }

    /// The gate's verdict; `None` when it is down, or when it must be seeded and the store is down.
    pub async fn ask(&self, team: TeamId, ask: impl Fn() -> Ask) -> Option<Verdict> {
        let now = self.clock.steady();
        if self.health.is_resting(now) {
            return None;
        }
        let mut answer = self.ask_once(ask()).await;
        if let Ok(Verdict::NeedsSeed) = answer {
            let seed = match Box::pin(self.store.seed(team)).await {
                Ok(seed) => seed,
                // It is the store that is down: the gate continues for the teams that it knows.
                Err(GateDown(cause)) => return without_gate(&cause),
            };
            answer = match self.within_deadline(self.gate.seed(team, seed)).await {
                Ok(Ok(())) => self.ask_once(ask()).await,
                Ok(Err(down)) | Err(down) => Err(down),
            };
        }
        match answer {
            Ok(Verdict::NeedsSeed) => self.gate_is_down(now, &"it forgets what it is seeded with".into()),
            Ok(verdict) => {
                self.health.answered();
                Some(verdict)
            }
            Err(GateDown(cause)) => self.gate_is_down(now, &cause),
        }
    }

    /// Takes one token of what this process admits without a gate.
    ///
    /// # Errors
    /// [`Refusal::Rate`].
    pub fn take_local_share(&self, caller: &Caller) -> Result<(), Refusal> {
        self.local_share.take(caller, self.clock.steady())
    }

    /// Confirms without keeping the answer waiting.
    pub fn confirm(&self, ticket: Ticket) -> impl Future<Output = ()> + Send + '_ {
        self.confirmations.confirm(ticket)
    }

    /// Resolves once no confirmation is in progress. Each takes no longer than a question to the gate may.
    pub fn all_confirmed(&self) -> impl Future<Output = ()> + Send + '_ {
        self.confirmations.all_done()
    }

    /// Gives a ticket back before the refusal is sent, so that a retry finds nothing in its way.
    pub async fn release(&self, ticket: Ticket) {
        if ticket.held.is_empty() && ticket.units == 0 && ticket.new_agent.is_none() {
            return;
        }
        if self.within_deadline(self.gate.release(ticket)).await.is_err() {
            tracing::warn!("the gate did not take a release in time: the claim stays until its content is sent again");
        }
    }

    /// Gives back what was taken and never written ([`Gate::settle`]).
    ///
    /// # Errors
    /// [`GateDown`].
    pub async fn settle(&self, team: TeamId, settlement: Settlement) -> Result<(), GateDown> {
        self.within_deadline(self.gate.settle(team, settlement)).await?
    }

    /// Gives the slot of an archived agent back ([`Gate::forget_agent`]).
    ///
    /// # Errors
    /// [`GateDown`].
    pub async fn forget(&self, team: TeamId, agent: Slug) -> Result<(), GateDown> {
        self.within_deadline(self.gate.forget_agent(team, agent)).await?
    }

    async fn ask_once(&self, ask: Ask) -> Result<Verdict, GateDown> {
        self.within_deadline(self.gate.admit(ask)).await?
    }

    async fn within_deadline<T>(&self, call: impl Future<Output = T>) -> Result<T, GateDown> {
        let deadline_ms = self.deadline_ms;
        let late = |_| GateDown(FailureCause::timeout(format!("no answer within {deadline_ms} ms")));
        tokio::time::timeout(Duration::from_millis(deadline_ms), call).await.map_err(late)
    }

    fn gate_is_down(&self, now: Timestamp, cause: &FailureCause) -> Option<Verdict> {
        self.health.failed(now);
        without_gate(cause)
    }
}

fn without_gate(cause: &FailureCause) -> Option<Verdict> {
    GATE_DOWN.handle().increment(1);
    tracing::warn!(kind = %cause.kind(), cause = cause.as_str(), "the gate is down: admitting a local share without claims");
    None
}
