//! What was fetched and not yet polled, by partition: turns, budgets, pauses.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tidegate_kernel::{Partition, PartitionEpoch};
use tidegate_ports::Consumed;
use tokio::time::Instant;

/// Memory of a record besides its payload, roughly: without it empty records would cost nothing.
const RECORD_BYTES: usize = 64;

/// What a record takes in memory, about: a foreign producer may write more into headers than into the payload.
fn memory_bytes(record: &Consumed) -> usize {
    let beside = record.provenance.as_deref().map_or(0, |provenance| {
        let headers = provenance.headers.iter().map(|(name, value)| name.len() + value.len() + RECORD_BYTES);
        provenance.key.len() + headers.sum::<usize>()
    });
    record.payload.len() + beside + RECORD_BYTES
}

/// A new partition's first word comes within milliseconds, or its broker is in trouble.
const FIRST_WORD: Duration = Duration::from_millis(500);

/// The assigned partitions.
#[derive(Default)]
pub struct Lanes {
    lanes: BTreeMap<Partition, Lane>,
    /// Whose turn was last.
    turn: Partition,
}

struct Lane {
    epoch: PartitionEpoch,
    waiting: VecDeque<Consumed>,
    bytes: usize,
    /// The consumer wants nothing of it for now.
    paused: bool,
    /// librdkafka was told not to fetch it.
    held: bool,
    /// Whether librdkafka has brought a record of it, or word that there is none.
    heard: bool,
    opened_at: Instant,
    /// The offset after the last one taken in.
    taken_to: i64,
    /// The offset after the last one handed out.
    handed_to: i64,
}

/// What to do after taking a record in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intake {
    Kept,
    /// Nobody wants it: its partition is not ours, or it was taken in before.
    Dropped,
    /// Its partition is paused and has more waiting than it should: stop fetching it.
    Hold,
}

impl Lanes {
    pub fn open(&mut self, epoch: PartitionEpoch) {
        let lane = Lane {
            epoch,
            waiting: VecDeque::new(),
            bytes: 0,
            paused: false,
            held: false,
            heard: false,
            opened_at: Instant::now(),
            taken_to: -1,
            handed_to: -1,
        };
        self.lanes.insert(epoch.partition, lane);
    }

    /// Drops what waits in a partition, and returns under which assignment it was ours and how far it was handed out.
    pub fn close(&mut self, partition: Partition) -> Option<(PartitionEpoch, i64)> {
        self.lanes.remove(&partition).map(|lane| (lane.epoch, lane.handed_to))
    }

    /// The same for all of them.
    pub fn close_all(&mut self) -> Vec<PartitionEpoch> {
        std::mem::take(&mut self.lanes).into_values().map(|lane| lane.epoch).collect()
    }

    pub fn len(&self) -> usize {
        self.lanes.len()
    }

    /// Takes a record in. A paused lane may gather `paused_bytes`.
    pub fn take(&mut self, record: Consumed, paused_bytes: usize) -> Intake {
        let Some(lane) = self.lanes.get_mut(&record.position.partition) else { return Intake::Dropped };
        if record.position.offset < lane.taken_to {
            return Intake::Dropped;
        }
        lane.heard = true;
        lane.taken_to = record.position.offset + 1;
        lane.bytes += memory_bytes(&record);
        lane.waiting.push_back(record);
        if lane.paused && !lane.held && lane.bytes > paused_bytes {
            lane.held = true;
            return Intake::Hold;
        }
        Intake::Kept
    }

    /// The partition has no more for now.
    pub fn at_end(&mut self, partition: Partition) {
        if let Some(lane) = self.lanes.get_mut(&partition) {
            lane.heard = true;
        }
    }

    /// Until when a partition that was just assigned is waited for. Partitions come one by one: without this the first
    /// one would have all the turns until the others have been asked for.
    pub fn expected_until(&self, now: Instant) -> Option<Instant> {
        let unheard = self.lanes.values().filter(|lane| !lane.heard && !lane.paused);
        unheard.map(|lane| lane.opened_at + FIRST_WORD).filter(|until| *until > now).max()
    }

    /// What could be handed out now, in bytes.
    pub fn ready_bytes(&self) -> usize {
        self.lanes.values().filter(|lane| !lane.paused).map(|lane| lane.bytes).sum()
    }

    /// The records of the next partition that has some, at most `max_bytes` of payload but at least one record.
    pub fn next(&mut self, max_bytes: usize) -> Option<(PartitionEpoch, Vec<Consumed>)> {
        let ready = |lane: &Lane| !lane.paused && !lane.waiting.is_empty();
        let after = self.lanes.range(self.turn + 1..).find(|(_, lane)| ready(lane));
        let (partition, _) = after.or_else(|| self.lanes.iter().find(|(_, lane)| ready(lane)))?;
        self.turn = *partition;
        let lane = self.lanes.get_mut(&self.turn)?;
        let mut records = Vec::new();
        let mut bytes = 0;
        while let Some(first) = lane.waiting.front() {
            bytes += first.payload.len();
            if bytes > max_bytes && !records.is_empty() {
                break;
            }
            lane.bytes -= memory_bytes(first);
            lane.handed_to = first.position.offset + 1;
            records.extend(lane.waiting.pop_front());
        }
        Some((lane.epoch, records))
    }

