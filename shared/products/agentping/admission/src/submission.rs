//! What goes into admission and what comes out.

use std::sync::Arc;

use tidegate_agentping::{AgentNames, Body, CredentialHash, FinishStatus, Plan, RunId, RunStatus, Scope, Slug, TeamId};
use tidegate_agentping_ports::HeldKey;
use tidegate_kernel::{Position, Timestamp, Usd};

/// Who calls: only [`authenticate`](crate) makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub team: TeamId,
    pub plan: Plan,
    pub scope: Scope,
    /// The API key that it presented; `None`: it presented a ping token.
    pub key: Option<HeldKey>,
    /// Of what it presented.
    pub credential: CredentialHash,
    /// What the names of its team's agents mean.
    pub names: Arc<AgentNames>,
}

/// A parsed and validated request, priced, ready to be claimed and appended.
#[derive(Clone, Debug)]
pub struct Submission {
    pub run: RunId,
    /// The server minted the run id: no other client can know it, so nothing is claimed.
    pub minted: bool,
    pub received_at: Timestamp,
    pub body: Body,
}

/// A request that was taken in, or had been before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// Whether anything of it was new (202), or all of it a repeat (200).
    pub fresh: bool,
    /// The record's position on the log, if one was appended.
    pub position: Option<Position>,
    /// Events that were new, and events that were there before.
    pub events_accepted: u32,
    pub events_duplicate: u32,
    /// What a repeat repeats, as far as it is known; `None` for what was new, and for events.
    pub repeat: Option<Repeat>,
    /// What is known of the run: for a repeated finish with a read of the store, else without one.
    pub run: KnownRun,
}

/// What was there before a request that brought nothing new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// When the first call was received: the closing for a call that closes, else the opening.
    pub first_received_at: Timestamp,
    /// The status of the first call, where the repeat says another one.
    pub stands_as: Option<FinishStatus>,
    /// The request closes its run.
    pub(crate) closes: bool,
}

impl Repeat {
    /// Later than any client's retries: 10 minutes.
    pub const RETRIES_END_MS: u64 = 600_000;

    /// Whether a repeat received now is no retry, but an id that is in use again: it says another status, or it comes
    /// late. Openings may come again at any time: a conversation opens its run on every turn.
    pub(crate) fn is_reuse(&self, received_at: Timestamp) -> bool {
        let is_late = received_at.millis_since(self.first_received_at) > Self::RETRIES_END_MS;
        self.closes && (self.stands_as.is_some() || is_late)
    }
}

/// A run as far as the answer to one request can know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRun {
    pub agent: Option<Slug>,
    pub started_at: Option<Timestamp>,
    /// When the run's opening was received.
    pub received_at: Option<Timestamp>,
    pub status: RunStatus,
    pub finished_at: Option<Timestamp>,
    pub duration_ms: Option<u64>,
    pub cost: Option<Usd>,
}
