//! The gate of one process: everything in memory, a mutex around each shard of teams. Time comes only from
//! [`Ask::now`], so that one process under a test clock is under it as a whole.
//!
//! What it forgets, it says: an id that may have had a claim that is no longer remembered is left to the store
//! ([`ClaimOutcome::New`](crate::ClaimOutcome::New)), so a bound on memory costs look-ups and never an answer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tidegate_domain::{Month, TeamId, Timestamp};

use crate::{Ask, Gate, GateDown, Seed, Ticket, Verdict};

mod bucket;
mod claims;
mod keyed;
mod team;

pub use bucket::{BucketRate, TokenBucket};
use team::Team;

const SHARDS: usize = 16;
/// How many claims past their window each call clears away, of each kind.
const SWEEP: usize = 4;

/// What the gate can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryGateConfig {
    /// How long a confirmed claim is remembered, in milliseconds.
    pub window_ms: i64,
    /// How many claims are remembered over all teams; beyond it the oldest confirmed ones are forgotten early.
    pub max_claims: usize,
    /// Ids born before were perhaps claimed before this gate existed. `None`: there was nothing before it.
    pub remembers_since: Option<Timestamp>,
}

impl Default for MemoryGateConfig {
    fn default() -> Self {
        MemoryGateConfig { window_ms: 24 * 3_600_000, max_claims: 1_000_000, remembers_since: None }
    }
}

/// The in-process [`Gate`].
pub struct MemoryGate {
    config: MemoryGateConfig,
    shards: [Mutex<Shard>; SHARDS],
    /// Claims over all shards.
    claims: AtomicUsize,
}

#[derive(Default)]
struct Shard {
    places: HashMap<TeamId, usize>,
    teams: Vec<Team>,
    /// The team whose old claims are cleared next, so that idle teams' claims go too.
    cursor: usize,
}

impl MemoryGate {
    pub fn new(config: MemoryGateConfig) -> Self {
        MemoryGate { config, shards: Default::default(), claims: AtomicUsize::new(0) }
    }

    /// How many claims are in memory.
    pub fn claims(&self) -> usize {
        self.claims.load(Ordering::Relaxed)
    }

    fn shard(&self, team: TeamId) -> MutexGuard<'_, Shard> {
        let bits = team.bits();
        let folded = (bits ^ (bits >> 64)) as u64;
        let shard = (folded ^ (folded >> 32)) as usize % SHARDS;
        // Nothing under the lock leaves a shard half changed: the arithmetic saturates and nothing panics.
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the count of claims true while `act` changes those of one team.
    fn counting<T>(&self, team: &mut Team, act: impl FnOnce(&mut Team) -> T) -> T {
        let before = team.claims.len();
        let result = act(team);
        let after = team.claims.len();
        if after >= before {
            self.claims.fetch_add(after - before, Ordering::Relaxed);
        } else {
            self.claims.fetch_sub(before - after, Ordering::Relaxed);
        }
        result
    }

    fn judge(&self, ask: Ask) -> Verdict {
        let now = ask.now;
        let mut shard = self.shard(ask.team);
        let Some(place) = shard.places.get(&ask.team).copied() else {
            return Verdict::NeedsSeed;
        };
        let verdict = self.counting(&mut shard.teams[place], |team| team.admit(ask, &self.config));
        self.forget(&mut shard, place, now);
        verdict
    }

    /// Clears what is past its window, and while there are too many claims, the oldest ones early: of this team, or
    /// of another one that has more.
    fn forget(&self, shard: &mut Shard, place: usize, now: Timestamp) {
        let window_ms = self.config.window_ms;
        shard.cursor = (shard.cursor + 1) % shard.teams.len();
        let other = shard.cursor;
        for swept in [place, other] {
            self.counting(&mut shard.teams[swept], |team| team.claims.sweep(now, window_ms, SWEEP));
        }
        while self.claims() > self.config.max_claims {
            let payer = if shard.teams[other].claims.len() > shard.teams[place].claims.len() { other } else { place };
            if !self.counting(&mut shard.teams[payer], |team| team.claims.forget_oldest(now, window_ms)) {
                break;
            }
        }
    }

    fn with_team<T>(&self, team: TeamId, act: impl FnOnce(&mut Team) -> T) -> Option<T> {
        let mut shard = self.shard(team);
        let place = shard.places.get(&team).copied()?;
        Some(self.counting(&mut shard.teams[place], act))
    }
}

impl Default for MemoryGate {
    fn default() -> Self {
        MemoryGate::new(MemoryGateConfig::default())
    }
}

#[async_trait]
impl Gate for MemoryGate {
    async fn admit(&self, ask: Ask) -> Result<Verdict, GateDown> {
        Ok(self.judge(ask))
    }

    async fn confirm(&self, ticket: Ticket) {
        self.with_team(ticket.team, |team| team.confirm(ticket));
    }

    async fn release(&self, ticket: Ticket) {
        self.with_team(ticket.team, |team| team.release(ticket));
    }

    async fn seed(&self, team: TeamId, seed: Seed) -> Result<(), GateDown> {
        let mut shard = self.shard(team);
        match shard.places.get(&team).copied() {
            Some(place) => shard.teams[place].seed(seed),
            None => {
                let place = shard.teams.len();
                shard.teams.push(Team::seeded(seed));
                shard.places.insert(team, place);
            }
        }
        Ok(())
    }

    async fn usage(&self, team: TeamId, month: Month) -> Result<Option<u64>, GateDown> {
        Ok(self.with_team(team, |team| team.usage(month)))
    }
}
