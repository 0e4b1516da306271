//! The gate port: who may write how much, and whether it was written before. One call, all or nothing.

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_agentping::{EventId, Limits, RunId, Slug, TeamId};
use tidegate_kernel::{Month, Timestamp};

use tidegate_ports::{FailureCause, FailureKind};

/// Rate bucket, monthly quota, agent cap and claims of one team, changed together by one atomic step.
#[async_trait]
pub trait Gate: Send + Sync + 'static {
    /// Judges one request, in this order: rate bucket, monthly quota, agent cap, claims. A refused request takes
    /// nothing, except that a token once taken from the rate bucket stays taken.
    ///
    /// # Errors
    /// [`GateDown`]: refused, unreachable or too slow. What was asked may or may not have taken effect.
    async fn admit(&self, ask: Ask) -> Result<Verdict, GateDown>;

    /// The records of these claims are on the log. Best effort, in the background: a lost confirmation leaves a
    /// claim unconfirmed, which is safe.
    async fn confirm(&self, ticket: Ticket);

    /// The records of this ticket are certainly not on the log. Gives back its quota, and those of its claims and
    /// agents that it alone holds. A claim that another request joined stays.
    async fn release(&self, ticket: Ticket);

    /// Tells the gate what the store knows of a team, after a [`Verdict::NeedsSeed`]. What the gate learned
    /// meanwhile is kept: counts become the greater of both, agents the union.
    ///
    /// # Errors
    /// [`GateDown`].
    async fn seed(&self, team: TeamId, seed: Seed) -> Result<(), GateDown>;

    /// Gives back what was taken and never written: names of agents and units of requests that ended in neither
    /// [`Gate::confirm`] nor [`Gate::release`], by what the store has. What is stored, and what was taken later than
    /// [`Settlement::up_to`], is never given back.
    ///
    /// # Errors
    /// [`GateDown`].
    async fn settle(&self, team: TeamId, settlement: Settlement) -> Result<(), GateDown>;

    /// Events counted for a team in a month; `None` where the gate does not know the team.
    ///
    /// # Errors
    /// [`GateDown`].
    async fn usage(&self, team: TeamId, month: Month) -> Result<Option<u64>, GateDown>;

    /// Agents counted for a team, those that only requests in progress name included; `None` where the gate does not
    /// know the team.
    ///
    /// # Errors
    /// [`GateDown`].
    async fn agents(&self, team: TeamId) -> Result<Option<u64>, GateDown>;

    /// Gives the slot of an archived agent back. A request that names it from now on, or whose record is confirmed from
    /// now on, takes a slot again. An agent or a team that the gate does not know changes nothing.
    ///
    /// # Errors
    /// [`GateDown`].
    async fn forget_agent(&self, team: TeamId, agent: Slug) -> Result<(), GateDown>;

    /// What claims take of this process' memory; `None` where they are kept elsewhere.
    fn in_memory(&self) -> Option<InMemory> {
        None
    }
}

/// Claims in the memory of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InMemory {
    pub claims: usize,
    /// At most so many bytes.
    pub bytes: usize,
}

/// The gate cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the gate is down: {0}")]
pub struct GateDown(#[source] pub FailureCause);

impl GateDown {
    /// What kind of failure it is.
    pub const fn kind(&self) -> FailureKind {
        self.0.kind()
    }
}

impl From<&GateDown> for FailureKind {
    fn from(error: &GateDown) -> Self {
        error.kind()
    }
}

/// One request's question.
#[derive(Clone, Debug)]
pub struct Ask {
    pub team: TeamId,
    pub limits: Limits,
    /// The front door's wall clock: months, and how old ids are.
    pub now: Timestamp,
    /// [`Clock::steady`](tidegate_ports::Clock::steady) of the front door, for rates and ages in a gate that is part of its
    /// process. A gate that front doors share has a clock of its own.
    pub steady: Timestamp,
    /// All that was admitted up to here, by `steady`, has landed on the log and is applied, or never will land. A gate
    /// in the process forgets nothing later than this early. `None`: not known.
    pub applied_to: Option<Timestamp>,
    /// Takes one token from the rate bucket. `false` when a request asks again for its own claims.
    pub charge_rate: bool,
    /// The slug the request names and whether the cap applies to it (a ping token's agent exists already).
    pub agent: Option<AgentAsk>,
    /// What is to be claimed. A request without claims (a minted id, a body that does not parse) still pays rate
    /// and meets the quota line.
    pub claims: Vec<Claim>,
    /// Claims to read without claiming them.
    pub reads: Vec<ClaimKey>,
    /// Quota units in addition to those of the claims: of records whose id was minted by the server.
    pub unclaimed_units: u32,
}

/// The agent a request names.
#[derive(Clone, Debug)]
pub struct AgentAsk {
    pub slug: Slug,
    pub capped: bool,
}

/// One claim of a request.
#[derive(Clone, Debug)]
pub struct Claim {
    pub key: ClaimKey,
    pub fingerprint: Fingerprint,
    /// What a repeat's answer needs; opaque to the gate, at most a few hundred bytes. Kept from the first claim on.
    pub answer: Bytes,
    /// Quota units a new claim costs: 1, or 0 for a second claim of the same record.
    pub units: u32,
    /// How to treat an unconfirmed claim of others.
    pub on_unconfirmed: OnUnconfirmed,
}

/// What a claim protects, within its team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ClaimKey {
    /// A run's opening.
    Start(RunId),
    /// A run's closing.
    Finish(RunId),
    /// One event.
    Event(EventId),
}

