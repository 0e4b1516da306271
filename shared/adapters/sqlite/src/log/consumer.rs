//! One member of a consumer group within this process.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tidegate_inproc::membership::{MemberEvent, MemberId};
use tidegate_inproc::read_positions::ReadPositions;
use tidegate_kernel::{Committable, PartitionEpoch};
use tidegate_ports::{Consume, Consumed, LogError, Polled};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Inner;
use super::reader::Reader;
use super::request::{PendingCommit, Request};
use super::state::closed;
use crate::sqlite::failure::broken_off;

/// A group member; dropping it leaves the group. Polling may be cancelled at any time: nothing is lost.
pub struct EmbeddedConsumer {
    log: Arc<Inner>,
    group: Arc<str>,
    member: MemberId,
    lanes: ReadPositions,
    changed: watch::Receiver<()>,
    reader: Arc<Reader>,
    /// A read from the file that is in progress. It outlives a cancelled poll, and the next poll uses it.
    reading: Option<Reading>,
}

struct Reading {
    lane: PartitionEpoch,
    records: JoinHandle<Result<Vec<Consumed>, LogError>>,
}

/// What to do next, by the shared state.
enum Step {
    Done(Polled),
    Reading(Reading),
    /// Nothing to do until something changes, or until this time, when the group changes by itself.
    Wait(Option<Instant>),
}

impl EmbeddedConsumer {
    /// Joins a group that the file knows.
    pub(super) fn join(log: Arc<Inner>, group: &str, reader: Reader) -> Result<Self, LogError> {
        let changed = log.shared.changed.subscribe();
        let member = match log.shared.state().groups.get_mut(group) {
            Some(known) => known.membership.join(Instant::now().into()),
            None => return Err(LogError::Broken(format!("it does not know the consumer group '{group}'").into())),
        };
        log.shared.changed.send_replace(());
        let (group, reader) = (group.into(), Arc::new(reader));
        Ok(EmbeddedConsumer { log, group, member, lanes: ReadPositions::default(), changed, reader, reading: None })
    }

    fn step(&mut self, max_bytes: usize) -> Step {
        let mut state = self.log.shared.state();
        let Some(group) = state.groups.get_mut(&*self.group) else { return Step::Wait(None) };
        let notice = group.membership.call(self.member, Instant::now().into());
        if group.membership.take_changed() {
            self.log.shared.changed.send_replace(());
        }
        match notice {
            Some(MemberEvent::Assigned(assigned)) => {
                self.lanes.open(assigned, group.committed[assigned.partition as usize]);
                return Step::Done(Polled::Assigned(assigned));
            }
            Some(MemberEvent::Revoking { partitions, deadline }) => {
                partitions.iter().for_each(|gone| self.lanes.close(*gone));
                return Step::Done(Polled::Revoking { partitions, deadline });
            }
            Some(MemberEvent::Lost(partitions)) => {
                partitions.iter().for_each(|gone| self.lanes.close(*gone));
                return Step::Done(Polled::Lost(partitions));
            }
            None => {}
        }
        let group_changes = group.membership.next_deadline().map(Instant::from);
        for (lane, next_offset) in self.lanes.turns() {
            let tail = &state.lanes[lane.partition as usize].tail;
            if next_offset >= tail.end() {
                continue;
            }
            if let Some(records) = tail.read(next_offset, max_bytes) {
                self.lanes.advance(lane, next_offset + records.len() as i64);
                return Step::Done(Polled::Records(lane, records));
            }
            let (reader, until) = (self.reader.clone(), tail.first());
            let read = move || reader.records(lane.partition, next_offset, until, max_bytes);
            return Step::Reading(Reading { lane, records: tokio::task::spawn_blocking(read) });
        }
        Step::Wait(group_changes)
    }

    /// Returns what was read from the file; `None` if the partition was revoked while it was read.
    fn take_read(&mut self, lane: PartitionEpoch, records: Vec<Consumed>) -> Result<Option<Polled>, LogError> {
        let Some(last) = records.last() else {
            let missing = format!("records of partition {} that it should hold are missing", lane.partition);
            return Err(LogError::Broken(missing.into()));
        };
        let is_assigned = self.lanes.advance(lane, last.position.offset + 1);
        Ok(is_assigned.then_some(Polled::Records(lane, records)))
    }
}

#[async_trait]
impl Consume for EmbeddedConsumer {
    async fn poll(&mut self, max_bytes: usize, wait: Duration) -> Result<Polled, LogError> {
        let patience = Instant::now().checked_add(wait);
        loop {
            self.changed.borrow_and_update();
            if self.log.shared.is_closing() {
                return Err(closed());
            }
            if let Some(Reading { lane, records }) = &mut self.reading {
                let lane = *lane;
                let read = records.await;
                self.reading = None;
                let records = read.map_err(|error| LogError::Unavailable(broken_off("a read", error)))??;
                if let Some(polled) = self.take_read(lane, records)? {
                    return Ok(polled);
                }
                continue;
            }
            let group_changes = match self.step(max_bytes) {
                Step::Done(polled) => return Ok(polled),
                Step::Reading(reading) => {
                    self.reading = Some(reading);
                    continue;
                }
                Step::Wait(group_changes) => group_changes,
            };
            let change = self.changed.changed();
            let heard = match [patience, group_changes].into_iter().flatten().min() {
                Some(until) => tokio::time::timeout_at(until, change).await.is_ok(),
                None => change.await.is_ok(),
            };
            if !heard && patience.is_some_and(|patience| patience <= Instant::now()) {
                return Ok(Polled::Idle);
            }
        }
    }

    async fn commit(&mut self, done: Committable) -> Result<(), LogError> {
        let (partition, next_offset) = (done.partition(), done.next_offset());
        {
            let state = self.log.shared.state();
            let Some(group) = state.groups.get(&*self.group) else { return Ok(()) };
            let index = partition.partition as usize;
            let ours = group.membership.owns(self.member, partition, Instant::now().into());
            // What was not read cannot be done: only an offset within the partition counts.
            if !ours || next_offset <= group.committed[index] || next_offset > state.lanes[index].tail.end() {
                return Ok(());
            }
        }
        let (reply, answer) = oneshot::channel();
        let partition = partition.partition;
        let commit = PendingCommit { group: self.group.clone(), partition, next_offset, reply };
        self.log.requests.send(Request::Commit(commit)).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    fn pause(&mut self, partition: PartitionEpoch, paused: bool) {
        self.lanes.pause(partition, paused);
    }
}

impl Drop for EmbeddedConsumer {
    fn drop(&mut self) {
        if let Some(group) = self.log.shared.state().groups.get_mut(&*self.group) {
            group.membership.leave(self.member, Instant::now().into());
        }
        self.log.shared.changed.send_replace(());
    }
}
