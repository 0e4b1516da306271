//! How many workers ask for a run of an organization right now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_agentgate::OrgId;

/// Leases that this process asks for right now, by organization: no more of one than it has queued runs. A hint that saves
/// appends; the decision is the organization's decider's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asking(Arc<Mutex<HashMap<OrgId, u32>>>);

/// One lease that is asked for, until it is dropped.
pub(super) struct Ask {
    all: Asking,
    org: OrgId,
}

impl Asking {
    /// `None`: as many are asked for as runs are `queued`.
    pub(super) fn begin(&self, org: OrgId, queued: u32) -> Option<Ask> {
        let mut asking = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = asking.entry(org).or_default();
        if *count >= queued.max(1) {
            return None;
        }
        *count += 1;
        Some(Ask { all: self.clone(), org })
    }
}

impl Drop for Ask {
    fn drop(&mut self) {
        let mut asking = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = asking.get_mut(&self.org) {
            *count -= 1;
            if *count == 0 {
                asking.remove(&self.org);
            }
        }
    }
}
