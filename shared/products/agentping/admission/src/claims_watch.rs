//! What concerns claims each time the lag was read.

use std::sync::Arc;

use tidegate_agentping_ports::Gate;
use tidegate_shedding::{AfterReading, Behind};

use crate::applied::Applied;
use crate::metrics::{GATE_CLAIM_BYTES, GATE_CLAIMS};

/// Notes up to when everything is applied, and publishes what claims take of the process's memory.
pub(crate) struct ClaimsWatch {
    pub applied: Arc<Applied>,
    pub gate: Arc<dyn Gate>,
}

impl AfterReading for ClaimsWatch {
    fn after_reading(&self, behind: Option<Behind>) {
        if let Some(behind) = behind {
            self.applied.note(behind);
        }
        if let Some(held) = self.gate.in_memory() {
            GATE_CLAIMS.handle().set(held.claims as f64);
            GATE_CLAIM_BYTES.handle().set(held.bytes as f64);
        }
    }
}
