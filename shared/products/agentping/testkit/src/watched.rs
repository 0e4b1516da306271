//! A store of runs whose reads a test counts, holds up, or lets fail.

use async_trait::async_trait;
use tidegate_agentping::{Run, RunKey, TeamId};
use tidegate_agentping_ports::{
    AgentRepeats, AgentRow, AgentSums, EventPage, EventsPage, RunFilter, RunPage, RunQueries, RunsPage, Spend,
};
use tidegate_kernel::{Month, Timestamp};
use tidegate_ports::StoreError;

/// A read of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunsRead {
    Run(RunKey),
    Events,
    List,
    Agents,
    Usage,
    Repeats,
    Sums,
    Spend,
}

/// What a test does before a read.
#[async_trait]
pub trait BeforeRead: Send + Sync + 'static {
    /// # Errors
    /// The read fails with it, and is not passed on.
    async fn before(&self, read: RunsRead) -> Result<(), StoreError>;
}

/// Passes reads on to `runs`, after `before`.
#[derive(Clone, Debug)]
pub struct WatchedRuns<Q, B> {
    pub runs: Q,
    pub before: B,
}

#[async_trait]
impl<Q: RunQueries, B: BeforeRead> RunQueries for WatchedRuns<Q, B> {
    async fn run(&self, key: RunKey) -> Result<Option<Run>, StoreError> {
        self.before.before(RunsRead::Run(key)).await?;
        self.runs.run(key).await
    }

    async fn events(&self, key: RunKey, page: &EventPage) -> Result<EventsPage, StoreError> {
        self.before.before(RunsRead::Events).await?;
        self.runs.events(key, page).await
    }

    async fn list(
        &self,
        team: TeamId,
        filter: &RunFilter,
        page: &RunPage,
        now: Timestamp,
    ) -> Result<RunsPage, StoreError> {
        self.before.before(RunsRead::List).await?;
        self.runs.list(team, filter, page, now).await
    }

    async fn agents(&self, team: TeamId) -> Result<Vec<AgentRow>, StoreError> {
        self.before.before(RunsRead::Agents).await?;
        self.runs.agents(team).await
    }

    async fn usage(&self, team: TeamId, month: Month) -> Result<u64, StoreError> {
        self.before.before(RunsRead::Usage).await?;
        self.runs.usage(team, month).await
    }

    async fn repeats(&self, team: TeamId, month: Month) -> Result<Vec<AgentRepeats>, StoreError> {
        self.before.before(RunsRead::Repeats).await?;
        self.runs.repeats(team, month).await
    }

    async fn sums_by_agent(
        &self,
        team: TeamId,
        from: Timestamp,
        runs_max: usize,
        now: Timestamp,
    ) -> Result<AgentSums, StoreError> {
        self.before.before(RunsRead::Sums).await?;
        self.runs.sums_by_agent(team, from, runs_max, now).await
    }

    async fn spend(&self, team: TeamId, month: Month, now: Timestamp) -> Result<Spend, StoreError> {
        self.before.before(RunsRead::Spend).await?;
        self.runs.spend(team, month, now).await
    }
}
