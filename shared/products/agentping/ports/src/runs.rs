//! The store ports: what the persister writes and what readers ask.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_agentping::{AgentId, Event, EventId, Run, RunId, RunKey, RunStatus, Slug, TeamId};
use tidegate_kernel::{Month, Position, SmolStr, Timestamp, Usd};
use tidegate_ports::StoreError;

use crate::FeedEntry;

mod agent_sums;
mod agents;
mod each_event;
mod held;
mod pages;
mod spend;

pub use agent_sums::{AgentSum, AgentSums};
pub use agents::union_of_agents;
pub use each_event::each_event;
pub use pages::{EventPage, EventsPage, ListedRun, RunPage, RunsPage};
pub use spend::{SPEND_ROWS_MAX, SpendLine, SpendTally, UNPRICED_MAX};

/// How long an orphan waits for its start before it is purged, in milliseconds: 24 h (AgentPing: any order).
pub const ORPHAN_AGE_MS: i64 = 24 * 60 * 60 * 1_000;

/// Loads and saves runs: the persister's side, batch-shaped.
#[async_trait]
pub trait Runs: Send + Sync + 'static {
    /// The stored state of each wanted run, in the order asked, with the content hashes of those of the named
    /// events that are stored.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn load(&self, wanted: &[RunWanted]) -> Result<Vec<StoredRun>, StoreError>;

    /// Saves each write whole or not at all; a write whose position is below the one stored for its run loses,
    /// silently. Saving the same again changes nothing, so retrying is always safe. Listings, agents, usage, repeats
    /// and unpriced models follow from the writes. They are shared, so that a retry costs no copy.
    ///
    /// Rows of the feed are there before their run says that it was folded so far.
    ///
    /// From now on they are read; they outlive a power cut at the latest once an account is settled after them
    /// ([`Accounts::settle`](tidegate_ports::Accounts::settle)).
    ///
    /// # Errors
    /// [`StoreError`]; some of the writes may be stored.
    async fn save(&self, writes: Arc<Vec<RunWrite>>) -> Result<(), StoreError>;

    /// A number that changes when a server of the store has started again: what it acknowledged shortly before may be
    /// gone then. Asked after a load, it says whether the load may be built upon. It may change without a cause. A
    /// store that never loses what it acknowledged always has the same number.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn starts(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    /// Rows that follow from these runs as they are stored, and from these of their events, and that are not there or
    /// say something else: what a [`RunWrite::again`] of them would write. Each is a hash of its own, so that a row
    /// that follows from several runs is counted once. A store that cannot lose such rows apart from its runs has none.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn missing_rows(&self, wanted: &[RunWanted]) -> Result<Vec<u128>, StoreError> {
        let _ = wanted;
        Ok(Vec::new())
    }

    /// Deletes up to `limit` runs that have no opening and were last touched before `before`; returns how many
    /// (AgentPing: any order; orphans are purged after 24 h).
    ///
    /// # Errors
    /// [`StoreError`].
    async fn purge_orphans(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;
}

/// A run to be loaded.
#[derive(Clone, Debug)]
pub struct RunWanted {
    pub key: RunKey,
    pub events: Vec<EventId>,
}

/// A run as loaded.
#[derive(Clone, Debug, Default)]
pub struct StoredRun {
    /// `None`: nothing is stored of it.
    pub run: Option<Run>,
    /// Content hashes of those wanted events that are stored under this run.
    pub events: Vec<(EventId, u64)>,
    /// The write timestamp ([`Position::write_timestamp`]) of the last record folded in. A record at or below it was
    /// folded in before. `None`: nothing is stored.
    pub folded_to: Option<i64>,
}

/// A run to be saved: its whole summary, and the events that are new.
#[derive(Clone, Debug)]
pub struct RunWrite {
    pub key: RunKey,
    pub run: Run,
    /// Each with its own record's receipt, so that what is stored does not depend on how records were batched.
    pub new_events: Vec<EventRow>,
    /// Rows of the pulse feed of the records folded in, in log order, and [recovered](tidegate_agentping::FeedRow::recovered) ones, which
    /// lose to rows that are there.
    pub feed: Vec<FeedEntry>,
    /// Of the last record folded in.
    pub position: Position,
    /// Set where a record of it came again: appended again by a replay, or read again. All that follows from the run
    /// is then written, whatever the store believes to have written before, and all that follows from these events of
    /// it. New events of a run that is stored at a later position are then written, too: its summary counts them.
    pub again: Option<Vec<EventId>>,
}

/// One read of what is stored under claimed ids: for ids older than the gate's memory, and for unconfirmed claims.
#[async_trait]
pub trait StoredSummary: Send + Sync + 'static {
    /// Like [`Runs::load`] for one run: its summary and the hashes of these events of it.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn stored(&self, wanted: RunWanted) -> Result<StoredRun, StoreError>;

    /// Which of these events are stored under a run of the team, whichever run that is.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn event_owners(&self, team: TeamId, events: &[EventId]) -> Result<Vec<(EventId, RunId, u64)>, StoreError>;
}

