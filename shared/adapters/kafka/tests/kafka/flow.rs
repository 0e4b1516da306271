//! How records flow into polls: pauses, small queues, polls that are given up.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt;
use tidegate_kafka::GroupProtocol;
use tidegate_kernel::Position;
use tidegate_ports::{Append, Consume, Polled};

use crate::member::Member;
use crate::offsets::committed;
use crate::support::{DEADLINE, Fresh, key};

/// Two partitions, with far more on them than the consumer may fetch at once.
async fn full() -> (Fresh, HashSet<(u32, i64)>) {
    let mut fresh = Fresh::topics(2).await;
    fresh.options.consume.fetch_bytes = 128 * 1024;
    let log = fresh.log();
    let appends = (0..200).map(|number| log.append(key(number), Bytes::from(vec![b'x'; 8 * 1024])));
    let positions = futures_util::future::join_all(appends).await;
    let place = |position: Position| (position.partition, position.offset);
    let positions: HashSet<_> = positions.into_iter().map(|appended| place(appended.expect("appended"))).collect();
    (fresh, positions)
}

fn read(member: &Member) -> HashSet<(u32, i64)> {
    member.read.iter().map(|(from, offset)| (from.partition, *offset)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_paused_for_long_comes_back_whole() {
    for protocol in GroupProtocol::ALL {
        let (mut fresh, positions) = full().await;
        fresh.options.consume.protocol = protocol;
        let mut member = Member::join(&fresh.options, &format!("{}.group", fresh.records()));
        member.owns(2).await;
        let paused = member.assigned[&0];
        member.consumer.pause(paused, true);
        let before = member.read.iter().filter(|(from, _)| *from == paused).count();
        let others = positions.iter().filter(|(partition, _)| *partition == 1).count();
        // The paused partition does not block the other, although both share a small queue.
        member
            .poll_until("the other partition", |member| {
                member.read.iter().filter(|(from, _)| *from != paused).count() == others
            })
            .await;
        assert_eq!(member.read.iter().filter(|(from, _)| *from == paused).count(), before, "{protocol:?}");
        member.consumer.pause(paused, false);
        member.poll_until("all", |member| member.read.len() >= positions.len()).await;
        assert!(read(&member) == positions && member.read.len() == positions.len(), "{protocol:?}: each once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_that_is_given_up_loses_nothing() {
    let (fresh, positions) = full().await;
    let group = format!("{}.group", fresh.records());
    let mut member = Member::join(&fresh.options, &group);
    let deadline = Instant::now() + DEADLINE;
    let mut seen = Vec::new();
    while seen.len() < positions.len() {
        assert!(Instant::now() < deadline, "{} of {} records", seen.len(), positions.len());
        // Whatever is not there at once is given up.
        let polled = member.consumer.poll(20 * 1024, Duration::from_secs(5)).now_or_never();
        match polled.transpose().expect("polled") {
            Some(Polled::Records(from, records)) => {
                seen.extend(records.into_iter().map(|record| (from.partition, record.position.offset)));
            }
            // Between two polls a question to the broker: meanwhile the first records of a partition arrive, whose
            // assignment the abandoned poll may have received.
            _ => assert_eq!(committed(&fresh.options, &group, 0), None),
        }
    }
    for partition in 0..2 {
        let offsets: Vec<i64> = seen.iter().filter(|(of, _)| *of == partition).map(|(_, offset)| *offset).collect();
        assert!(offsets.is_sorted(), "offset order");
    }
    assert_eq!(seen.len(), positions.len());
    assert!(seen.into_iter().collect::<HashSet<_>>() == positions, "each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_above_the_fetch_bound_comes_all_the_same() {
    let mut fresh = Fresh::topics(1).await;
    fresh.options.consume.fetch_bytes = 64 * 1024;
    let log = fresh.log();
    let sizes = [10, 200 * 1024, 256 * 1024, 10];
    for bytes in sizes {
        log.append(key(1), Bytes::from(vec![b'x'; bytes])).await.expect("appended");
    }
    let mut member = Member::join(&fresh.options, &format!("{}.group", fresh.records()));
    member.poll_until("all", |member| member.read.len() == sizes.len()).await;
    assert_eq!(member.read.iter().map(|(_, offset)| *offset).collect::<Vec<_>>(), [0, 1, 2, 3]);
}