impl ClaimKey {
    /// When the id was born, by the client's clock.
    pub fn birth(&self) -> Timestamp {
        match self {
            ClaimKey::Start(run) | ClaimKey::Finish(run) => run.birth(),
            ClaimKey::Event(event) => event.birth(),
        }
    }
}

/// What must match for a repeat: hashes of the parts of a request that identify it. A `None` on either side
/// matches anything: that part was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Fingerprint {
    pub main: u64,
    pub detail: Option<u64>,
}

impl Fingerprint {
    /// Whether a repeat with `other` says the same.
    pub const fn matches(&self, other: &Fingerprint) -> bool {
        let details = match (self.detail, other.detail) {
            (Some(one), Some(two)) => one == two,
            _ => true,
        };
        self.main == other.main && details
    }
}

/// What to do on meeting an unconfirmed claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnconfirmed {
    /// Report it and take nothing: the asker waits a moment and asks again.
    Report,
    /// Same fingerprint: hold the claim too and renew its age. Another fingerprint: report.
    Join,
    /// The claim was proven never to have reached the log when it was `seen_renewed_at`: replace it, if it was not
    /// renewed since.
    TakeOver { seen_renewed_at: Timestamp },
}

/// The gate's answer.
#[derive(Clone, Debug)]
pub enum Verdict {
    Refused(Refused),
    /// The gate does not know this team's counts (first use, or it forgot): [`Gate::seed`] it, then ask again.
    NeedsSeed,
    /// Some claim conflicts or is unconfirmed: nothing was taken. One outcome for each claim, and one
    /// answer for each of [`Ask::reads`].
    Blocked {
        claims: Vec<ClaimOutcome>,
        reads: Vec<Option<Bytes>>,
    },
    /// Every claim is new, joined or a repeat; the ticket now holds what is new or joined.
    Admitted {
        claims: Vec<ClaimOutcome>,
        reads: Vec<Option<Bytes>>,
        ticket: Ticket,
    },
}

/// Why the gate refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The rate bucket is empty; a token is there after so many seconds (at least 1; AgentPing: rate).
    Rate { retry_after_s: u64 },
    /// The month's hard cap is reached (AgentPing: month).
    Quota {
        used: u64,
        /// When it was judged, by the gate's clock.
        at: Timestamp,
    },
    /// The slug is new and the team has all the agents its plan allows (AgentPing: agents).
    AgentCap {
        cap: u32,
        /// When it was judged, by the gate's clock.
        at: Timestamp,
    },
    /// The gate's memory is full of claims whose records wait to be applied: none of them can be forgotten yet.
    Full,
}

/// How one claim went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// It is not claimed, as far as the gate remembers.
    New {
        /// Whether the gate may have forgotten an earlier claim of this id.
        store: StoreRead,
    },
    /// An unconfirmed claim of the same content; now held by both.
    Joined {
        answer: Bytes,
        /// Whether an earlier claim than the one joined may be forgotten.
        store: StoreRead,
    },
    /// Claimed, confirmed, same fingerprint.
    Repeat { answer: Bytes },
    /// Claimed, confirmed, other fingerprint.
    Conflict { answer: Bytes },
    /// Claimed and not confirmed yet.
    Unconfirmed {
        same_content: bool,
        answer: Bytes,
        /// When it was claimed or joined last, by the gate's clock: it names this state of the claim.
        renewed_at: Timestamp,
        /// How long ago that is, by the gate's clock.
        age_ms: u64,
    },
}

/// Whether one read of the store decides about an id that the gate holds no claim of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreRead {
    /// The gate remembers everything about such an id.
    NotNeeded,
    /// The gate lost its memory, and the id may have been claimed before. It is compared if the store can be read.
    Wanted,
    /// The gate remembers, and what it remembers does not reach as far as this id: older than the claim window, born
    /// ahead, or forgotten early to save memory.
    Needed,
}

/// What an admitted request holds. It ends in [`Gate::confirm`], in [`Gate::release`], or in neither when the fate
/// of its record is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Ticket {
    pub team: TeamId,
    /// Claims that are new or joined, with the fingerprint held.
    pub held: Vec<(ClaimKey, Fingerprint)>,
    /// Units counted, and the month they were counted in.
    pub units: u32,
    pub month: Month,
    /// The agent that this request was the first to name.
    pub new_agent: Option<Slug>,
    /// When it was admitted, by the gate's clock.
    pub admitted_at: Timestamp,
}

/// What the store knows of a team.
#[derive(Clone, Debug, Default)]
pub struct Seed {
    pub usage: Option<Usage>,
    pub agents: Vec<Slug>,
}

/// What the store has of a team, read after all that was admitted up to `up_to` (by the gate's clock) had landed on
/// the log and was applied.
#[derive(Clone, Debug)]
pub struct Settlement {
    pub up_to: Timestamp,
    pub seed: Seed,
}

/// A month's count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    pub month: Month,
    pub events: u64,
}
