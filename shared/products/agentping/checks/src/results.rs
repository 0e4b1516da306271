//! What came of a check.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tidegate_agentping::RunKey;
use tidegate_agentping::id::{Id, IdKind, PublicKind};
use tidegate_kernel::Timestamp;

/// A check.
#[derive(Debug)]
pub enum CheckIdKind {}
impl IdKind for CheckIdKind {
    const PREFIX: &'static str = "chk";
}
impl PublicKind for CheckIdKind {}
pub type CheckId = Id<CheckIdKind>;

/// A result.
#[derive(Debug)]
pub enum CheckResultKind {}
impl IdKind for CheckResultKind {
    const PREFIX: &'static str = "chkr";
}
impl PublicKind for CheckResultKind {}
pub type CheckResultId = Id<CheckResultKind>;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    Pass,
    Fail,
    /// The run did not end as the check asks.
    Skipped,
    /// It cannot be said: the output, or what the check does to it, is too large.
    Error,
}

/// The result of a check of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// Absent in a trial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The check's id.
    pub check: String,
    pub version: u32,
    /// The run's id.
    pub run: String,
    pub outcome: CheckOutcome,
    /// What was asked, as text.
    pub expected: String,
    /// A number, a list of paths, a text, or null.
    pub got: Value,
    #[serde(with = "tidegate_kernel::timestamp::iso")]
    pub at: Timestamp,
}

/// The id of a result: the same, whoever judges and however often.
pub fn result_id(check: CheckId, version: u32, run: RunKey) -> CheckResultId {
    let mut hash = Sha256::new();
    let region = run.run.region().as_str();
    for part in [
        b"check".as_slice(),
        &check.bits().to_be_bytes(),
        &version.to_be_bytes(),
        &run.team.bits().to_be_bytes(),
        region.as_bytes(),
        &run.run.bits().to_be_bytes(),
    ] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let hash: [u8; 32] = hash.finalize().into();
    let bits = hash.iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte));
    Id::from_bits(run.team.region(), bits)
}

/// Whether a run passed its checks: `false` if one failed, `true` if one passed and none ended in an error; otherwise it
/// cannot be said.
pub fn checks_passed(outcomes: impl IntoIterator<Item = CheckOutcome>) -> Option<bool> {
    let (mut passed, mut unclear) = (false, false);
    for outcome in outcomes {
        match outcome {
            CheckOutcome::Fail => return Some(false),
            CheckOutcome::Pass => passed = true,
            CheckOutcome::Error => unclear = true,
            CheckOutcome::Skipped => {}
        }
    }
    (passed && !unclear).then_some(true)
}
