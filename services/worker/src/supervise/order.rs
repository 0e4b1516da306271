//! What the worker asks of a supervisor.

use serde::{Deserialize, Serialize};

/// One line of JSON at the start of the supervisor's standard input. The work order follows it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    /// The path of an executable, or a line for `/bin/sh -c`.
    pub command: String,
    /// From SIGTERM to SIGKILL.
    pub grace_ms: u64,
    pub work_order_bytes: usize,
}
