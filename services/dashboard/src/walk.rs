//! Goes through a part of a team's runs, page by page, and keeps a line of each: what they carry is dropped at once.

use tidegate_agentping::{Run, RunId, RunStatus, Slug};
use tidegate_agentping_ports::{AgentSums, ListedRun, RunFilter, RunPage};
use tidegate_kernel::{SmolStr, Timestamp, Usd};

use crate::parts::time::midnight;
use crate::problem::Problem;
use crate::said;
use crate::visit::Visit;

/// Runs that are asked for at once.
const PAGE_RUNS: usize = 500;
/// Free JSON that one page of them may hold.
const PAGE_BYTES: usize = 2 << 20;
/// Pages of one walk at most: large outputs make pages short.
const PAGES_MAX: usize = 16;
/// Runs of one walk at most.
pub(crate) const RUNS_MAX: usize = 2_000;
/// Runs whose lines are summed at most.
pub(crate) const SUMMED_MAX: usize = 10_000;

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
        if self.more { "at least " } else { "" }
    }
}

impl Visit {
    /// A page of the runs that pass the filter, at most `limit` after a place of the listing.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn runs(
        &self,
        filter: &RunFilter,
        after: Option<(Timestamp, RunId)>,
        limit: usize,
    ) -> Result<Walk, Problem> {
        // One more than asked for shows whether anything follows.
        let page = RunPage { after, limit: limit + 1, max_bytes: PAGE_BYTES };
        let listed = self.pages.ask(self.queries.list(self.team(), filter, &page, self.now)).await?;
        let more = listed.cut || listed.runs.len() > limit;
        let seen = |ListedRun { listed_at, id, run }: ListedRun| SeenRun::of(id, listed_at, &run, self.now);
        Ok(Walk { runs: listed.runs.into_iter().take(limit).filter_map(seen).collect(), more })
    }

    /// One run; `None` if the team has none of this id.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn seen(&self, id: RunId) -> Result<Option<SeenRun>, Problem> {
        let found = self.pages.ask(self.queries.run(self.key_of(id))).await?;
        Ok(found.and_then(|run| SeenRun::of(id, run.opening()?.listed_at(), &run, self.now)))
    }

    /// All runs that pass the filter, as far as a walk goes.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn walk(&self, filter: &RunFilter, runs_max: usize) -> Result<Walk, Problem> {
        let mut walk = Walk::default();
        let mut after = None;
        for _ in 0..PAGES_MAX {
            let wanted = PAGE_RUNS.min(runs_max - walk.runs.len());
            let page = self.runs(filter, after, wanted).await?;
            after = page.runs.last().map(|last| (last.listed_at, last.id)).or(after);
            walk.runs.extend(page.runs);
            walk.more = page.more;
            if !page.more || walk.runs.len() >= runs_max {
                break;
            }
        }
        Ok(walk)
    }

    /// What today's runs (UTC) come to, those of each agent and all together: of the newest ones, from the lines of the
    /// listing.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn sums_of_today(&self) -> Result<AgentSums, Problem> {
        let queries = &self.queries;
        self.pages.ask(queries.sums_by_agent(self.team(), midnight(self.now), SUMMED_MAX, self.now)).await
    }

    /// The runs of today (UTC) themselves, as far as a walk goes: for what the store's sums do not have.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn today(&self) -> Result<Walk, Problem> {
        let filter = RunFilter { from: Some(midnight(self.now)), ..RunFilter::default() };
        self.walk(&filter, RUNS_MAX).await
    }
}
