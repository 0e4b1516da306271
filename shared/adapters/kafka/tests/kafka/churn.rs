//! Members come and go while records are appended: nothing is skipped, and no committed offset goes back.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tidegate_kafka::{GroupProtocol, KafkaLag};
use tidegate_ports::{Append, ReadLag};

use crate::member::Member;
use crate::offsets::committed;
use crate::support::{Fresh, clock, key, wait_until};

const PARTITIONS: u32 = 4;
const RECORDS: u64 = 3_000;
const CHANGES: usize = 6;

/// A member's life: what it reads counts as applied, and is committed, at once.
async fn live(fresh: Arc<Fresh>, group: String, applied: Arc<Mutex<HashSet<(u32, i64)>>>, mut stop: StopSignal) {
    let mut member = Member::join(&fresh.options, &group);
    while !stop.is_set() {
        member.poll().await;
        let read: Vec<(u32, i64)> = member.read.iter().map(|(from, offset)| (from.partition, *offset)).collect();
        applied.lock().expect("the set").extend(read);
        // A commit may be refused while the group changes: it is owed, and polls pay it.
        member.read.iter().for_each(|(from, offset)| member.ledger.done(*from, *offset));
        member.read.clear();
        for done in member.ledger.take_committable() {
            let _ = tidegate_ports::Consume::commit(&mut member.consumer, done).await;
        }
    }
    member.consumer.leave().await;
}

#[derive(Clone)]
struct StopSignal(tokio::sync::watch::Receiver<bool>);

impl StopSignal {
    fn is_set(&mut self) -> bool {
        *self.0.borrow()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_come_and_go_and_nothing_is_passed_over() {
    for protocol in GroupProtocol::ALL {
        let mut fresh = Fresh::topics(PARTITIONS).await;
        fresh.options.consume.protocol = protocol;
        let (group, fresh) = (format!("{}.group", fresh.records()), Arc::new(fresh));
        let applied = Arc::new(Mutex::new(HashSet::new()));
        let appended = Arc::new(AtomicU64::new(0));
        let appending = {
            let (log, appended) = (fresh.log(), appended.clone());
            tokio::spawn(async move {
                let mut positions = HashSet::new();
                for number in 0..RECORDS {
                    let position = log.append(key(u128::from(number % 50)), Bytes::from(number.to_string())).await;
                    let position = position.expect("appended");
                    positions.insert((position.partition, position.offset));
                    appended.fetch_add(1, Ordering::Relaxed);
                }
                positions
            })
        };
        let member = || {
            let (stop, signal) = tokio::sync::watch::channel(false);
            let life = live(fresh.clone(), group.clone(), applied.clone(), StopSignal(signal));
            (stop, tokio::spawn(life))
        };
        let mut members = vec![member()];
        let mut before: HashMap<u32, i64> = HashMap::new();
        let mut forward = || {
            for partition in 0..PARTITIONS {
                let now = committed(&fresh.options, &group, partition).unwrap_or(0);
                let last = before.insert(partition, now).unwrap_or(0);
                assert!(
                    now >= last,
                    "{protocol:?}: the committed offset of {partition} went back from {last} to {now}"
                );
            }
        };
        for change in 0..CHANGES {
            // Each change waits for some progress, so that it meets a group at work.
            let at = RECORDS * (change as u64 + 1) / (CHANGES as u64 + 1);
            wait_until("progress", async || appended.load(Ordering::Relaxed) >= at).await;
            forward();
            if change % 2 == 0 {
                members.push(member());
            } else {
                let (stop, life) = members.remove(0);
                stop.send(true).expect("it lives");
                life.await.expect("it leaves in order");
            }
        }
        let positions = appending.await.expect("no panic");
        let lag = KafkaLag::watch(&fresh.options, &group, clock()).expect("a reader");
        wait_until("the lag is gone", async || lag.read().await.is_ok_and(|reading| reading.records == 0)).await;
        forward();
        assert!(*applied.lock().expect("the set") == positions, "{protocol:?}: applied is not what was appended");
        for (stop, life) in members {
            stop.send(true).expect("it lives");
            life.await.expect("it leaves in order");
        }
    }
}
