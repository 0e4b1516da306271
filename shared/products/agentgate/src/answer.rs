//! What a decided command answers, and why one is refused.

use serde::{Deserialize, Serialize};
use tidegate_kernel::Timestamp;

use crate::id::RunId;

/// What an accepted command answers, without what its view rows say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The run is pending. On a repeat, `run` is that of the first time.
    Submitted {
        run: RunId,
        created_at_ms: Timestamp,
    },
    Cancelled {
        at_ms: Timestamp,
    },
    /// A webhook or a template is stored.
    Stored {
        version: u32,
        created_at_ms: Timestamp,
        /// `None`: it is new.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        updated_at_ms: Option<Timestamp>,
    },
    Leased(Grant),
    /// No run is queued.
    NothingQueued {},
    /// The lease is renewed.
    Renewed {
        expires_at_ms: Timestamp,
    },
    Finished {},
    /// A drop, an operator's command, or a tick.
    Done {},
}

/// A lease of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub run: RunId,
    /// Counts the run's leases, from 1. Only the last one's holder reports progress and the end.
    pub token: u32,
    pub expires_at_ms: Timestamp,
}

/// Why a command is refused. A refusal changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The key was revoked, or never was one of this organization.
    KeyRevoked {},
    Suspended {},
    /// No such organization.
    UnknownOrganization {},
    /// The organization was erased: no operator changes it any more.
    Erased {},
    /// The organization cannot be charged.
    BillingUnusable {},
    CreditsInsufficient {
        required_cents: u64,
        available_cents: u64,
    },
    ConcurrencyReached {
        limit: u32,
        open: u32,
    },
    /// No such webhook, template, or key.
    Unknown {},
    /// It is new, and is there already.
    Exists {},
    /// The version that the command was made from is not the current one. Read again, and send a new command.
    Stale {},
    /// Every organization has this template; it cannot be changed.
    BuiltIn {},
    /// The organization has as many as it can have.
    ListFull {
        limit: u32,
    },
    /// The run has ended, or there is none. The row of the run says which, and how it ended.
    NotOpen {},
    /// The lease has lapsed, or another one was granted since.
    StaleToken {},
    /// The balance would be less than what open runs hold.
    BelowHolds {
        held_cents: u64,
        balance_cents: u64,
    },
    /// A number is over what a book can hold.
    TooMuch {
        limit: u64,
    },
}
