//! Goes through a part of a team's runs, page by page, and keeps a line of each: what they carry is dropped at once.

use tidegate_agentping::RunId;
use tidegate_agentping_ports::{AgentSums, ListedRun, RunFilter, RunPage};
use tidegate_kernel::Timestamp;

use crate::parts::time::midnight;
use crate::problem::Problem;
use crate::visit::Visit;

pub(crate) use crate::seen_run::{SeenRun, Walk};

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
