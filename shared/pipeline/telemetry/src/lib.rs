//! What an operator sees of a process: its [log lines](logs), and its [numbers](metrics) under the
//! [names](names) that dashboards and alerts stand on.

pub mod logs;
pub mod metrics;
pub mod names;

pub use logs::{LogFormat, LogSettings, LogsError};
pub use metrics::{Metrics, MetricsError};
