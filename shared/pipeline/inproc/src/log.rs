//! The log in memory. Nothing survives the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_kernel::{Committable, LogKey, Partition, PartitionEpoch, Position, Timestamp};
use tidegate_ports::{
    Account, Again, Append, AppendAgain, AppendError, Clock, Consume, Consumed, Lag, LogError, LogSpan, PartitionLag,
    Polled, Provenance, ReadLag, ReadLog,
};
use tokio::sync::watch;
use tokio::time::Instant;

use super::membership::{MemberEvent, MemberId, Membership};
use super::read_positions::ReadPositions;

mod groups;

/// The partition count never changes, so there is only the first generation.
const GENERATION: u16 = 1;

/// Options of a log in memory.
#[derive(Clone, Copy, Debug)]
pub struct MemoryLogOptions {
    pub partitions: u32,
    pub max_record_bytes: usize,
    /// How long a consumer may take to hand a partition over.
    pub revocation_deadline: Duration,
}

impl Default for MemoryLogOptions {
    fn default() -> Self {
        Self { partitions: 4, max_record_bytes: 4 * 1024 * 1024, revocation_deadline: Duration::from_secs(10) }
    }
}

/// A log in memory. Clones share it.
#[derive(Clone)]
pub struct MemoryLog {
    shared: Arc<Shared>,
}

struct Shared {
    options: MemoryLogOptions,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    partitions: Vec<Vec<Consumed>>,
    groups: HashMap<String, Group>,
    failure: Option<AppendError>,
}

struct Group {
    membership: Membership,
    /// The offset to read next, per partition.
    committed: Vec<i64>,
}

impl MemoryLog {
    pub fn new(options: MemoryLogOptions, clock: Arc<dyn Clock>) -> Self {
        let partitions = vec![Vec::new(); options.partitions as usize];
        let state = Mutex::new(State { partitions, ..State::default() });
        MemoryLog { shared: Arc::new(Shared { options, clock, state, changed: watch::Sender::new(()) }) }
    }

    /// Makes every append fail with this error; `None` ends that. With [`AppendError::Unknown`] the record is still
    /// appended.
    pub fn fail_appends(&self, failure: Option<AppendError>) {
        self.shared.state().failure = failure;
    }

    /// All records of a partition.
    pub fn records(&self, partition: u32) -> Vec<Consumed> {
        self.shared.state().partitions.get(partition as usize).cloned().unwrap_or_default()
    }

    /// A new member of the group.
    pub fn consumer(&self, group: &str) -> MemoryConsumer {
        let changed = self.shared.changed.subscribe();
        let member = self.shared.state().group(group, self.shared.options).membership.join(Instant::now().into());
        self.shared.changed.send_replace(());
        let (shared, group, read_positions) = (self.shared.clone(), group.to_owned(), ReadPositions::default());
        MemoryConsumer { shared, group, member, read_positions, changed }
    }

    /// Measures how far the group is behind.
    pub fn lag(&self, group: &str) -> MemoryLag {
        MemoryLag { shared: self.shared.clone(), group: group.to_owned() }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn group(&mut self, name: &str, options: MemoryLogOptions) -> &mut Group {
        self.groups.entry(name.to_owned()).or_insert_with(|| Group {
            membership: Membership::new(options.partitions, options.revocation_deadline),
            committed: vec![0; options.partitions as usize],
        })
    }
}

#[async_trait]
impl Append for MemoryLog {
    async fn append(&self, key: LogKey, record: Bytes) -> Result<Position, AppendError> {
        self.take(self.partition_of(key), record, None)
    }

    fn partition_of(&self, key: LogKey) -> Partition {
        key.partition(self.shared.options.partitions)
    }
}

impl MemoryLog {
    fn take(
        &self,
        partition: Partition,
        payload: Bytes,
        provenance: Option<Box<Provenance>>,
    ) -> Result<Position, AppendError> {
        let (bytes, cap) = (payload.len(), self.shared.options.max_record_bytes);
        if bytes > cap {
            return Err(AppendError::TooLarge { bytes, cap });
        }
        let appended_at = self.shared.clock.now();
        let appended = {
            let mut state = self.shared.state();
            let failure = state.failure.clone();
            if let Some(failure @ (AppendError::NotPersisted(_) | AppendError::TooLarge { .. })) = failure {
                return Err(failure);
            }
            let records = &mut state.partitions[partition as usize];
            let position = Position { generation: GENERATION, partition, offset: records.len() as i64 };
            records.push(Consumed { position, appended_at, payload, provenance });
            failure.map_or(Ok(position), Err)
        };
        self.shared.changed.send_replace(());
        appended
    }
}

#[async_trait]
impl AppendAgain for MemoryLog {
    async fn append_again(&self, again: Again) -> Result<Position, AppendError> {
        let Again { key, payload, origin } = again;
        let provenance = Provenance { origin: Some(origin), ..Provenance::default() };
        let partition = key.map_or(origin.position.partition, |key| self.partition_of(key));
        self.take(partition, payload, Some(Box::new(provenance)))
    }
}

#[async_trait]
impl ReadLog for MemoryLog {
    async fn spans(&self) -> Result<Vec<LogSpan>, LogError> {
        let state = self.shared.state();
        let span = |(partition, records): (Partition, &Vec<Consumed>)| LogSpan {
            generation: GENERATION,
            partition,
            first: 0,
            end: records.len() as i64,
        };
        Ok((0..).zip(&state.partitions).map(span).collect())
    }

    async fn offset_at(&self, partition: Partition, at: Timestamp) -> Result<i64, LogError> {
        let records = self.records(partition);
        let found = records.iter().find(|record| record.appended_at >= at);
        Ok(found.map_or(records.len() as i64, |record| record.position.offset))
    }

