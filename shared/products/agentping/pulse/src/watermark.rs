//! The watermark: the instant up to which everything appended to the log has been applied.
//!
//! It is the minimum over the clocks of all partitions, and never moves back. Wall time alone moves nothing but the count
//! of how long a partition stands still while others move.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidegate_kernel::{Partition, Timestamp};

use crate::doubt::{Doubt, DoubtReason};

/// A partition of one generation of the log.
pub type PartitionId = (u16, Partition);

/// What was read of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionReading {
    pub id: PartitionId,
    /// The next offset to be applied; it only grows, as the greater one of what is settled and what is committed.
    pub applied: i64,
    pub progress: PartitionProgress,
}

/// How far a partition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionProgress {
    /// Nothing is unapplied, of what was there at this instant: the one before the offsets were asked for.
    CaughtUp { asked_at: Timestamp },
    /// When the oldest record that is not applied was appended.
    Behind { oldest_appended_at: Timestamp },
    /// No answer.
    Unreadable,
    /// Records that should be there are not: the end is below what was applied, or the first offset above it.
    Torn,
}

/// The watermark and what it is made of. Kept, so that a restart goes on from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    now: Timestamp,
    #[serde(with = "as_list")]
    partitions: BTreeMap<PartitionId, Clock>,
    /// Doubt that is over.
    doubts: Vec<Doubt>,
    /// When the readings before were taken, by the wall clock.
    read_at: Option<Timestamp>,
}

/// One partition's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Clock {
    at: Timestamp,
    applied: i64,
    /// When its applied offset last moved, by the wall clock.
    moved_at: Option<Timestamp>,
    /// How long its clock has stood still while others' records were applied.
    stalled_ms: u64,
    /// It is out of the minimum.
    is_out: bool,
    /// Since when, by its own clock, openings may be missing; it ends when the clock has caught up.
    doubt_from: Option<Timestamp>,
    /// Records of that time are missing, and will not come.
    is_torn: bool,
}

impl Watermark {
    /// How far the clocks of log and judge may differ.
    pub const CLOCK_DIFFERENCE_MS: i64 = 2_000;
    /// How long a partition may stand still before the others go on without it.
    pub const STALL_MS: u64 = 15 * 60_000;
    /// A partition counts as standing still only while another one moved within this time: where no consumer is left, all
    /// wait for the records that are on the log.
    pub const OTHERS_MOVED_MS: u64 = 2 * 60_000;
    /// How long doubt is kept that is over: longer than the longest tolerance.
    const DOUBT_KEPT_MS: i64 = 29 * 86_400_000;

    /// Begins at `now`.
    pub fn new(now: Timestamp) -> Self {
        Watermark { now, partitions: BTreeMap::new(), doubts: Vec::new(), read_at: None }
    }

    /// The instant up to which everything appended has been applied.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Up to where slots can be judged: an opening received until then has been appended at the watermark, since a front
    /// door holds it for `hold_ms` at most.
    pub fn judged_until(&self, hold_ms: i64) -> Timestamp {
        self.now.plus_millis(-hold_ms)
    }

    /// Partitions that the watermark goes on without.
    pub fn stalled(&self) -> impl Iterator<Item = PartitionId> {
        self.partitions.iter().filter(|(_, clock)| clock.is_out).map(|(id, _)| *id)
    }

    /// The clock of a partition: verdicts about a run alone follow its own partition's.
    pub fn clock(&self, id: PartitionId) -> Option<Timestamp> {
        self.partitions.get(&id).map(|clock| clock.at)
    }

    /// Intervals in which openings may be missing, in the time of receipt: an opening is received up to `hold_ms` before
    /// it is appended.
    pub fn doubts(&self, hold_ms: i64) -> Vec<Doubt> {
        let open = self.partitions.values().filter_map(|clock| clock.doubt_from);
        let open = open.map(|from| Doubt { from, until: Timestamp::LAST, reason: DoubtReason::Log });
        let all = self.doubts.iter().copied().chain(open);
        all.map(|doubt| Doubt { from: doubt.from.plus_millis(-hold_ms), ..doubt }).collect()
    }

