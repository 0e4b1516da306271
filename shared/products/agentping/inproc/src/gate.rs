//! The gate of one process: everything in memory, a mutex around each shard of teams. Time comes only from
//! [`Ask::now`] and [`Ask::steady`], so that one process under a test clock is under it as a whole.
//!
//! What it forgets, it says: an id that may have had a claim that is no longer remembered is left to the store
//! ([`ClaimOutcome::New`](tidegate_agentping_ports::ClaimOutcome::New)), so a bound on memory costs look-ups and never an answer. Only what
//! the store can answer for is forgotten early: confirmed claims whose records are applied ([`Ask::applied_to`]). Where
//! consumers are so far behind that nothing can be forgotten, new claims are refused ([`Refused::Full`](tidegate_agentping_ports::Refused)).

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_ports::gate::InMemory;
use tidegate_agentping_ports::{Ask, Gate, GateDown, Seed, Settlement, Ticket, Verdict};
use tidegate_kernel::{Month, Timestamp};

mod bucket;
mod claims;
mod keyed;
mod lane;
mod moment;
mod stake;
mod team;

pub use bucket::{BucketRate, TokenBucket};
use moment::Moment;
use team::Team;

const SHARDS: usize = 16;
/// How many claims past their window each call clears away, of each kind.
const SWEEP: usize = 4;
/// Where there are too many bytes, so many teams are looked at for claims to forget, and of each at most so many claims
/// and at most this share of them are forgotten: who has most pays most.
const LOOKS: usize = 64;
const FORGOTTEN_AT_ONCE: usize = 256;
const FORGOTTEN_SHARE: usize = 64;

/// The settings of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryGateConfig {
    /// How long a confirmed claim is remembered, in milliseconds.
    pub window_ms: i64,
    /// Bytes of memory for the claims of all teams; beyond it the oldest ones that are applied are forgotten early.
    pub max_claim_bytes: usize,
    /// Ids born before were perhaps claimed before this gate existed. `None`: there was nothing before it.
    pub remembers_since: Option<Timestamp>,
}

impl Default for MemoryGateConfig {
    fn default() -> Self {
        MemoryGateConfig { window_ms: 24 * 3_600_000, max_claim_bytes: 192 << 20, remembers_since: None }
    }
}

/// The in-process [`Gate`].
pub struct MemoryGate {
    config: MemoryGateConfig,
    shards: [Mutex<Shard>; SHARDS],
    /// Claims over all shards, and their bytes.
    claims: AtomicUsize,
    claim_bytes: AtomicUsize,
    /// The shard that is looked at next for claims to forget.
    next: AtomicUsize,
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
        let zero = || AtomicUsize::new(0);
        MemoryGate { config, shards: Default::default(), claims: zero(), claim_bytes: zero(), next: zero() }
    }

    /// How many claims are in memory.
    pub fn claims(&self) -> usize {
        self.claims.load(Ordering::Relaxed)
    }

    /// How many bytes they take at most.
    pub fn claim_bytes(&self) -> usize {
        self.claim_bytes.load(Ordering::Relaxed)
    }

    fn shard(&self, team: TeamId) -> MutexGuard<'_, Shard> {
        let bits = team.bits();
        let folded = (bits ^ (bits >> 64)) as u64;
        let shard = (folded ^ (folded >> 32)) as usize % SHARDS;
        self.lock(shard)
    }

    fn lock(&self, shard: usize) -> MutexGuard<'_, Shard> {
        // Nothing under the lock leaves a shard half changed: the arithmetic saturates and nothing panics.
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the sums over all claims true while `act` changes those of one team.
    fn counting<T>(&self, team: &mut Team, act: impl FnOnce(&mut Team) -> T) -> T {
        let (claims, bytes) = (team.claims.len(), team.claims.bytes());
        let result = act(team);
        change(&self.claims, claims, team.claims.len());
        change(&self.claim_bytes, bytes, team.claims.bytes());
        result
    }

    fn judge(&self, ask: Ask) -> Verdict {
        let now = Moment::of(&ask);
        let is_full = self.claim_bytes() >= self.config.max_claim_bytes && !self.make_room(now, ask.applied_to);
        let mut shard = self.shard(ask.team);
        let Some(place) = shard.places.get(&ask.team).copied() else {
            return Verdict::NeedsSeed;
        };
        let verdict = self.counting(&mut shard.teams[place], |team| team.admit(ask, &self.config, is_full));
        self.sweep(&mut shard, place, now);
        verdict
    }

    /// Clears what is past its window, of this team and of another one.
    fn sweep(&self, shard: &mut Shard, place: usize, now: Moment) {
        let window_ms = self.config.window_ms;
        shard.cursor = (shard.cursor + 1) % shard.teams.len();
        let other = shard.cursor;
        for swept in [place, other] {
            self.counting(&mut shard.teams[swept], |team| team.claims.sweep(now, window_ms, SWEEP));
        }
    }

    /// Forgets the oldest claims of some teams before their time. Whether there is room, or some was made.
    fn make_room(&self, now: Moment, applied_to: Option<Timestamp>) -> bool {
        let Some(applied_to) = applied_to else { return false };
        let mut forgot = false;
        for _ in 0..LOOKS {
            let mut shard = self.lock(self.next.fetch_add(1, Ordering::Relaxed) % SHARDS);
            if shard.teams.is_empty() {
                continue;
            }
            shard.cursor = (shard.cursor + 1) % shard.teams.len();
            let place = shard.cursor;
            self.counting(&mut shard.teams[place], |team| {
                for _ in 0..=(team.claims.len() / FORGOTTEN_SHARE).min(FORGOTTEN_AT_ONCE) {
                    if !team.claims.forget_oldest(now, applied_to) {
                        break;
                    }
                    forgot = true;
                }
            });
            if self.claim_bytes() < self.config.max_claim_bytes {
                return true;
            }
        }
        forgot
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

    async fn settle(&self, team: TeamId, settlement: Settlement) -> Result<(), GateDown> {
        self.with_team(team, |team| team.settle(settlement));
        Ok(())
    }

    async fn usage(&self, team: TeamId, month: Month) -> Result<Option<u64>, GateDown> {
        Ok(self.with_team(team, |team| team.usage(month)))
    }

    async fn agents(&self, team: TeamId) -> Result<Option<u64>, GateDown> {
        Ok(self.with_team(team, |team| team.agents()))
    }

    async fn forget_agent(&self, team: TeamId, agent: Slug) -> Result<(), GateDown> {
        self.with_team(team, |team| team.forget_agent(&agent));
        Ok(())
    }

    fn in_memory(&self) -> Option<InMemory> {
        Some(InMemory { claims: self.claims(), bytes: self.claim_bytes() })
    }
}

fn change(sum: &AtomicUsize, before: usize, after: usize) {
    // Most calls change neither sum, which all threads share.
    if after > before {
        sum.fetch_add(after - before, Ordering::Relaxed);
    } else if after < before {
        sum.fetch_sub(before - after, Ordering::Relaxed);
    }
}
