//! Every cause for which admission refuses. A refusal leaves nothing behind, except [`Refusal::OutcomeUnknown`].

use tidegate_access::AccessRefusal;
use tidegate_agentping::{CredentialMistake, RunId, Slug};
use tidegate_kernel::{Presented, Region, Timestamp};
use tidegate_shedding::{ShedCause, ShedRefusal};

use crate::agent_hints::AgentHints;
use crate::class::Class;

/// Seconds until trying again is worth it where nothing better is known.
pub(crate) const RETRY_SOON_S: u64 = 1;

/// A cause. The client's answer (status, code, headers, text) is in the front door's one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No credential was presented where one is read.
    CredentialMissing,
    /// What was presented has the form of no credential.
    CredentialMalformed { mistake: CredentialMistake },
    /// The credential names a region outside the allowlist.
    CredentialRegionUnknown { region: String },
    /// The credential is of another region: refused before any look-up.
    RegionMismatch { credential: Region, endpoint: Region },
    /// The credential is unknown, was revoked, or has expired after a rotation.
    CredentialUnknown,
    /// The credential could not be looked up, and no recent answer is at hand: the store is down.
    CredentialUnavailable { retry_after_s: u64 },
    /// A ping token was used where only API keys may go.
    ScopeHeartbeatsOnly,
    /// A ping token was used for an agent that is not its own.
    ScopeAgent { own: Slug, asked: Slug },
    /// A key that may only read was used to report.
    KeyReadsOnly,
    /// The team's rate bucket is empty.
    Rate { sustained_per_s: u32, retry_after_s: u64 },
    /// The month's hard cap is reached.
    Quota { resets_at: Timestamp, retry_after_s: u64 },
    /// The slug is new and the plan has no room for it.
    AgentCap { cap: u32, slug: Slug, hints: Box<AgentHints> },
    /// The run is open with another agent or start time.
    StartConflict { run: RunId, stored_agent: Slug, stored_started_at: Timestamp, field: StartField },
    /// Event number `index` of the batch was stored before with other content, or under another run.
    EventConflict { index: usize },
    /// Consumers are behind: shedding.
    Shed { class: Class, cause: ShedCause, retry_after_s: u64 },
    /// Another request with the same id and other content is still in progress: its outcome decides.
    Undecided { retry_after_s: u64 },
    /// The answer depends on the store, and the store is down.
    StoreUnavailable { retry_after_s: u64 },
    /// The log certainly did not take the record.
    LogUnavailable { retry_after_s: u64 },
    /// The log did not say whether it took the record: the one refusal that may have left a record. A retry is right.
    OutcomeUnknown { retry_after_s: u64 },
    /// The encoded record is larger than the log takes.
    RecordTooLarge { bytes: usize, cap: usize },
}

/// The member that differs, with the value supplied. Where both differ, the agent is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartField {
    Agent { supplied: Slug },
    StartedAt { supplied: Timestamp },
}

impl From<AccessRefusal> for Refusal {
    fn from(refusal: AccessRefusal) -> Self {
        match refusal {
            AccessRefusal::Unknown => Refusal::CredentialUnknown,
            AccessRefusal::Unavailable { retry_after_s } => Refusal::CredentialUnavailable { retry_after_s },
        }
    }
}

impl From<ShedRefusal<Class>> for Refusal {
    fn from(ShedRefusal { class, cause, retry_after_s }: ShedRefusal<Class>) -> Self {
        Refusal::Shed { class, cause, retry_after_s }
    }
}

impl Refusal {
    /// Names what is wrong with a malformed credential, as it was presented.
    #[must_use]
    pub fn of_presented(self, presented: Presented<'_>) -> Self {
        match self {
            Refusal::CredentialMalformed { .. } => {
                Refusal::CredentialMalformed { mistake: CredentialMistake::of_presented(presented) }
            }
            other => other,
        }
    }
}
