//! The log on a folder: many producers, restarts, orderly ends, a full file.

use std::collections::{BTreeMap, HashMap, HashSet};

use bytes::Bytes;
use tidegate_kernel::Position;
use tidegate_ports::{Append, AppendError, Consume, LogError, Retention};
use tidegate_sqlite::{EmbeddedLog, LogOptions};

use crate::log_support::{Member, append, key, open, read_all, text, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn many_producers_share_commits_and_keep_their_order() {
    let place = tempfile::tempdir().expect("a folder");
    let log = open(place.path(), 4, LogOptions::default());
    let producers: Vec<_> = (0..32)
        .map(|producer| {
            let log = log.clone();
            tokio::spawn(async move {
                let mut positions = Vec::new();
                for step in 0..100 {
                    let payload = Bytes::from(format!("{producer}:{step}"));
                    positions.push(log.append(key(producer), payload).await.expect("appended"));
                }
                positions
            })
        })
        .collect();
    let mut acknowledged: HashMap<Position, String> = HashMap::new();
    for (producer, positions) in producers.into_iter().enumerate() {
        let positions = positions.await.expect("a producer");
        assert!(positions.is_sorted(), "a key's records stand in the order of their appends");
        for (step, position) in positions.into_iter().enumerate() {
            assert_eq!(acknowledged.insert(position, format!("{producer}:{step}")), None, "each has its own place");
        }
    }
    let mut next: BTreeMap<u32, i64> = BTreeMap::new();
    let read = read_all(&log, "readers").await;
    assert_eq!(read.len(), 3_200);
    for record in read {
        let next = next.entry(record.position.partition).or_default();
        assert_eq!(record.position.offset, *next, "no gaps");
        *next += 1;
        assert_eq!(acknowledged[&record.position].as_bytes(), &record.payload[..]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_records_commits_and_offsets() {
    let place = tempfile::tempdir().expect("a folder");
    let log = open(place.path(), 1, LogOptions::default());
    assert!(log.is_fresh());
    append(&log, 0..10).await;
    let mut member = Member::join(&log, "group").await;
    member.read(10, |record| record.position.offset < 6).await;
    drop(member);
    assert_eq!(log.close().await.left, 0);
    drop(log);

    let log = open(place.path(), 1, LogOptions::default());
    assert!(!log.is_fresh());
    let position = log.append(key(1), text(10)).await.expect("appended");
    assert_eq!(position.offset, 10, "offsets go on");
    let mut member = Member::join(&log, "group").await;
    member.read(5, |_| false).await;
    let read: Vec<(i64, Bytes)> = member.read.iter().map(|r| (r.position.offset, r.payload.clone())).collect();
    assert_eq!(read, (6..=10).map(|number| (number as i64, text(number))).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_log_writes_what_it_accepted_and_gives_the_folder_back() {
    let place = tempfile::tempdir().expect("a folder");
    let log = open(place.path(), 2, LogOptions::default());
    append(&log, 0..5).await;
    drop(log);
    assert_eq!(read_all(&open(place.path(), 2, LogOptions::default()), "group").await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_loses_nothing_acknowledged_and_keeps_nothing_refused() {
    let place = tempfile::tempdir().expect("a folder");
    let log = open(place.path(), 4, LogOptions::default());
    let (acknowledged, mut progress) = tokio::sync::mpsc::channel(10_000);
    let producers: Vec<_> = (0..16u64)
        .map(|producer| {
            let (log, acknowledged) = (log.clone(), acknowledged.clone());
            tokio::spawn(async move {
                for step in 0.. {
                    let number = producer * 1_000_000 + step;
                    match log.append(key(number), text(number)).await {
                        Ok(_) => acknowledged.send(number).await.expect("the test listens"),
                        Err(error) => return (number, error),
                    }
                }
                unreachable!("a producer ends when the log does")
            })
        })
        .collect();
    drop(acknowledged);
    let mut kept: HashSet<Bytes> = HashSet::new();
    while kept.len() < 200 {
        kept.insert(text(progress.recv().await.expect("producers at work")));
    }
    let closing = tokio::spawn({
        let log = log.clone();
        async move { log.close().await }
    });
    while let Some(number) = progress.recv().await {
        kept.insert(text(number));
    }
    assert_eq!(closing.await.expect("closed").left, 0);
    let mut refused = HashSet::new();
    for producer in producers {
        let (number, error) = producer.await.expect("a producer");
        assert!(matches!(error, AppendError::NotPersisted(_)), "{error}");
        refused.insert(text(number));
    }
    assert!(matches!(log.append(key(1), text(1)).await, Err(AppendError::NotPersisted(_))));
    assert_eq!(log.close().await.left, 0, "closing again changes nothing");

    let log = open(place.path(), 4, LogOptions::default());
    let stored: HashSet<Bytes> = read_all(&log, "group").await.into_iter().map(|record| record.payload).collect();
    assert!(stored.is_disjoint(&refused));
    assert!(stored == kept, "{} stored, {} acknowledged", stored.len(), kept.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_of_a_closed_log_is_told() {
    let place = tempfile::tempdir().expect("a folder");
    let log = open(place.path(), 1, LogOptions::default());
    let mut member = Member::join(&log, "group").await;
    member.read(0, |_| false).await;
    let waiting = tokio::spawn(async move {
        loop {
            if let Err(error) = member.log.poll(1, crate::log_support::DEADLINE).await {
                return error;
            }
        }
    });
    log.close().await;
    assert!(matches!(waiting.await, Ok(LogError::Unavailable(_))));
    assert!(matches!(log.consumer("group").await, Err(LogError::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_file_refuses_and_takes_records_again_when_there_is_room() {
    let place = tempfile::tempdir().expect("a folder");
    let options = LogOptions {
        max_file_bytes: Some(400_000),
        retention: Retention { max_age_ms: u64::MAX, max_bytes: 0 },
        housekeeping_interval: std::time::Duration::from_millis(5),
        ..LogOptions::default()
    };
    let log = open(place.path(), 1, options);
    let payload = Bytes::from(vec![5; 4_000]);
    let mut taken = 0;
    let error = loop {
        match log.append(key(1), payload.clone()).await {
            Ok(position) => assert_eq!(position.offset, taken, "no gaps"),
            Err(error) => break error,
        }
        taken += 1;
        assert!(taken < 1_000, "the file has a cap");
    };
    assert!(matches!(&error, AppendError::NotPersisted(cause) if cause.contains("full")), "{error}");
    assert!(taken > 10, "the cap leaves room for more than {taken}");

    // What was acknowledged is there; applying it lets retention make room, and offsets continue without a gap.
    let mut member = Member::join(&log, "group").await;
    member.read(taken as usize, |_| true).await;
    let position = {
        let mut appended = None;
        let deadline = std::time::Instant::now() + crate::log_support::DEADLINE;
        while appended.is_none() {
            assert!(std::time::Instant::now() < deadline, "no room again");
            appended = log.append(key(1), payload.clone()).await.ok();
        }
        appended.expect("appended")
    };
    assert_eq!(position.offset, taken);
}

/// 800 records of 50 kB, from eight producers.
async fn load(log: &EmbeddedLog) {
    let producers: Vec<_> = (0..8u64)
        .map(|producer| {
            let log = log.clone();
            tokio::spawn(async move {
                for step in 0..100 {
                    log.append(key(producer * 1_000 + step), Bytes::from(vec![1; 50_000])).await.expect("appended");
                }
            })
        })
        .collect();
    for producer in producers {
        producer.await.expect("a producer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_write_ahead_log_stays_bounded_under_load() {
    const MIB: u64 = 1024 * 1024;
    const MOST_ROUNDS: usize = 20;
    let place = tempfile::tempdir().expect("a folder");
    let options = LogOptions { wal_checkpoint_bytes: MIB / 4, wal_restart_bytes: MIB, ..LogOptions::default() };
    let log = open(place.path(), 4, options);
    let wal_bytes = || place.path().join("log.db-wal").metadata().map_or(0, |file| file.len());
    // The file only grows where it does not begin anew in time, as while what folds it back has no turn.
    let mut rounds = 0;
    loop {
        let before = wal_bytes();
        load(&log).await;
        rounds += 1;
        let grown = wal_bytes().saturating_sub(before);
        if grown < 20 * MIB {
            break;
        }
        assert!(rounds < MOST_ROUNDS, "it grew by {grown} bytes with the last 40 MB in records, too");
    }
    let mut member = Member::join(&log, "group").await;
    member.read(rounds * 800, |_| true).await;
    wait_until("the file holds the records", || {
        place.path().join("log.db").metadata().is_ok_and(|file| file.len() > 20 * MIB)
    })
    .await;
}
