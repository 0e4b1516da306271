//! The refusal while another request with the same id is in progress.

use std::sync::atomic::AtomicU32;

use crate::refusal::{RETRY_SOON_S, Refusal};
use tidegate_kernel::outage::jittered;

/// Counts these refusals, so that each has another `Retry-After`. The other request is decided soon, whatever else is
/// down: its clients only must not come back together.
#[derive(Debug, Default)]
pub(crate) struct Undecided {
    refusals: AtomicU32,
}

impl Undecided {
    pub fn refusal(&self) -> Refusal {
        Refusal::Undecided { retry_after_s: jittered(RETRY_SOON_S, &self.refusals) }
    }
}
