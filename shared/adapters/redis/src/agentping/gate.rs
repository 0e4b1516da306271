//! The gate port on Redis.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_ports::{Ask, Gate, GateDown, Seed, Settlement, Ticket, Verdict};
use tidegate_kernel::Month;
use tidegate_ports::{Clock, FailureCause, FailureKind};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::operation::Operation;
use super::packing::Keeping;
use super::replies;
use super::team_queues::TeamQueues;
use crate::link::{Link, Purpose};
use crate::metrics::GateMetrics;
use crate::options::GateTime;
use crate::{RedisConnectError, RedisOptions};

/// How long a team's state is kept after its last call: longer than its claims and than a month. A team that is idle
/// for longer must be seeded again.
const TEAM_TTL_MS: u64 = 32 * 24 * 3_600_000;

const PURPOSE: Purpose = Purpose {
    script: include_str!("gate.lua"),
    whose: "the gate's",
    on_eviction: Some("the gate's Redis may evict claims: set its maxmemory-policy to noeviction"),
};

/// The [`Gate`] on Redis, for any number of front doors.
pub struct RedisGate {
    queues: Arc<TeamQueues>,
    clock: Arc<dyn Clock>,
    supervisor: AbortHandle,
}

impl RedisGate {
    /// Creates a gate that connects in the background, and again whenever the connection is lost. An unreachable Redis
    /// is no error here: calls fail until it is up. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`RedisConnectError`]: an option is invalid.
    pub fn connect(options: RedisOptions, clock: Arc<dyn Clock>) -> Result<RedisGate, RedisConnectError> {
        let metrics = Arc::new(GateMetrics::new());
        let link = Arc::new(Link::new(&options, PURPOSE, metrics.link.clone())?);
        let runtime = Handle::try_current().map_err(|_| RedisConnectError::NoRuntime)?;
        // The options are at most a year.
        let window_ms = u64::try_from(options.window.as_millis()).unwrap_or(u64::MAX);
        let asks_time = options.time == GateTime::Asker;
        let keeping = Keeping { window_ms, team_ttl_ms: TEAM_TTL_MS.max(2 * window_ms), asks_time };
        let supervised = Arc::clone(&link);
        let supervisor = runtime.spawn(async move { supervised.supervise().await }).abort_handle();
        let queues = Arc::new(TeamQueues::new(link, options.key_prefix, keeping, metrics, Arc::clone(&clock)));
        Ok(RedisGate { queues, clock, supervisor })
    }
}

impl Drop for RedisGate {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}

#[async_trait]
impl Gate for RedisGate {
    async fn admit(&self, ask: Ask) -> Result<Verdict, GateDown> {
        match self.queues.ask(ask.team, Operation::Admit(ask)).await? {
            (Operation::Admit(ask), answer) => replies::verdict(&ask, answer).map_err(unreadable),
            _ => Err(GateDown("another operation's answer came back".into())),
        }
    }

    async fn confirm(&self, ticket: Ticket) {
        self.queues.confirm(ticket.team, Operation::Confirm(ticket));
    }

    async fn release(&self, ticket: Ticket) {
        if let Err(GateDown(cause)) = self.queues.ask(ticket.team, Operation::Release(ticket)).await {
            tracing::warn!(cause = cause.as_str(), kind = %cause.kind(), "a release is lost: its claims stay until their content is sent again");
        }
    }

    async fn seed(&self, team: TeamId, seed: Seed) -> Result<(), GateDown> {
        let (team_born, now) = (team.birth(), self.clock.now());
        self.queues.ask(team, Operation::Seed { seed, team_born, now }).await.map(drop)
    }

    async fn settle(&self, team: TeamId, settlement: Settlement) -> Result<(), GateDown> {
        let now = self.clock.now();
        self.queues.ask(team, Operation::Settle { settlement, now }).await.map(drop)
    }

    async fn usage(&self, team: TeamId, month: Month) -> Result<Option<u64>, GateDown> {
        let (_, answer) = self.queues.ask(team, Operation::Usage(month)).await?;
        replies::count(answer).map_err(unreadable)
    }

    async fn agents(&self, team: TeamId) -> Result<Option<u64>, GateDown> {
        let (_, answer) = self.queues.ask(team, Operation::Agents).await?;
        replies::count(answer).map_err(unreadable)
    }

    async fn forget_agent(&self, team: TeamId, agent: Slug) -> Result<(), GateDown> {
        self.queues.ask(team, Operation::Forget(agent)).await.map(drop)
    }
}

fn unreadable(error: replies::Unreadable) -> GateDown {
    GateDown(FailureCause::new(FailureKind::Broken, error.to_string()).caused_by(error))
}
