//! A group member as these tests use it: polls, keeps a ledger, commits.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tidegate_kafka::{KafkaConsumer, KafkaOptions};
use tidegate_kernel::{Ledger, PartitionEpoch};
use tidegate_ports::{Consume, Polled};

use crate::support::{DEADLINE, clock};

const BUDGET: usize = 1 << 20;
const POLL: Duration = Duration::from_millis(20);

pub struct Member {
    pub consumer: KafkaConsumer,
    pub ledger: Ledger,
    pub assigned: BTreeMap<u32, PartitionEpoch>,
    /// Everything read: under which assignment, and the offset.
    pub read: Vec<(PartitionEpoch, i64)>,
    pub revoking: Vec<PartitionEpoch>,
    pub lost: Vec<PartitionEpoch>,
}

impl Member {
    pub fn join(options: &KafkaOptions, group: &str) -> Member {
        let consumer = KafkaConsumer::join(options, group, clock()).expect("a member");
        Member {
            consumer,
            ledger: Ledger::default(),
            assigned: BTreeMap::new(),
            read: Vec::new(),
            revoking: Vec::new(),
            lost: Vec::new(),
        }
    }

    pub async fn poll(&mut self) {
        match self.consumer.poll(BUDGET, POLL).await.expect("polled") {
            Polled::Assigned(assigned) => {
                self.assigned.insert(assigned.partition, assigned);
                self.ledger.assign(assigned);
            }
            Polled::Records(from, records) => {
                for record in records {
                    self.ledger.read(from, record.position.offset);
                    self.read.push((from, record.position.offset));
                }
            }
            Polled::Revoking { partitions, .. } => {
                self.assigned.retain(|_, assigned| !partitions.contains(assigned));
                self.revoking.extend(partitions);
            }
            Polled::Lost(partitions) => {
                self.assigned.retain(|_, assigned| !partitions.contains(assigned));
                self.lost.extend(partitions);
            }
            Polled::Idle => {}
        }
    }

    pub async fn poll_until(&mut self, what: &str, mut reached: impl FnMut(&Member) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !reached(self) {
            assert!(Instant::now() < deadline, "not reached: {what}; assigned {:?}", self.assigned);
            self.poll().await;
        }
    }

    pub async fn owns(&mut self, partitions: usize) {
        self.poll_until("the partitions", |member| member.assigned.len() == partitions).await;
    }

    /// Everything read is applied, and committed.
    pub async fn commit_all(&mut self) {
        self.read.iter().for_each(|(from, offset)| self.ledger.done(*from, *offset));
        for done in self.ledger.take_committable() {
            self.consumer.commit(done).await.expect("committed");
        }
    }
}
