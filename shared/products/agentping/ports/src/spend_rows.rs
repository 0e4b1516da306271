//! Rows of running sums of spend: who writes them is the role that reads the feed, who reads them decides by them.
//!
//! Pages are written first, then which of them changed, then up to when everything is counted. Who reads in the other
//! order has counted everything that the last one says.

use serde::{Deserialize, Serialize};
use tidegate_agentping::TeamId;
use tidegate_kernel::{Month, Partition, SmolStr, Timestamp};
use tidegate_ports::{KeptRow, Meeting, RowKey, RowScan, RowTable, Rows, ScanOrder, StoreError};

/// Pages of days. The shard is the team and the day, the row the partition and the page's number; the rank is the offset that
/// the page has counted up to. The longest window is 31 days and a piece, and a day changes as long as its runs do.
pub static SPEND_DAYS: RowTable = RowTable { name: "spend_days", keep_days: 62, meeting: Meeting::HigherRank };
/// Pages of all time, in one shard for each team.
pub static SPEND_TOTALS: RowTable = RowTable { name: "spend_totals", keep_days: 3_650, meeting: Meeting::HigherRank };
/// Pages of months by model. The shard is the team and the month, the row the partition; the rank is the offset that the page
/// has counted up to.
pub static SPEND_MODELS: RowTable = RowTable { name: "spend_models", keep_days: 400, meeting: Meeting::HigherRank };
/// Which days of which teams changed, in a shard for each minute of the writer's clock.
pub static SPEND_CHANGED: RowTable = RowTable { name: "spend_changed", keep_days: 1, meeting: Meeting::HigherRank };
/// How far the feed is counted: one row.
pub static SPEND_CURSOR: RowTable = RowTable { name: "spend_cursor", keep_days: 3_650, meeting: Meeting::HigherRank };
/// Checks of guard that blocked, in a shard for each team and day.
pub static GUARD_BLOCKS: RowTable = RowTable { name: "guard_blocks", keep_days: 30, meeting: Meeting::HigherRank };

/// The shard of a team's day, counted from 1970 on.
pub fn day_shard(team: TeamId, day: i64) -> SmolStr {
    SmolStr::from(format!("{team}/{day}"))
}

/// The shard of a team's sums of all time.
pub fn total_shard(team: TeamId) -> SmolStr {
    SmolStr::from(team.to_string())
}

/// The shard of a team's month.
pub fn month_shard(team: TeamId, month: Month) -> SmolStr {
    SmolStr::from(format!("{team}/{month}"))
}

/// The row of a page.
pub fn page_row(generation: u16, partition: Partition, number: u8) -> SmolStr {
    SmolStr::from(format!("{generation:05}-{partition:05}-{number:02}"))
}

/// The shard of what changed in the minute of this instant.
pub fn changed_shard(at: Timestamp) -> SmolStr {
    SmolStr::from(at.as_millis().div_euclid(60_000).to_string())
}

/// The row of a team's day that changed, and its sums of all time with it.
pub fn changed_row(team: TeamId, day: i64) -> SmolStr {
    day_shard(team, day)
}

/// The team and the day of such a row.
pub fn changed(row: &str) -> Option<(TeamId, i64)> {
    let (team, day) = row.split_once('/')?;
    Some((TeamId::parse(team).ok()?, day.parse().ok()?))
}

/// The row that says how far the feed is counted.
pub fn cursor_key() -> RowKey {
    RowKey { table: &SPEND_CURSOR, shard: SmolStr::new_static("cursor"), row: SmolStr::new_static("cursor") }
}

/// How far the feed is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendCursor {
    /// Every record that was appended before this instant is counted; absent: not known yet.
    #[serde(rename = "as_of_ms", default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// Generation, partition, and the offset from which on nothing is counted.
    pub next: Vec<(u16, Partition, i64)>,
    /// The same of partitions in which alerts are not handed over that far: the offset from which on they may not be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handed_over: Vec<(u16, Partition, i64)>,
}

/// Rows that one scan reads.
const SCAN: usize = 500;

/// Every row of a shard.
///
/// # Errors
/// [`StoreError`].
pub async fn whole_shard(
    rows: &dyn Rows,
    table: &'static RowTable,
    shard: SmolStr,
) -> Result<Vec<KeptRow>, StoreError> {
    let mut found: Vec<KeptRow> = Vec::new();
    loop {
        let after = found.last().map(|kept| kept.row.clone());
        let scan = RowScan { table, shard: shard.clone(), after, order: ScanOrder::Ascending, limit: SCAN };
        let page = rows.scan(&scan).await?;
        let is_last = page.len() < SCAN;
        found.extend(page);
        if is_last {
            return Ok(found);
        }
    }
}
