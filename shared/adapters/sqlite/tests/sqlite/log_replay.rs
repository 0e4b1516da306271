//! Reading the log at any place, appending its records again, and what another process than its owner sees.

use std::sync::Arc;

use tidegate_conformance::replay::{ReplayUnderTest, suite};
use tidegate_kernel::{Position, Region, Timestamp};
use tidegate_ports::{Again, AppendAgain, AppendError, LogError, Origin, PartitionLag, ReadLag, ReadLog, SystemClock};
use tidegate_sqlite::{DataFolder, EmbeddedReadLog, LogOptions};

use crate::log_support::{append, key, open, text};

const PARTITIONS: u32 = 3;

fn folder(place: &tempfile::TempDir) -> DataFolder {
    DataFolder::open_or_create(place.path(), Region::Eu, PARTITIONS, Timestamp::from_millis(0)).expect("a folder")
}

async fn replay_suite(options: LogOptions) {
    let place = tempfile::tempdir().expect("a folder");
    let log = open(place.path(), PARTITIONS, options);
    let reader = EmbeddedReadLog::open(&folder(&place)).expect("a reader");
    let consumer = Box::new(log.consumer("replays").await.expect("a member"));
    suite(ReplayUnderTest { append: &log, again: &log, reader: &reader, consumer }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_replay_suite_holds() {
    replay_suite(LogOptions::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_replay_suite_holds_where_consumers_read_the_file() {
    replay_suite(LogOptions { tail_bytes: 0, ..LogOptions::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_without_a_home_is_refused_and_one_without_a_key_goes_back_to_its_partition() {
    let place = tempfile::tempdir().expect("a folder");
    let log = open(place.path(), PARTITIONS, LogOptions::default());
    let from = |partition| Again {
        key: None,
        payload: text(1),
        origin: Origin { position: Position { generation: 1, partition, offset: 4 }, attempt: 2 },
    };
    let home = log.append_again(from(PARTITIONS - 1)).await.expect("appended");
    assert_eq!((home.partition, home.offset), (PARTITIONS - 1, 0));
    let refused = log.append_again(from(PARTITIONS)).await;
    assert!(matches!(&refused, Err(AppendError::NotPersisted(why)) if why.contains("1/3/4")), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_read_beside_its_owner() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = folder(&place);
    let beside = EmbeddedReadLog::open(&folder).expect("a reader");
    let lag = beside.lag("group", Arc::new(SystemClock));
    // No service was ever started on it.
    let spans = beside.spans().await.expect("spans");
    assert!(spans.len() == PARTITIONS as usize && spans.iter().all(|span| (span.first, span.end) == (0, 0)));
    assert_eq!(lag.read().await.expect("a reading").records, 0);
    assert_eq!(beside.offset_at(0, Timestamp::from_millis(0)).await, Ok(0));
    assert!(beside.read_range(0, 0, i64::MAX, 100).await.expect("nothing").is_empty());

    let log = open(place.path(), PARTITIONS, LogOptions::default());
    append(&log, 0..30).await;
    let mut member = crate::log_support::Member::join(&log, "group").await;
    member.read(30, |record| record.position.offset < 4).await;
    let owners = log.lag("group").expect("a reader");
    let but_for_the_time = async |lag: &dyn ReadLag| {
        let lags = lag.partitions(&[]).await.expect("a reading");
        lags.into_iter().map(|lag| PartitionLag { log_time: None, ..lag }).collect::<Vec<_>>()
    };
    assert_eq!(but_for_the_time(&lag).await, but_for_the_time(&owners).await, "both see the same");
    let reading = lag.read().await.expect("a reading");
    assert_eq!(reading.records, owners.read().await.expect("a reading").records);
    assert!(reading.records > 0 && reading.oldest_appended_at.is_some());
    let unknown = beside.lag("nobody", Arc::new(SystemClock)).read().await.expect("a reading");
    assert_eq!(unknown.records, 30, "a group that is not known begins with the first record");

    let mut seen = Vec::new();
    for span in beside.spans().await.expect("spans") {
        seen.extend(beside.read_range(span.partition, span.first, span.end, 1 << 20).await.expect("records"));
    }
    assert_eq!(seen.len(), 30);
    let again =
        Again { key: Some(key(0)), payload: text(0), origin: Origin { position: seen[0].position, attempt: 2 } };
    let position = log.append_again(again.clone()).await.expect("appended again");
    let read = beside.read_range(position.partition, position.offset, i64::MAX, 1 << 20).await.expect("records");
    let provenance = read[0].provenance.as_ref().expect("its origin");
    assert_eq!((provenance.origin, provenance.attempt()), (Some(again.origin), 2));
    let nowhere = beside.read_range(PARTITIONS, 0, 1, 1).await;
    assert!(matches!(&nowhere, Err(LogError::Broken(why)) if why.contains("0 to 2")), "{nowhere:?}");

    // It continues when the owner is gone, and does not prevent another owner.
    assert_eq!(log.close().await.left, 0);
    drop((log, member, owners));
    assert_eq!(lag.partitions(&[]).await.expect("a reading").len(), PARTITIONS as usize);
    assert!(folder.own().is_ok());
}

/// A clock that went back must not hide a record from a replay.
#[tokio::test(flavor = "multi_thread")]
async fn a_time_names_the_first_record_appended_since_whatever_the_clock_did() {
    let place = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(tidegate_inproc::clock::TestClock::at(Timestamp::from_millis(1_000)));
    let log = crate::log_support::open_at(place.path(), 1, LogOptions::default(), clock.clone());
    let folder = DataFolder::open_existing(place.path(), None).expect("it is there");
    let reader = EmbeddedReadLog::open(&folder).expect("a reader");
    for (number, at) in (0..).zip([1_000, 5_000, 2_000, 3_000]) {
        clock.set(Timestamp::from_millis(at));
        append(&log, number..number + 1).await;
    }
    for (at, offset) in [(0, 0), (1_000, 0), (1_001, 1), (2_500, 1), (5_000, 1), (5_001, 4)] {
        assert_eq!(reader.offset_at(0, Timestamp::from_millis(at)).await, Ok(offset), "since {at}");
    }
}
