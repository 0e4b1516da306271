//! A group member for the test cases.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tidegate_kernel::{Ledger, PartitionEpoch, Position};
use tidegate_ports::{Consume, Consumed, Polled};

use super::{BUDGET, DEADLINE, LogUnderTest};

const POLL: Duration = Duration::from_millis(20);

/// A group member with its ledger and all records that it has read.
pub struct Member {
    pub log: Box<dyn Consume>,
    pub ledger: Ledger,
    pub assigned: BTreeMap<u32, PartitionEpoch>,
    pub records: Vec<(PartitionEpoch, Consumed)>,
}

impl Member {
    pub async fn join(log: &dyn LogUnderTest, group: &str) -> Self {
        let log = log.consumer(group).await;
        Member { log, ledger: Ledger::default(), assigned: BTreeMap::new(), records: Vec::new() }
    }

    /// Polls once and updates the ledger and the records.
    pub async fn poll(&mut self, max_bytes: usize) -> Polled {
        let polled = self.log.poll(max_bytes, POLL).await.expect("the log polls");
        match &polled {
            Polled::Assigned(assigned) => {
                let former = self.assigned.insert(assigned.partition, *assigned);
                assert!(former.is_none_or(|former| former.epoch < assigned.epoch), "epochs of a partition grow");
                self.ledger.assign(*assigned);
            }
            Polled::Revoking { partitions, .. } | Polled::Lost(partitions) => {
                for gone in partitions {
                    if self.assigned.get(&gone.partition) == Some(gone) {
                        self.assigned.remove(&gone.partition);
                    }
                }
            }
            Polled::Records(from, records) => {
                assert_eq!(self.assigned.get(&from.partition), Some(from), "records come under a live assignment");
                assert!(!records.is_empty(), "a poll that brings records brings some");
                for record in records {
                    assert_eq!(record.position.partition, from.partition);
                    self.ledger.read(*from, record.position.offset);
                    self.records.push((*from, record.clone()));
                }
            }
            Polled::Idle => {}
        }
        polled
    }

    pub async fn poll_until(&mut self, what: &str, mut reached: impl FnMut(&Member) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !reached(self) {
            assert!(Instant::now() < deadline, "not reached: {what}; read so far: {}", self.records.len());
            self.poll(BUDGET).await;
        }
    }

    pub async fn read(&mut self, count: usize) {
        self.poll_until("enough records", |member| member.records.len() >= count).await;
        assert_eq!(self.records.len(), count, "no more records than were appended");
    }

    pub fn done(&mut self, count: usize) {
        for (from, record) in &self.records[..count] {
            self.ledger.done(*from, record.position.offset);
        }
    }

    pub async fn commit(&mut self) {
        for committable in self.ledger.take_committable() {
            self.log.commit(committable).await.expect("the log commits");
        }
    }

    pub fn positions(&self) -> Vec<Position> {
        self.records.iter().map(|(_, record)| record.position).collect()
    }

    pub fn payloads(&self) -> Vec<Bytes> {
        self.records.iter().map(|(_, record)| record.payload.clone()).collect()
    }
}
