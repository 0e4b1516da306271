//! Giving back what requests took at the gate and never wrote: a front door that dies between claiming and appending
//! leaves units and the name of a new agent behind. Before a team is refused because these are used up, the gate gets
//! the store's counts.

use std::collections::HashSet;
use std::sync::Arc;

use moka::sync::Cache;
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_ports::gate::{GateDown, Refused, Settlement};
use tidegate_kernel::Timestamp;
use tidegate_ports::Clock;

use crate::applied::Applied;
use crate::gate_access::GateAccess;
use crate::ports::AdmissionPorts;
use crate::store_access::StoreAccess;

/// A team that stays at its limit costs one read of the store in so many milliseconds, in each front door.
const EVERY_MS: u64 = 10_000;
const TEAMS_MAX: u64 = 10_000;

/// What giving back asks, and when it did so for each team.
pub(crate) struct GivingBack {
    clock: Arc<dyn Clock>,
    gate: Arc<GateAccess>,
    store: Arc<StoreAccess>,
    applied: Arc<Applied>,
    /// By the steady clock.
    read_at: Cache<TeamId, Timestamp>,
}

impl GivingBack {
    pub fn new(
        ports: &AdmissionPorts,
        gate: &Arc<GateAccess>,
        store: &Arc<StoreAccess>,
        applied: &Arc<Applied>,
    ) -> Self {
        GivingBack {
            clock: Arc::clone(&ports.clock),
            gate: Arc::clone(gate),
            store: Arc::clone(store),
            applied: Arc::clone(applied),
            read_at: Cache::new(TEAMS_MAX),
        }
    }

    /// Whether it is worth asking the gate again after this refusal.
    pub async fn gives_back(&self, team: TeamId, refused: Refused) -> bool {
        let (Refused::Quota { at, .. } | Refused::AgentCap { at, .. }) = refused else { return false };
        if !self.is_due(team, self.clock.steady()) {
            return false;
        }
        // First how far the consumers are, then what is stored: what was admitted up to then is in it, or never lands.
        let Some(lag_ms) = self.applied.lag_ms().await else { return false };
        let before_ms = lag_ms.saturating_add(self.applied.lands_after_ms());
        let up_to = at.plus_millis(i64::try_from(before_ms).unwrap_or(i64::MAX).saturating_neg());
        let settled = async {
            let seed = self.store.seed(team).await?;
            let read = seed.agents.clone();
            self.gate.settle(team, Settlement { up_to, seed }).await?;
            // The team has room by then, whether or not an archived agent's slot is free as well.
            if let Err(GateDown(cause)) = self.forget_archived(team, read).await {
                tracing::warn!(kind = %cause.kind(), cause = cause.as_str(), "slots of archived agents are not free yet");
            }
            Ok::<_, GateDown>(())
        };
        match settled.await {
            Ok(()) => true,
            Err(GateDown(cause)) => {
                tracing::warn!(kind = %cause.kind(), cause = cause.as_str(), "what was taken and never written cannot be given back now");
                false
            }
        }
    }

    /// An agent that was archived while the store was read has given its slot back, and what was read has given it one
    /// again. What is archived by now is not stored any more; what is archived from now on gives its slot back later than
    /// this.
    async fn forget_archived(&self, team: TeamId, read: Vec<Slug>) -> Result<(), GateDown> {
        let stored: HashSet<Slug> = self.store.seed(team).await?.agents.into_iter().collect();
        for agent in read.into_iter().filter(|agent| !stored.contains(agent)) {
            self.gate.forget(team, agent).await?;
        }
        Ok(())
    }

    fn is_due(&self, team: TeamId, now: Timestamp) -> bool {
        let recently = self.read_at.get(&team).is_some_and(|at| now.millis_since(at) < EVERY_MS);
        if !recently {
            self.read_at.insert(team, now);
        }
        !recently
    }
}
