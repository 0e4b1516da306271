//! The telemetry of a process: its [log lines](logs) and its [metrics](metrics).

mod declared;
pub mod logs;
pub mod metrics;

pub use declared::{JOB_FAILURES, LOG_MISMATCHED, METRICS};
pub use logs::{LogFormat, LogSettings, LogsError};
pub use metrics::{Metrics, MetricsError};
