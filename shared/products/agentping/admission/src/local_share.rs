//! When the gate is down: what this process alone admits, a bounded share of each team's rate.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tidegate_agentping::{Limits, TeamId};
use tidegate_agentping_inproc::gate::{BucketRate, TokenBucket};
use tidegate_kernel::Timestamp;

use crate::admission::Admission;
use crate::refusal::Refusal;
use crate::submission::Caller;

/// A bucket for each team that came by while the gate was down.
#[derive(Debug, Default)]
pub(crate) struct LocalShare {
    buckets: Mutex<HashMap<TeamId, TokenBucket>>,
}

impl LocalShare {
    /// Takes one token of the team's share.
    ///
    /// # Errors
    /// The seconds until there is one again.
    fn take(&self, team: TeamId, limits: &Limits, permille: u32, now: Timestamp) -> Result<(), u64> {
        let Some(rate) = BucketRate::share_of(limits, permille) else { return Ok(()) };
        // A bucket is changed in one step: it is whole even after a panic elsewhere.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.entry(team).or_insert(TokenBucket::full(now)).take(rate, now)
    }
}

impl Admission {
    pub(crate) fn take_local_share(&self, caller: &Caller) -> Result<(), Refusal> {
        let limits = caller.plan.limits();
        let now = self.ports.clock.steady();
        self.local_share.take(caller.team, &limits, self.config.local_share_permille, now).map_err(|retry_after_s| {
            Refusal::Rate { sustained_per_s: limits.sustained_per_s.unwrap_or(0), retry_after_s }
        })
    }
}
