//! Giving back what requests took at the gate and never wrote: a front door that dies between claiming and appending
//! leaves units and the name of a new agent behind. Before a team is refused for want of either, the store is asked
//! what there really is.

use std::time::Duration;

use moka::sync::Cache;
use tidegate_agentping::TeamId;
use tidegate_agentping_ports::{GateDown, Refused, Settlement};
use tidegate_kernel::Timestamp;

use crate::admission::Admission;

/// A team that stays at its limit costs one look into the store in so long, in each front door.
const EVERY_MS: u64 = 10_000;
const TEAMS_MAX: u64 = 10_000;

/// When each team was looked at last, by the steady clock.
pub(crate) struct GivingBack {
    looked_at: Cache<TeamId, Timestamp>,
}

impl Default for GivingBack {
    fn default() -> Self {
        GivingBack { looked_at: Cache::new(TEAMS_MAX) }
    }
}

impl GivingBack {
    fn may_look(&self, team: TeamId, now: Timestamp) -> bool {
        let recently = self.looked_at.get(&team).is_some_and(|at| now.millis_since(at) < EVERY_MS);
        if !recently {
            self.looked_at.insert(team, now);
        }
        !recently
    }
}

impl Admission {
    /// Whether it is worth asking the gate again after this refusal.
    pub(crate) async fn gives_back(&self, team: TeamId, refused: Refused) -> bool {
        let (Refused::Quota { at, .. } | Refused::AgentCap { at, .. }) = refused else { return false };
        if !self.giving_back.may_look(team, self.ports.clock.steady()) {
            return false;
        }
        // First how far the consumers are, then what is stored: what was admitted up to then is in it, or never lands.
        let Some(lag_ms) = self.lag_age_ms().await else { return false };
        let before_ms = lag_ms.saturating_add(self.lands_after_ms());
        let up_to = at.plus_millis(i64::try_from(before_ms).unwrap_or(i64::MAX).saturating_neg());
        let settled = async {
            let seed = self.read_seed(team).await?;
            self.within_gate_deadline(self.ports.gate.settle(team, Settlement { up_to, seed })).await?
        };
        match settled.await {
            Ok(()) => true,
            Err(GateDown(cause)) => {
                tracing::warn!(kind = %cause.kind(), cause = cause.as_str(), "what was taken and never written cannot be given back now");
                false
            }
        }
    }

    /// How long the oldest record that is not applied has waited, as read now; `None` when that cannot be read.
    pub(crate) async fn lag_age_ms(&self) -> Option<u64> {
        let deadline = Duration::from_millis(self.config.timeouts.store_ms);
        let (asked_at, stated) = (self.ports.clock.now(), self.stated());
        let lags = self.ports.lag.partitions(&stated.accounts);
        let lags = tokio::time::timeout(deadline, lags).await.ok()?.ok()?;
        Some(self.behind_ms(&lags, asked_at))
    }

    /// So long after it was admitted, a request's record is on the log or never will be.
    pub(crate) const fn lands_after_ms(&self) -> u64 {
        let timeouts = &self.config.timeouts;
        timeouts.lands_within_ms.saturating_add(timeouts.clock_skew_ms)
    }
}