    /// Takes in the readings of all partitions of all generations that are not retired, taken at `wall`.
    pub fn read(&mut self, wall: Timestamp, readings: &[PartitionReading]) {
        let since_ms = self.read_at.map_or(0, |before| wall.millis_since(before)).min(Self::OTHERS_MOVED_MS);
        self.read_at = Some(wall);
        self.retire(readings);
        for reading in readings {
            let fresh = Clock {
                at: self.now,
                applied: reading.applied,
                moved_at: None,
                stalled_ms: 0,
                is_out: false,
                doubt_from: None,
                is_torn: false,
            };
            let clock = self.partitions.entry(reading.id).or_insert(fresh);
            if reading.applied > clock.applied {
                (clock.applied, clock.moved_at) = (reading.applied, Some(wall));
            }
        }
        let moved: Vec<(Timestamp, PartitionId)> =
            self.partitions.iter().filter_map(|(id, clock)| Some((clock.moved_at?, *id))).collect();
        for reading in readings {
            let others = moved.iter().filter(|(_, id)| *id != reading.id).map(|(at, _)| *at).max();
            let others_move = others.is_some_and(|at| wall.millis_since(at) <= Self::OTHERS_MOVED_MS);
            if let Some(clock) = self.partitions.get_mut(&reading.id) {
                clock.read(reading.progress, if others_move { since_ms } else { 0 });
            }
        }
        let slowest = self.partitions.values().filter(|clock| !clock.is_out).map(|clock| clock.at).min();
        self.now = self.now.max(slowest.unwrap_or(self.now));
        self.release();
    }

    /// Partitions of retired generations are read no more.
    fn retire(&mut self, readings: &[PartitionReading]) {
        let is_read = |id: &PartitionId| readings.iter().any(|reading| reading.id == *id);
        let now = self.now;
        let gone = self.partitions.extract_if(.., |id, _| !is_read(id));
        self.doubts.extend(gone.filter_map(|(_, clock)| clock.doubt_until(now)));
    }

    /// A partition that has caught up with the watermark is in the minimum again, and its doubt is over.
    fn release(&mut self) {
        let now = self.now;
        for clock in self.partitions.values_mut() {
            let is_behind = clock.is_out && clock.at < now;
            let stands = clock.doubt_from.is_some_and(|from| clock.at <= from);
            if !is_behind && !stands {
                self.doubts.extend(clock.doubt_until(now));
                (clock.is_out, clock.doubt_from, clock.is_torn) = (false, None, false);
            }
        }
        self.doubts.retain(|doubt| doubt.until >= now.plus_millis(-Self::DOUBT_KEPT_MS));
    }
}

impl Clock {
    fn read(&mut self, progress: PartitionProgress, stood_ms: u64) {
        let at = match progress {
            PartitionProgress::CaughtUp { asked_at } => Some(asked_at),
            PartitionProgress::Behind { oldest_appended_at } => Some(oldest_appended_at),
            PartitionProgress::Unreadable | PartitionProgress::Torn => None,
        };
        let at = at.map(|at| at.plus_millis(-Watermark::CLOCK_DIFFERENCE_MS));
        match at.filter(|at| *at > self.at) {
            Some(at) => (self.at, self.stalled_ms) = (at, 0),
            None => self.stalled_ms = self.stalled_ms.saturating_add(stood_ms),
        }
        if self.stalled_ms >= Watermark::STALL_MS {
            self.is_out = true;
        }
        self.is_torn |= progress == PartitionProgress::Torn;
        if self.is_out || self.is_torn {
            self.doubt_from = self.doubt_from.or(Some(self.at));
        }
    }

    /// Its doubt, which is over while the watermark is `now`. There is none where the watermark has never passed its clock:
    /// all of its records were applied before anything was judged.
    fn doubt_until(&self, now: Timestamp) -> Option<Doubt> {
        let from = self.doubt_from.filter(|from| self.is_torn || *from < now)?;
        Some(Doubt { from, until: now.max(self.at), reason: DoubtReason::Log })
    }
}

/// A map whose keys are no texts, as a list.
mod as_list {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Clock, PartitionId};

    pub fn serialize<S: Serializer>(map: &BTreeMap<PartitionId, Clock>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<PartitionId, Clock>, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}