    async fn read_range(
        &self,
        partition: Partition,
        from: i64,
        until: i64,
        max_bytes: usize,
    ) -> Result<Vec<Consumed>, LogError> {
        let records = self.records(partition);
        let wanted = records.into_iter().filter(|record| (from..until).contains(&record.position.offset));
        let mut bytes = 0;
        let within = |record: &Consumed| {
            bytes += record.payload.len();
            bytes <= max_bytes || bytes == record.payload.len()
        };
        Ok(wanted.take_while(within).collect())
    }
}

/// One member of a group; dropping it leaves the group.
pub struct MemoryConsumer {
    shared: Arc<Shared>,
    group: String,
    member: MemberId,
    read_positions: ReadPositions,
    changed: watch::Receiver<()>,
}

impl MemoryConsumer {
    /// The result of a poll that does not wait. The error is the instant at which the group next changes by itself.
    fn step(&mut self, max_bytes: usize) -> Result<Polled, Option<Instant>> {
        let now = Instant::now().into();
        let mut state = self.shared.state();
        let State { partitions, groups, .. } = &mut *state;
        let Some(group) = groups.get_mut(&self.group) else { return Ok(Polled::Idle) };
        let event = group.membership.call(self.member, now);
        if group.membership.take_changed() {
            self.shared.changed.send_replace(());
        }
        match event {
            Some(MemberEvent::Assigned(assigned)) => {
                self.read_positions.open(assigned, group.committed[assigned.partition as usize]);
                return Ok(Polled::Assigned(assigned));
            }
            Some(MemberEvent::Revoking { partitions, deadline }) => {
                partitions.iter().for_each(|gone| self.read_positions.close(*gone));
                return Ok(Polled::Revoking { partitions, deadline });
            }
            Some(MemberEvent::Lost(partitions)) => {
                partitions.iter().for_each(|gone| self.read_positions.close(*gone));
                return Ok(Polled::Lost(partitions));
            }
            None => {}
        }
        for (assigned, next_offset) in self.read_positions.turns() {
            let waiting = &partitions[assigned.partition as usize][next_offset as usize..];
            let mut bytes = 0;
            let within = |record: &&Consumed| {
                bytes += record.payload.len();
                bytes <= max_bytes || bytes == record.payload.len()
            };
            let records: Vec<Consumed> = waiting.iter().take_while(within).cloned().collect();
            if let Some(last) = records.last() {
                self.read_positions.advance(assigned, last.position.offset + 1);
                return Ok(Polled::Records(assigned, records));
            }
        }
        Err(group.membership.next_deadline().map(Instant::from))
    }
}

#[async_trait]
impl Consume for MemoryConsumer {
    async fn poll(&mut self, max_bytes: usize, wait: Duration) -> Result<Polled, LogError> {
        let patience = Instant::now().checked_add(wait);
        loop {
            self.changed.borrow_and_update();
            let group_changes = match self.step(max_bytes) {
                Ok(polled) => return Ok(polled),
                Err(group_changes) => group_changes,
            };
            let change = self.changed.changed();
            let has_changed = match [patience, group_changes].into_iter().flatten().min() {
                Some(until) => tokio::time::timeout_at(until, change).await.is_ok(),
                None => change.await.is_ok(),
            };
            if !has_changed && patience.is_some_and(|patience| patience <= Instant::now()) {
                return Ok(Polled::Idle);
            }
        }
    }

    async fn commit(&mut self, done: Committable) -> Result<(), LogError> {
        let mut state = self.shared.state();
        let ends: Vec<i64> = state.partitions.iter().map(|records| records.len() as i64).collect();
        let Some(group) = state.groups.get_mut(&self.group) else { return Ok(()) };
        let partition = done.partition();
        let index = partition.partition as usize;
        if group.membership.owns(self.member, partition, Instant::now().into()) && done.next_offset() <= ends[index] {
            group.committed[index] = group.committed[index].max(done.next_offset());
        }
        Ok(())
    }

    fn pause(&mut self, partition: PartitionEpoch, paused: bool) {
        self.read_positions.pause(partition, paused);
    }
}

impl Drop for MemoryConsumer {
    fn drop(&mut self) {
        if let Some(group) = self.shared.state().groups.get_mut(&self.group) {
            group.membership.leave(self.member, Instant::now().into());
        }
        self.shared.changed.send_replace(());
    }
}

/// Lag of one group.
pub struct MemoryLag {
    shared: Arc<Shared>,
    group: String,
}

#[async_trait]
impl ReadLag for MemoryLag {
    async fn read(&self) -> Result<Lag, LogError> {
        Ok(Lag::over(&self.partitions(&[]).await?, self.shared.clock.now()))
    }

    async fn partitions(&self, accounts: &[Account]) -> Result<Vec<PartitionLag>, LogError> {
        let mut state = self.shared.state();
        let committed = state.group(&self.group, self.shared.options).committed.clone();
        let lag = |((partition, records), next): ((Partition, &Vec<Consumed>), &i64)| {
            let mut lag = PartitionLag {
                generation: GENERATION,
                partition,
                first: 0,
                committed: *next,
                accounted: PartitionLag::accounted_in(accounts, GENERATION, partition),
                end: records.len() as i64,
                oldest_appended_at: None,
                log_time: None,
            };
            lag.oldest_appended_at = records.get(lag.next() as usize).map(|record| record.appended_at);
            lag.log_time = lag.oldest_appended_at.map(|_| self.shared.clock.now());
            lag
        };
        Ok((0..).zip(&state.partitions).zip(&committed).map(lag).collect())
    }
}
