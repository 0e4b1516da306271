//! Commands of workers.

use serde::{Deserialize, Serialize};

use super::is_false;
use crate::id::{KeyId, KeyedHash, RunId};
use crate::sealed::Sealed;
use crate::status::{Level, RunErrorCode};

/// Asks for the organization's oldest queued run. It names none, so that two workers never wait for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskLease {
    pub sent_with: KeyId,
    /// Whether the key is one of the fleet.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fleet: bool,
    /// Of the key and the worker's name. Two that ask at once have two names.
    pub worker: KeyedHash,
    /// A lease that is not renewed ends then.
    pub lease_ms: u64,
    /// So many leases of a run may lapse; then it fails.
    pub max_grants: u32,
    /// A run fails so long after its first lease.
    pub run_limit_ms: u64,
}

/// Renews a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportProgress {
    pub sent_with: KeyId,
    /// Whether the key is one of the fleet.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fleet: bool,
    pub run: RunId,
    /// That of the lease.
    pub token: u32,
    /// Done so far.
    pub iterations: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<VerificationReport>,
}

/// How one verification is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationReport {
    pub level: Level,
    /// `None`: it has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<Sealed>,
}

/// Ends a run. Its idempotency key is made of the run and the token, so that the same again gets the same answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinishRun {
    pub sent_with: KeyId,
    /// Whether the key is one of the fleet.
    #[serde(default, skip_serializing_if = "is_false")]
    pub fleet: bool,
    pub run: RunId,
    /// That of the lease.
    pub token: u32,
    /// `None`: it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<RunErrorCode>,
    pub iterations: u32,
    /// Pull request URL, error message and details.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Sealed>,
}
