//! The gate port on Redis.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_domain::{Month, TeamId, Timestamp};
use tidegate_ports::{Ask, Clock, Gate, GateDown, Seed, Ticket, Verdict};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::lanes::Lanes;
use crate::link::Link;
use crate::metrics::Numbers;
use crate::operation::Operation;
use crate::packing::{Keeping, time_ms};
use crate::{RedisGateError, RedisOptions, answers};

/// A team's counts, agents and mark outlive its claims and a month; a team idle for longer is to be seeded again.
const TEAM_TTL_MS: u64 = 32 * 24 * 3_600_000;
/// How far clients' clocks may be ahead: ids born up to so long after the gate lost its memory may have been claimed
/// before.
const CLIENTS_AHEAD_MS: i64 = 120_000;
/// A team younger than this, of which nothing is stored, is new, and not forgotten.
const NEW_TEAM_MS: u64 = 60_000;

/// The [`Gate`] on Redis, for any number of front doors.
pub struct RedisGate {
    lanes: Arc<Lanes>,
    clock: Arc<dyn Clock>,
    supervisor: AbortHandle,
}

impl RedisGate {
    /// A gate that connects in the background, and again whenever the connection is lost. Redis being down is not an
    /// error: the gate says so until it is up. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`RedisGateError`]: an option that cannot work.
    pub fn connect(options: RedisOptions, clock: Arc<dyn Clock>) -> Result<RedisGate, RedisGateError> {
        let numbers = Arc::new(Numbers::new());
        let link = Arc::new(Link::new(&options, Arc::clone(&numbers))?);
        let runtime = Handle::try_current().map_err(|_| RedisGateError::NoRuntime)?;
        // The options are at most a year.
        let window_ms = u64::try_from(options.window.as_millis()).unwrap_or(u64::MAX);
        let keeping = Keeping { window_ms, team_ttl_ms: TEAM_TTL_MS.max(2 * window_ms) };
        let supervised = Arc::clone(&link);
        let supervisor = runtime.spawn(async move { supervised.supervise().await }).abort_handle();
        let lanes = Arc::new(Lanes::new(link, options.key_prefix, keeping, numbers));
        Ok(RedisGate { lanes, clock, supervisor })
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
        match self.lanes.ask(ask.team, Operation::Admit(ask)).await? {
            (Operation::Admit(ask), answer) => answers::verdict(&ask, answer).map_err(unreadable),
            _ => Err(GateDown("another operation's answer came back".to_owned())),
        }
    }

    async fn confirm(&self, ticket: Ticket) {
        self.lanes.confirm(ticket.team, Operation::Confirm(ticket));
    }

    async fn release(&self, ticket: Ticket) {
        if let Err(GateDown(cause)) = self.lanes.ask(ticket.team, Operation::Release(ticket)).await {
            tracing::warn!(cause, "a release is lost: its claims stay until their content is sent again");
        }
    }

    async fn seed(&self, team: TeamId, seed: Seed) -> Result<(), GateDown> {
        let since_ms = remembers_since_ms(team, &seed, self.clock.now());
        self.lanes.ask(team, Operation::Seed { seed, since_ms }).await.map(drop)
    }

    async fn usage(&self, team: TeamId, month: Month) -> Result<Option<u64>, GateDown> {
        let (_, answer) = self.lanes.ask(team, Operation::Usage(month)).await?;
        answers::usage(answer).map_err(unreadable)
    }
}

fn unreadable(error: answers::Unreadable) -> GateDown {
    GateDown(error.to_string())
}

/// The mark of a team that Redis does not know: ids born before it may have been claimed and forgotten, unless there
/// was nothing to claim yet. 0 is no mark.
fn remembers_since_ms(team: TeamId, seed: &Seed, now: Timestamp) -> u64 {
    let nothing_stored = seed.agents.is_empty() && seed.usage.is_none_or(|usage| usage.events == 0);
    let is_new = now.millis_since(team.birth()) < NEW_TEAM_MS && team.birth().millis_since(now) < NEW_TEAM_MS;
    if nothing_stored && is_new { 0 } else { time_ms(now.plus_millis(CLIENTS_AHEAD_MS)) }
}

#[cfg(test)]
mod tests {
    use tidegate_domain::{Region, Slug};
    use tidegate_ports::Usage;

    use super::*;

    #[test]
    fn only_a_new_team_of_which_nothing_is_stored_has_nothing_forgotten() {
        let now = Timestamp::from_millis(1_780_000_000_000);
        let team = |age_ms: i64| TeamId::mint(Region::Eu, now.plus_millis(-age_ms), &[7; 10]);
        let used = |events| Seed { usage: Some(Usage { month: Month::of(now), events }), agents: Vec::new() };
        let named = Seed { usage: None, agents: vec![Slug::parse("a").unwrap()] };
        let marked = u64::try_from(now.as_millis() + CLIENTS_AHEAD_MS).unwrap();
        for (age_ms, seed, expected) in [
            (0, Seed::default(), 0),
            (59_999, used(0), 0),
            (-59_999, used(0), 0),
            (60_000, Seed::default(), marked),
            (-60_000, Seed::default(), marked),
            (0, used(1), marked),
            (0, named, marked),
        ] {
            assert_eq!(remembers_since_ms(team(age_ms), &seed, now), expected, "{age_ms} {seed:?}");
        }
    }
}
