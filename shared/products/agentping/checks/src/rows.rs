//! Rows of results.

use serde::{Deserialize, Serialize};
use tidegate_agentping::{RunKey, TeamId};
use tidegate_kernel::{Month, SmolStr};
use tidegate_ports::{Meeting, RowKey, RowTable};

/// Results and their summary, in one shard for each run. The rank is the watermark at which they were judged.
pub static CHECK_RESULTS: RowTable = RowTable { name: "check_results", keep_days: 400, meeting: Meeting::HigherRank };
/// Runs at `success` whose checks did not pass, in a shard for each team and month.
pub static CHECKS_FAILED: RowTable = RowTable { name: "checks_failed", keep_days: 400, meeting: Meeting::HigherRank };
/// How far the feed is judged: one row.
pub static CHECK_CURSOR: RowTable = RowTable { name: "check_cursor", keep_days: 3_650, meeting: Meeting::HigherRank };

/// No check's id: the row of a run's summary.
const SUMMARY: &str = "summary";

/// What a run's results come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunChecks {
    /// Absent: it cannot be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed: Option<bool>,
    /// Nothing that comes later changes them.
    #[serde(default, rename = "final")]
    pub is_final: bool,
}

/// The shard of a run's results.
pub fn run_shard(run: RunKey) -> SmolStr {
    SmolStr::from(format!("{}/{}", run.team, run.run))
}

/// The row of a run's summary.
pub fn summary_key(run: RunKey) -> RowKey {
    RowKey { table: &CHECK_RESULTS, shard: run_shard(run), row: SmolStr::new_static(SUMMARY) }
}

/// The row of a check's result.
pub fn result_key(run: RunKey, check: &str) -> RowKey {
    RowKey { table: &CHECK_RESULTS, shard: run_shard(run), row: check.into() }
}

/// Whether a row of a run's shard is its summary.
pub fn is_summary(row: &str) -> bool {
    row == SUMMARY
}

/// The shard of a month's runs whose checks did not pass.
pub fn failed_shard(team: TeamId, month: Month) -> SmolStr {
    SmolStr::from(format!("{team}/{month}"))
}

/// The row of such a run.
pub fn failed_key(run: RunKey, month: Month) -> RowKey {
    RowKey { table: &CHECKS_FAILED, shard: failed_shard(run.team, month), row: run.run.to_string().into() }
}

/// The row that says how far the feed is judged.
pub fn cursor_key() -> RowKey {
    RowKey { table: &CHECK_CURSOR, shard: SmolStr::new_static("cursor"), row: SmolStr::new_static("cursor") }
}