    /// Pauses or resumes a partition; true if librdkafka must fetch it again.
    pub fn pause(&mut self, of: PartitionEpoch, paused: bool) -> bool {
        let Some(lane) = self.lanes.get_mut(&of.partition).filter(|lane| lane.epoch == of) else { return false };
        lane.paused = paused;
        !paused && std::mem::take(&mut lane.held)
    }

    /// How far the records of this assignment were handed out; `None` if it is not (or no longer) ours.
    pub fn handed_to(&self, of: PartitionEpoch) -> Option<i64> {
        self.lanes.get(&of.partition).filter(|lane| lane.epoch == of).map(|lane| lane.handed_to)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tidegate_kernel::{Position, Timestamp};

    use super::*;

    fn epoch(partition: Partition) -> PartitionEpoch {
        PartitionEpoch { partition, epoch: 7 }
    }

    fn record(partition: Partition, offset: i64, bytes: usize) -> Consumed {
        let position = Position { generation: 1, partition, offset };
        Consumed::plain(position, Timestamp::from_millis(0), Bytes::from(vec![0; bytes]))
    }

    fn with_records(partitions: Partition, each: i64) -> Lanes {
        let mut lanes = Lanes::default();
        for partition in 0..partitions {
            lanes.open(epoch(partition));
            for offset in 0..each {
                assert_eq!(lanes.take(record(partition, offset, 100), 0), Intake::Kept);
            }
        }
        lanes
    }

    #[test]
    fn partitions_take_turns() {
        let mut lanes = with_records(3, 2);
        let turns: Vec<Partition> = std::iter::from_fn(|| lanes.next(0)).map(|(from, _)| from.partition).collect();
        assert_eq!(turns, [1, 2, 0, 1, 2, 0]);
        assert_eq!(lanes.ready_bytes(), 0);
    }

    #[test]
    fn a_turn_keeps_to_its_budget_and_brings_at_least_one() {
        let mut lanes = with_records(1, 10);
        let taken = [0, 99, 100, 250].map(|budget| lanes.next(budget).expect("records").1.len());
        assert_eq!(taken, [1, 1, 1, 2]);
        assert_eq!(lanes.handed_to(epoch(0)), Some(5));
    }

    #[test]
    fn a_paused_partition_gathers_a_little_and_is_then_held() {
        let mut lanes = with_records(1, 1);
        lanes.pause(epoch(0), true);
        assert!(lanes.next(1_000).is_none());
        assert_eq!(lanes.take(record(0, 1, 100), 1_000), Intake::Kept);
        assert_eq!(lanes.take(record(0, 2, 1_000), 1_000), Intake::Hold);
        assert_eq!(lanes.take(record(0, 3, 1_000), 1_000), Intake::Kept, "held once");
        assert!(lanes.pause(epoch(0), false), "fetched again");
        assert!(!lanes.pause(epoch(0), false), "once");
        assert_eq!(lanes.next(10_000).expect("all of it").1.len(), 4);
    }

    #[test]
    fn what_is_not_ours_or_came_before_is_dropped() {
        let mut lanes = with_records(1, 3);
        assert_eq!(lanes.take(record(1, 0, 1), 0), Intake::Dropped);
        assert_eq!(lanes.take(record(0, 2, 1), 0), Intake::Dropped);
        assert_eq!(lanes.close(0), Some((epoch(0), -1)));
        assert_eq!(lanes.take(record(0, 3, 1), 0), Intake::Dropped);
        assert_eq!(lanes.handed_to(epoch(0)), None);
    }

    #[test]
    fn a_new_partition_is_waited_for_until_it_is_heard_of() {
        let mut lanes = with_records(2, 0);
        let now = Instant::now();
        assert!(lanes.expected_until(now).is_some());
        assert_eq!(lanes.expected_until(now + 2 * FIRST_WORD), None, "and not for ever");
        lanes.at_end(0);
        assert!(lanes.expected_until(now).is_some());
        lanes.take(record(1, 0, 1), 0);
        assert_eq!(lanes.expected_until(now), None);
        lanes.open(epoch(2));
        lanes.pause(epoch(2), true);
        assert_eq!(lanes.expected_until(now), None, "nobody waits for what is paused");
    }

    #[test]
    fn another_assignment_of_the_partition_is_not_meant() {
        let mut lanes = with_records(1, 1);
        let former = PartitionEpoch { epoch: 6, ..epoch(0) };
        lanes.pause(former, true);
        assert_eq!(lanes.handed_to(former), None);
        assert!(lanes.next(0).is_some(), "not paused by a former assignment");
    }
}
