//! Retention: applied records go, unapplied ones never do, and the file does not grow without bound.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, OpenFlags};
use tidegate_inproc::clock::TestClock;
use tidegate_kernel::Timestamp;
use tidegate_ports::{Append, Retention};
use tidegate_sqlite::LogOptions;

use crate::log_support::{Member, append, key, open_at, wait_until};

fn options(max_age_ms: u64, max_bytes: u64) -> LogOptions {
    LogOptions {
        retention: Retention { max_age_ms, max_bytes },
        housekeeping_interval: Duration::from_millis(5),
        ..LogOptions::default()
    }
}

/// Asks the file itself.
fn count(place: &Path, question: &str) -> i64 {
    let file = Connection::open_with_flags(place.join("log.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the file");
    file.query_row(question, [], |row| row.get(0)).expect("an answer")
}

const RECORDS: &str = "SELECT count(*) FROM records";

#[tokio::test(flavor = "multi_thread")]
async fn applied_records_beyond_the_age_go_and_offsets_go_on() {
    let place = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(TestClock::at(Timestamp::from_millis(1_000_000)));
    let log = open_at(place.path(), 1, options(10_000, u64::MAX), clock.clone());
    append(&log, 0..600).await;
    let mut member = Member::join(&log, "group").await;
    member.read(600, |record| record.position.offset < 400).await;
    clock.advance_ms(20_000);
    wait_until("only what is not applied is left", || count(place.path(), RECORDS) == 200).await;
    assert_eq!(count(place.path(), "SELECT min(id) FROM records"), 400);
    drop(member);

    let mut member = Member::join(&log, "group").await;
    member.read(200, |_| true).await;
    assert_eq!(member.read[0].position.offset, 400);
    wait_until("all is applied and gone", || count(place.path(), RECORDS) == 0).await;
    drop(member);
    log.close().await;
    drop(log);

    let log = open_at(place.path(), 1, options(10_000, u64::MAX), clock);
    let position = log.append(key(1), Bytes::from_static(b"next")).await.expect("appended");
    assert_eq!(position.offset, 600, "offsets are never used twice");
    let mut late = Member::join(&log, "late").await;
    late.read(1, |_| false).await;
    assert_eq!(late.read[0].position, position, "a new group begins with what is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_not_applied_stays_while_others_go() {
    let place = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(TestClock::at(Timestamp::from_millis(1_000_000)));
    let log = open_at(place.path(), 2, options(10_000, u64::MAX), clock.clone());
    append(&log, 0..200).await;
    let mut member = Member::join(&log, "group").await;
    member.read(200, |record| record.position.partition == 1).await;
    let kept = member.read.iter().filter(|record| record.position.partition == 0).count();
    assert!(kept > 0 && kept < 200, "200 keys do not all share a partition");
    clock.advance_ms(20_000);
    // Both partitions are looked at together, oldest record first, and partition 0 has that: it had its chance.
    let in_one = "SELECT count(*) FROM records WHERE id >= 281474976710656";
    wait_until("partition 1 is gone", || count(place.path(), in_one) == 0).await;
    assert_eq!(count(place.path(), RECORDS), kept as i64);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slowest_group_decides() {
    let place = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(TestClock::at(Timestamp::from_millis(1_000_000)));
    let log = open_at(place.path(), 1, options(10_000, u64::MAX), clock.clone());
    append(&log, 0..100).await;
    let mut slow = Member::join(&log, "slow").await;
    slow.read(100, |record| record.position.offset < 30).await;
    let mut fast = Member::join(&log, "fast").await;
    fast.read(100, |_| true).await;
    clock.advance_ms(20_000);
    wait_until("what both applied is gone", || count(place.path(), RECORDS) == 70).await;
    assert_eq!(count(place.path(), "SELECT min(id) FROM records"), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_keeps_its_size_under_steady_load() {
    const MIB: i64 = 1024 * 1024;
    let place = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(TestClock::at(Timestamp::from_millis(0)));
    let log = open_at(place.path(), 2, options(u64::MAX, MIB as u64), clock);
    let mut member = Member::join(&log, "group").await;
    let used = "SELECT (page_count - freelist_count) * page_size
        FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
    for round in 0..20u64 {
        for step in 0..50 {
            log.append(key(round * 1_000 + step), Bytes::from(vec![1; 10_000])).await.expect("appended");
        }
        member.read((round as usize + 1) * 50, |_| true).await;
        wait_until("the excess is gone", || count(place.path(), used) <= MIB).await;
    }
    let file = count(place.path(), "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
    assert!(file < 3 * MIB, "{file} bytes after 10 MB in records: freed pages are used again");
}
