//! What goes into admission and what comes out.

use tidegate_domain::{Body, Plan, Position, RunId, RunStatus, Scope, Slug, TeamId, Timestamp, Usd};

/// Who calls: only [`authenticate`](crate) makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub team: TeamId,
    pub plan: Plan,
    pub scope: Scope,
}

/// A parsed and validated request, priced, ready to be claimed and appended.
#[derive(Clone, Debug)]
pub struct Submission {
    pub run: RunId,
    /// The server minted the run id: nobody else can know it, so nothing is claimed.
    pub minted: bool,
    pub received_at: Timestamp,
    pub body: Body,
}

/// A request that was taken in, or had been before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// Whether anything of it was new (202), or all of it a repeat (200).
    pub fresh: bool,
    /// Where the record stands on the log, if one was appended.
    pub position: Option<Position>,
    /// Events that were new, and events that were there before.
    pub events_accepted: u32,
    pub events_duplicate: u32,
    /// What is known of the run without reading the store, or, for a repeated finish, with it.
    pub run: KnownRun,
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
