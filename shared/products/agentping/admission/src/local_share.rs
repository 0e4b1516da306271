//! When the gate is down: what this process alone admits, a bounded share of each team's rate.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tidegate_agentping::TeamId;
use tidegate_agentping_inproc::gate::{BucketRate, TokenBucket};
use tidegate_kernel::Timestamp;

use crate::refusal::Refusal;
use crate::submission::Caller;

/// A bucket for each team that sent a request while the gate was down.
#[derive(Debug)]
pub(crate) struct LocalShare {
    permille: u32,
    buckets: Mutex<HashMap<TeamId, TokenBucket>>,
}

impl LocalShare {
    /// `permille` of each team's rate and burst.
    pub fn new(permille: u32) -> Self {
        LocalShare { permille, buckets: Mutex::default() }
    }

    /// Takes one token of the team's share. `now` is the steady clock's.
    ///
    /// # Errors
    /// [`Refusal::Rate`].
    pub fn take(&self, caller: &Caller, now: Timestamp) -> Result<(), Refusal> {
        let limits = caller.plan.limits();
        let Some(rate) = BucketRate::share_of(&limits, self.permille) else { return Ok(()) };
        // A bucket is changed in one step: it is whole even after a panic elsewhere.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = buckets.entry(caller.team).or_insert(TokenBucket::full(now)).take(rate, now);
        taken.map_err(|retry_after_s| Refusal::Rate {
            sustained_per_s: limits.sustained_per_s.unwrap_or(0),
            retry_after_s,
        })
    }
}
