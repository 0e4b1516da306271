//! The volume of records by hour, as stored rows.

use std::ops::RangeInclusive;
use std::sync::Arc;

use tidegate_agentping_pulse::doubt::volume::{HourCounts, MINUTES};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{KeptRow, Meeting, RowKey, RowScan, RowTable, RowWrite, Rows, ScanOrder, StoreError};

/// The table of volumes, by day.
pub static MINUTE_VOLUMES: RowTable = RowTable { name: "minute_volumes", keep_days: 33, meeting: Meeting::HigherRank };

const HOURS: i64 = 24;

/// Reads these hours, as far as they are stored.
///
/// # Errors
/// [`StoreError`].
pub async fn read(rows: &dyn Rows, hours: RangeInclusive<i64>) -> Result<Vec<(i64, HourCounts)>, StoreError> {
    let mut all = Vec::new();
    for day in hours.start().div_euclid(HOURS)..=hours.end().div_euclid(HOURS) {
        let (order, limit) = (ScanOrder::Ascending, HOURS as usize);
        let scan = RowScan { table: &MINUTE_VOLUMES, shard: shard(day), after: None, order, limit };
        all.extend(rows.scan(&scan).await?.iter().filter_map(decoded).filter(|(hour, _)| hours.contains(hour)));
    }
    Ok(all)
}

/// Writes hours.
///
/// # Errors
/// [`StoreError`].
pub async fn write(rows: &dyn Rows, hours: &[(i64, HourCounts)], rank: u64, now: Timestamp) -> Result<(), StoreError> {
    let write = |(hour, counts): &(i64, HourCounts)| RowWrite {
        key: RowKey { table: &MINUTE_VOLUMES, shard: shard(hour.div_euclid(HOURS)), row: name(*hour) },
        rank,
        doc: serde_json::to_vec(&counts[..]).ok(),
    };
    rows.put(Arc::new(hours.iter().map(write).collect()), now).await
}

fn decoded(row: &KeptRow) -> Option<(i64, HourCounts)> {
    let counts: Vec<Option<u32>> = serde_json::from_slice(&row.doc).ok()?;
    let counts: [Option<u32>; MINUTES] = counts.try_into().ok()?;
    Some((row.row.parse().ok()?, counts))
}

fn shard(day: i64) -> SmolStr {
    SmolStr::from(format!("day-{day}"))
}

fn name(hour: i64) -> SmolStr {
    SmolStr::from(format!("{hour:010}"))
}
