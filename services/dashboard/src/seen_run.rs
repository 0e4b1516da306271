//! What is kept of runs that a walk has seen: a line of each.

use tidegate_agentping::{Run, RunId, RunStatus, Slug};
use tidegate_kernel::{SmolStr, Timestamp, Usd};

use crate::parts::amount::at_least;
use crate::said;

/// A line of a run, as it stands at the time of the walk.
#[derive(Clone, Debug)]
pub(crate) struct SeenRun {
    pub id: RunId,
    pub listed_at: Timestamp,
    pub agent: Slug,
    pub status: RunStatus,
    pub started_at: Timestamp,
    pub duration_ms: Option<u64>,
    pub events: u64,
    pub cost: Usd,
    pub errored: bool,
    pub customer_id: Option<SmolStr>,
    pub feature: Option<SmolStr>,
    pub parent: Option<RunId>,
    /// Of one that failed: why, as far as its end says so.
    pub said: Option<String>,
}

impl SeenRun {
    /// `None` for a run without an opening, which is not shown.
    pub fn of(id: RunId, listed_at: Timestamp, run: &Run, now: Timestamp) -> Option<Self> {
        let start = &run.opening()?.start;
        let status = run.status_at(now);
        let reason = if matches!(status, RunStatus::Failed | RunStatus::Timeout) { said::of_run(run) } else { None };
        Some(SeenRun {
            id,
            listed_at,
            agent: start.agent.clone(),
            status,
            started_at: start.started_at,
            duration_ms: run.duration_ms(now),
            events: run.events,
            cost: run.cost(),
            errored: run.errored,
            customer_id: start.customer_id.clone(),
            feature: start.feature.clone(),
            parent: start.parent_run_id,
            said: reason,
        })
    }
}

/// The runs that a walk has seen, newest first.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    pub runs: Vec<SeenRun>,
    /// There are more than were looked at.
    pub more: bool,
}

impl Walk {
    /// "at least ", where not all runs were looked at.
    pub const fn at_least(&self) -> &'static str {
        at_least(self.more)
    }
}
