//! Rows about runs.

use serde::{Deserialize, Serialize};
use tidegate_kernel::{SmolStr, Timestamp};

use crate::command::{VerificationReport, is_false};
use crate::id::{KeyedHash, OrgId, RunId};
use crate::sealed::Sealed;
use crate::status::{RunErrorCode, RunStatus};

/// What was asked for. Written once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRow {
    pub org: OrgId,
    pub created_at_ms: Timestamp,
    pub max_iterations: u32,
    #[serde(default, skip_serializing_if = "is_false")]
    pub webhook_url: bool,
    /// Prompt, source, gate plan, metadata, webhook URL.
    pub content: Sealed,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_context: Option<Sealed>,
}

/// How the run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRow {
    pub org: OrgId,
    pub status: RunStatus,
    pub created_at_ms: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at_ms: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at_ms: Option<Timestamp>,
    /// Done so far.
    pub iterations: u32,
    /// Of the open run: what its end would charge. Of an ended one: what was charged.
    pub cost_cents: u64,
    /// Of a run that failed or was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<RunErrorCode>,
    /// As the worker sent it with the end: pull request URL, error message and details.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Sealed>,
}

/// The last verification that a worker reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationRow {
    pub at_ms: Timestamp,
    pub verification: VerificationReport,
}

/// A run in the list of its organization. Its id is in the row's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunListRow {
    pub status: RunStatus,
    pub iterations: u32,
    pub created_at_ms: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at_ms: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<KeyedHash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_user: Option<KeyedHash>,
}

/// A run that waits for a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueRow {
    pub org: OrgId,
    pub run: RunId,
}

/// Where an organization's queue begins. There is no row where nothing is queued, or the organization is suspended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenShardRow {
    /// The shard of [`QUEUE`](super::QUEUE) with the oldest queued run.
    pub oldest: SmolStr,
    /// When that run was created.
    pub oldest_at_ms: Timestamp,
    /// How many runs are queued.
    pub queued: u32,
}
