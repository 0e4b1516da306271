//! The log against the simplest model of one: lists of payloads, and a number per partition.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use tidegate_kernel::{Ledger, PartitionEpoch};
use tidegate_ports::{Append, Consume, Polled, ReadLag};
use tidegate_sqlite::{EmbeddedConsumer, EmbeddedLog, LogOptions};

use crate::log_support::{key, open};

const PARTITIONS: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Append {
        key: u64,
        bytes: usize,
    },
    /// Polls once, and has this many of the records read done.
    Poll {
        max_bytes: usize,
        done: usize,
    },
    Commit,
    Lag,
    /// The consumer dies and another one joins.
    Rejoin,
    /// The log is closed and opened again.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..12u64, 0..400usize).prop_map(|(key, bytes)| Step::Append { key, bytes }),
        6 => (0..900usize, 0..8usize).prop_map(|(max_bytes, done)| Step::Poll { max_bytes, done }),
        3 => Just(Step::Commit),
        2 => Just(Step::Lag),
        1 => Just(Step::Rejoin),
        1 => Just(Step::Restart),
    ]
}

#[derive(Default)]
struct Lane {
    payloads: Vec<Bytes>,
    read_to: usize,
    done_to: usize,
    committed: usize,
    assigned: Option<PartitionEpoch>,
}

struct Pair {
    place: tempfile::TempDir,
    options: LogOptions,
    log: EmbeddedLog,
    consumer: EmbeddedConsumer,
    ledger: Ledger,
    model: Vec<Lane>,
    appended: u64,
}

impl Pair {
    async fn new(tail_bytes: usize) -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let options = LogOptions { tail_bytes, ..LogOptions::default() };
        let log = open(place.path(), PARTITIONS as u32, options);
        let consumer = log.consumer("group").await.expect("a member");
        let model = (0..PARTITIONS).map(|_| Lane::default()).collect();
        Pair { place, options, log, consumer, ledger: Ledger::default(), model, appended: 0 }
    }

    async fn rejoin(&mut self) {
        self.consumer = self.log.consumer("group").await.expect("a member");
        self.ledger = Ledger::default();
        for lane in &mut self.model {
            (lane.read_to, lane.done_to, lane.assigned) = (lane.committed, lane.committed, None);
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Append { key: run, bytes } => {
                let mut payload = self.appended.to_string().into_bytes();
                payload.resize(payload.len() + bytes, b'.');
                self.appended += 1;
                let payload = Bytes::from(payload);
                let position = self.log.append(key(run), payload.clone()).await.expect("appended");
                let lane = &mut self.model[position.partition as usize];
                assert_eq!(position.offset as usize, lane.payloads.len());
                lane.payloads.push(payload);
            }
            Step::Poll { max_bytes, done } => self.poll(max_bytes, done).await,
            Step::Commit => {
                for done in self.ledger.take_committable() {
                    self.consumer.commit(done).await.expect("committed");
                    let lane = &mut self.model[done.partition().partition as usize];
                    assert_eq!(done.next_offset() as usize, lane.done_to);
                    lane.committed = lane.done_to;
                }
            }
            Step::Lag => {
                let lag = self.log.lag("group").expect("a reader").read().await.expect("a reading");
                let open: usize = self.model.iter().map(|lane| lane.payloads.len() - lane.committed).sum();
                assert_eq!((lag.records, lag.oldest_appended_at.is_some()), (open as u64, open > 0));
            }
            Step::Rejoin => {
                // The former member leaves when it is replaced: the new one gets everything at once or after that.
                let joined = self.log.consumer("group").await.expect("a member");
                drop(std::mem::replace(&mut self.consumer, joined));
                self.rejoin().await;
            }
            Step::Restart => {
                assert_eq!(self.log.close().await.left, 0);
                self.log = open(self.place.path(), PARTITIONS as u32, self.options);
                self.rejoin().await;
            }
        }
    }

    async fn poll(&mut self, max_bytes: usize, done: usize) {
        let readable = self.model.iter().any(|lane| lane.assigned.is_some() && lane.read_to < lane.payloads.len());
        match self.consumer.poll(max_bytes, Duration::ZERO).await.expect("the log polls") {
            Polled::Assigned(assigned) => {
                self.ledger.assign(assigned);
                self.model[assigned.partition as usize].assigned = Some(assigned);
            }
            Polled::Records(from, records) => {
                let lane = &mut self.model[from.partition as usize];
                assert_eq!(lane.assigned, Some(from));
                let bytes: usize = records.iter().map(|record| record.payload.len()).sum();
                assert!(records.len() == 1 || bytes <= max_bytes, "{bytes} bytes within {max_bytes}");
                for record in &records {
                    assert_eq!(record.position.offset as usize, lane.read_to);
                    assert_eq!(record.payload, lane.payloads[lane.read_to]);
                    lane.read_to += 1;
                    self.ledger.read(from, record.position.offset);
                }
                while lane.done_to < lane.read_to.min(lane.committed + done) {
                    self.ledger.done(from, lane.done_to as i64);
                    lane.done_to += 1;
                }
            }
            Polled::Idle => assert!(!readable, "there was something to read"),
            other => panic!("the only member is left alone: {other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn does_as_the_model_does(tail_bytes in prop_oneof![Just(0), Just(3_000), Just(1_000_000)],
                              steps in prop::collection::vec(step(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let mut pair = Pair::new(tail_bytes).await;
            for step in steps {
                pair.take(step).await;
            }
        });
    }
}
