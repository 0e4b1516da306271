//! Bodies of requests with little in them.

use tidegate_agentping::{Body, FinishStatus};
use tidegate_agentping_testkit::{FinishWith as _, IntoBody as _, StartWith as _};
pub use tidegate_agentping_testkit::{heartbeat, slug};
use tidegate_kernel::Timestamp;

pub fn start(agent: &str, started_at: Timestamp) -> Body {
    tidegate_agentping_testkit::start(agent).at(started_at).into_body()
}

/// A start at `started_at` whose run silence closes.
pub fn idle_start(agent: &str, started_at: Timestamp, timeout_s: u32, status: FinishStatus) -> Body {
    tidegate_agentping_testkit::start(agent).at(started_at).idle(timeout_s, status).into_body()
}

pub fn finish(finished_at: Timestamp) -> Body {
    finish_with(FinishStatus::Success, finished_at)
}

pub fn finish_with(status: FinishStatus, finished_at: Timestamp) -> Body {
    tidegate_agentping_testkit::finish(status).at(finished_at).into_body()
}
