//! What front doors say of themselves, as stored rows: when they were ready, and how many openings they refused for reasons
//! of ours. A judge of schedules takes from it where a run may not have got through.

use serde::{Deserialize, Serialize};
use tidegate_agentping::TeamId;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{KeptRow, Meeting, RowKey, RowScan, RowTable, RowWrite, Rows, ScanOrder, StoreError};

/// The table of times in which front doors were ready, by UTC day.
pub static READY_SPANS: RowTable = RowTable { name: "front_door_spans", keep_days: 35, meeting: Meeting::HigherRank };
/// The table of minutes in which openings were refused, by hour.
pub static REFUSED_MINUTES: RowTable =
    RowTable { name: "front_door_refusals", keep_days: 35, meeting: Meeting::HigherRank };

/// A day in milliseconds: a span lies within one.
pub const DAY_MS: i64 = 86_400_000;
pub const HOUR_MS: i64 = 3_600_000;
pub const MINUTE_MS: i64 = 60_000;
const PAGE: usize = 500;

/// A front door was ready from then to then, both on one UTC day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadySpan {
    #[serde(rename = "from_ms")]
    pub from: Timestamp,
    #[serde(rename = "to_ms")]
    pub to: Timestamp,
}

/// Openings that a front door answered in one minute, where it refused any for our reasons.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedMinute {
    /// All that it answered: accepted, and refused for our reasons.
    pub openings: u64,
    /// Answered with 503, 500, or an unknown outcome.
    pub refused: u64,
    /// The refused ones by team, where the team is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of_teams: Vec<(TeamId, u64)>,
}

impl ReadySpan {
    /// The row of the span that `door` began as its `number`th.
    pub fn row(&self, door: &str, number: u64) -> RowWrite {
        RowWrite { key: self.key(door, number), rank: rank(self.to), doc: serde_json::to_vec(self).ok() }
    }

    /// Takes the span back, as of `at`.
    pub fn removal(&self, door: &str, number: u64, at: Timestamp) -> RowWrite {
        RowWrite { key: self.key(door, number), rank: rank(at.max(self.to)).saturating_add(1), doc: None }
    }

    fn key(&self, door: &str, number: u64) -> RowKey {
        RowKey { table: &READY_SPANS, shard: day_shard(day(self.from)), row: SmolStr::from(format!("{door}-{number}")) }
    }

    /// The spans that meet `[from, to]`, by day.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn between(rows: &dyn Rows, from: Timestamp, to: Timestamp) -> Result<Vec<ReadySpan>, StoreError> {
        let mut spans: Vec<ReadySpan> = Vec::new();
        for day in day(from)..=day(to) {
            let kept = all_of(rows, &READY_SPANS, day_shard(day)).await?;
            spans.extend(kept.iter().filter_map(|row| serde_json::from_slice::<ReadySpan>(&row.doc).ok()));
        }
        Ok(spans)
    }
}

impl RefusedMinute {
    /// The row of `door`'s minute that begins at `minute`; counts only grow.
    pub fn row(&self, door: &str, minute: Timestamp) -> RowWrite {
        let shard = hour_shard(minute.as_millis().div_euclid(HOUR_MS));
        let row = SmolStr::from(format!("{:015}-{door}", minute.as_millis().max(0)));
        let key = RowKey { table: &REFUSED_MINUTES, shard, row };
        RowWrite { key, rank: rank(minute).saturating_add(self.openings), doc: serde_json::to_vec(self).ok() }
    }

    /// The minutes that begin in `[from, to]`, of all front doors.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn between(
        rows: &dyn Rows,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(Timestamp, RefusedMinute)>, StoreError> {
        let hour = |at: Timestamp| at.as_millis().div_euclid(HOUR_MS);
        let mut minutes = Vec::new();
        for hour in hour(from)..=hour(to) {
            let kept = all_of(rows, &REFUSED_MINUTES, hour_shard(hour)).await?;
            let read = |row: &KeptRow| {
                let (minute, _) = row.row.split_once('-')?;
                let minute = Timestamp::from_millis(minute.parse().ok()?);
                Some((minute, serde_json::from_slice(&row.doc).ok()?))
            };
            minutes.extend(kept.iter().filter_map(read).filter(|(minute, _)| from <= *minute && *minute <= to));
        }
        Ok(minutes)
    }
}

async fn all_of(rows: &dyn Rows, table: &'static RowTable, shard: SmolStr) -> Result<Vec<KeptRow>, StoreError> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let order = ScanOrder::Ascending;
        let page = rows.scan(&RowScan { table, shard: shard.clone(), after, order, limit: PAGE }).await?;
        let is_last = page.len() < PAGE;
        after = page.last().map(|row| row.row.clone());
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

fn day(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(DAY_MS)
}

fn day_shard(day: i64) -> SmolStr {
    SmolStr::from(format!("day-{day}"))
}

fn hour_shard(hour: i64) -> SmolStr {
    SmolStr::from(format!("hour-{hour}"))
}

fn rank(at: Timestamp) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(0)
}
