//! When the gate is asked.

use tidegate_agentping_ports::Ask;
use tidegate_kernel::Timestamp;

/// When the gate is asked. Ids carry their birth by clients' wall clocks; all else is by time that never steps.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub wall: Timestamp,
    pub steady: Timestamp,
}

impl Moment {
    pub const fn of(ask: &Ask) -> Self {
        Moment { wall: ask.now, steady: ask.steady }
    }
}