/// What readers ask, each within one team. Orphans (runs without an opening) are never shown.
#[async_trait]
pub trait RunQueries: Send + Sync + 'static {
    /// One run without its events; `None` if the team has no such run.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn run(&self, key: RunKey) -> Result<Option<Run>, StoreError>;

    /// A page of a run's events, in the order of their ids. Never holds much more than the page in memory, however
    /// many events the run has. Of an orphan, too: ask [`RunQueries::run`] whether it is to be shown.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn events(&self, key: RunKey, page: &EventPage) -> Result<EventsPage, StoreError>;

    /// A page of runs, newest first by [`Opening::listed_at`](tidegate_agentping::run::Opening::listed_at), then id. `now`
    /// decides which idle runs are closed.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn list(
        &self,
        team: TeamId,
        filter: &RunFilter,
        page: &RunPage,
        now: Timestamp,
    ) -> Result<RunsPage, StoreError>;

    /// Agents by slug.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn agents(&self, team: TeamId) -> Result<Vec<AgentRow>, StoreError>;

    /// Events counted towards the quota in a month.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn usage(&self, team: TeamId, month: Month) -> Result<u64, StoreError>;

    /// Repeats of runs that are shown ([`Run::repeats_by_month`]), received in a month: how many of each agent, by slug.
    /// Agents without any are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn repeats(&self, team: TeamId, month: Month) -> Result<Vec<AgentRepeats>, StoreError>;

    /// What each agent's runs come to that are listed at or after `from`: of the newest `runs_max` of all agents together.
    /// A store with lines of its listing reads those only, and nothing that runs carry.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn sums_by_agent(
        &self,
        team: TeamId,
        from: Timestamp,
        runs_max: usize,
        now: Timestamp,
    ) -> Result<AgentSums, StoreError> {
        const PAGE_RUNS: usize = 200;
        const PAGE_BYTES: usize = 2 << 20;
        let filter = RunFilter { from: Some(from), ..RunFilter::default() };
        let mut sums = AgentSums::of_newest(runs_max);
        let mut page = RunPage { after: None, limit: PAGE_RUNS, max_bytes: PAGE_BYTES };
        loop {
            let found = self.list(team, &filter, &page, now).await?;
            for ListedRun { id, run, .. } in &found.runs {
                let Some(opening) = run.opening() else { continue };
                if !sums.take(*id, opening.start.agent.as_str(), run.status_at(now), run.cost()) {
                    return Ok(sums);
                }
            }
            let is_last = !found.cut && found.runs.len() < page.limit;
            let Some(last) = found.runs.last().filter(|_| !is_last) else { return Ok(sums) };
            page.after = Some((last.listed_at, last.id));
        }
    }

    /// Costs of the runs listed in a month.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn spend(&self, team: TeamId, month: Month, now: Timestamp) -> Result<Spend, StoreError>;
}

/// An event as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    pub event: Event,
    pub received_at: Timestamp,
}

impl EventRow {
    /// About how many bytes it takes: what bounds a page.
    pub fn bytes(&self) -> usize {
        const MEMBERS_BYTES: usize = 256;
        self.event.data.as_str().len() + MEMBERS_BYTES
    }
}

/// Which runs to list. Everything given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    pub agent: Option<Slug>,
    pub status: Option<RunStatus>,
    pub customer_id: Option<String>,
    pub feature: Option<String>,
    /// Listed at or after: see [`Opening::listed_at`](tidegate_agentping::run::Opening::listed_at).
    pub from: Option<Timestamp>,
    /// Listed before.
    pub to: Option<Timestamp>,
}

impl RunFilter {
    /// Whether a run that is at `listed_at` in the order is to be listed. An orphan never is.
    pub fn admits(&self, run: &Run, listed_at: Timestamp, now: Timestamp) -> bool {
        let Some(start) = run.opening().map(|opening| &opening.start) else {
            return false;
        };
        let same =
            |asked: &Option<String>, found: &Option<SmolStr>| asked.is_none() || asked.as_deref() == found.as_deref();
        self.agent.as_ref().is_none_or(|agent| *agent == start.agent)
            && same(&self.customer_id, &start.customer_id)
            && same(&self.feature, &start.feature)
            && self.from.is_none_or(|from| from <= listed_at)
            && self.to.is_none_or(|to| listed_at < to)
            && self.status.is_none_or(|status| status == run.status_at(now))
    }
}

/// An agent as readers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentRow {
    pub id: AgentId,
    pub slug: Slug,
    /// When its first record was received, or its first ping token made.
    pub first_seen: Timestamp,
    /// When a run of it was last opened; `None` before the first.
    pub last_seen: Option<Timestamp>,
    /// When it was archived last; a run received later makes it count again.
    pub archived_at: Option<Timestamp>,
}

/// How often ids of an agent's runs were used again in a month, after the runs were closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentRepeats {
    pub agent: Slug,
    pub times: u64,
}

/// A month's costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spend {
    pub total: Usd,
    /// Of the runs with status `success` (AgentPing: spend; the headline figure).
    pub successful: Usd,
    /// How many these are.
    pub successful_runs: u64,
    /// At most [`SPEND_ROWS_MAX`] rows of each breakdown, and the sum of those beyond.
    pub by_agent: Vec<SpendRow>,
    pub agents_rest: SpendRest,
    pub by_customer: Vec<SpendRow>,
    pub customers_rest: SpendRest,
    pub by_feature: Vec<SpendRow>,
    pub features_rest: SpendRest,
    /// The days (UTC) of the month that runs were listed in, in their order.
    pub by_day: Vec<DaySpend>,
    /// Provider and model of calls that no rate was there for, received in this month; at most [`UNPRICED_MAX`].
    pub unpriced: Vec<(String, String)>,
}

/// One line of a breakdown; `name` is `None` for runs without that label. Greatest cost first, then by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendRow {
    pub name: Option<String>,
    pub cost: Usd,
    pub runs: u64,
}

/// A day's costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaySpend {
    /// Its first instant.
    pub day: Timestamp,
    pub cost: Usd,
    pub runs: u64,
}

/// What the rows that a breakdown leaves out come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpendRest {
    pub cost: Usd,
    pub runs: u64,
}
