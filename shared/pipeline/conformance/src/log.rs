//! The suite of the log ports: [`Append`], [`Consume`] and [`ReadLag`] together.
//!
//! Each case gets a factory of empty logs. Records are read through a [`Ledger`], as in the persister.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_kernel::{Ledger, LogKey, PartitionEpoch, Position, Timestamp};
use tidegate_ports::{Append, AppendError, Consume, Consumed, Lag, Polled, ReadLag};

mod member;

use member::Member;

/// Makes empty logs.
#[async_trait]
pub trait MakeLog: Send + Sync {
    async fn fresh(&self, partitions: u32) -> Box<dyn LogUnderTest>;
}

/// One empty log.
#[async_trait]
pub trait LogUnderTest: Send + Sync {
    fn appender(&self) -> &dyn Append;
    async fn consumer(&self, group: &str) -> Box<dyn Consume>;
    async fn lag(&self, group: &str) -> Box<dyn ReadLag>;
    /// Bytes of the largest record it accepts; at most a few megabytes, or the cases take long.
    fn max_record_bytes(&self) -> usize;
}

/// No case takes longer on a working log, even on a slow machine.
const DEADLINE: Duration = Duration::from_secs(60);
const BUDGET: usize = 1024 * 1024;

/// Runs every case.
pub async fn suite(make: &dyn MakeLog) {
    offsets_are_contiguous_and_a_key_stays_in_its_partition(make).await;
    an_acknowledged_record_is_readable(make).await;
    payloads_come_back_as_they_went_in(make).await;
    a_record_above_the_cap_is_refused(make).await;
    a_group_goes_on_where_it_committed(make).await;
    what_is_not_committed_comes_again(make).await;
    groups_are_independent(make).await;
    a_commit_never_goes_back(make).await;
    a_commit_under_a_former_assignment_changes_nothing(make).await;
    a_paused_partition_brings_nothing(make).await;
    a_poll_keeps_to_its_budget(make).await;
    no_partition_starves(make).await;
    an_idle_poll_ends(make).await;
    a_waiting_poll_hears_of_a_new_record(make).await;
    lag_counts_what_is_not_committed(make).await;
    two_members_share_the_partitions(make).await;
    a_member_that_leaves_hands_over(make).await;
}

fn key(number: u128) -> LogKey {
    LogKey::new(&number.to_be_bytes(), &["thing ", &number.to_string()])
}

/// Appends `count` records, named by their number, to keys of their own.
async fn append(log: &dyn LogUnderTest, count: u128) -> Vec<Position> {
    let mut positions = Vec::new();
    for number in 0..count {
        let payload = Bytes::from(format!("record {number}"));
        positions.push(log.appender().append(key(number), payload).await.expect("appended"));
    }
    positions
}

/// Waits until the measured lag has the expected value, since a measurement may be out of date by a moment.
async fn lag_of(reader: &dyn ReadLag, records: u64) -> Lag {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let lag = reader.read().await.expect("a reading");
        if lag.records == records {
            return lag;
        }
        assert!(Instant::now() < deadline, "the lag stays {}, not {records}", lag.records);
        tokio::task::yield_now().await;
    }
}

pub async fn offsets_are_contiguous_and_a_key_stays_in_its_partition(make: &dyn MakeLog) {
    let log = make.fresh(4).await;
    let mut next = HashMap::new();
    let mut homes = HashMap::new();
    for number in 0..200u128 {
        let key = key(number % 25);
        let position = log.appender().append(key, Bytes::from(number.to_string())).await.expect("appended");
        let expected = next.entry(position.partition).or_insert(0);
        assert_eq!(position.offset, *expected, "offsets begin at 0 and have no gaps");
        *expected += 1;
        assert_eq!(*homes.entry(key).or_insert(position.partition), position.partition);
    }
    assert!(next.keys().all(|partition| *partition < 4));
    assert!(next.len() > 1, "25 keys do not all share a partition");
    let mut member = Member::join(&*log, "readers").await;
    member.read(200).await;
    let mut last = HashMap::new();
    for position in member.positions() {
        assert_eq!(position.offset, *last.entry(position.partition).or_insert(0), "offset order");
        last.insert(position.partition, position.offset + 1);
    }
}

pub async fn an_acknowledged_record_is_readable(make: &dyn MakeLog) {
    let log = make.fresh(2).await;
    let appended = append(&*log, 20).await;
    let mut member = Member::join(&*log, "late").await;
    member.read(20).await;
    let read: HashSet<Position> = member.positions().into_iter().collect();
    assert_eq!(read, appended.into_iter().collect());
}

pub async fn payloads_come_back_as_they_went_in(make: &dyn MakeLog) {
    let log = make.fresh(1).await;
    let all_bytes: Vec<u8> = (0..=255).collect();
    let largest = vec![7; log.max_record_bytes()];
    let payloads = [Bytes::new(), Bytes::from(all_bytes), Bytes::from(largest), Bytes::from_static(b"{}")];
    for payload in &payloads {
        log.appender().append(key(1), payload.clone()).await.expect("appended");
    }
    let mut member = Member::join(&*log, "readers").await;
    member.read(payloads.len()).await;
    assert!(member.payloads() == payloads, "an empty record, every byte, the largest record");
    let times: Vec<Timestamp> = member.records.iter().map(|(_, record)| record.appended_at).collect();
    assert!(times.is_sorted(), "{times:?}");
}

pub async fn a_record_above_the_cap_is_refused(make: &dyn MakeLog) {
    let log = make.fresh(1).await;
    let cap = log.max_record_bytes();
    let refused = log.appender().append(key(1), Bytes::from(vec![0; cap + 1])).await;
    assert_eq!(refused, Err(AppendError::TooLarge { bytes: cap + 1, cap }));
    let sentinel = log.appender().append(key(1), Bytes::from_static(b"after")).await.expect("appended");
    assert_eq!(sentinel.offset, 0, "what was refused took no offset");
}

pub async fn a_group_goes_on_where_it_committed(make: &dyn MakeLog) {
    let log = make.fresh(1).await;
    append(&*log, 10).await;
    let mut first = Member::join(&*log, "group").await;
    first.read(10).await;
    first.done(6);
    first.commit().await;
    drop(first);
    let mut second = Member::join(&*log, "group").await;
    second.read(4).await;
    assert_eq!(second.positions().iter().map(|position| position.offset).collect::<Vec<_>>(), [6, 7, 8, 9]);
}

pub async fn what_is_not_committed_comes_again(make: &dyn MakeLog) {
    let log = make.fresh(2).await;
    append(&*log, 10).await;
    let mut first = Member::join(&*log, "group").await;
    first.read(10).await;
    first.done(10);
    drop(first);
    let mut second = Member::join(&*log, "group").await;
    second.read(10).await;
}

pub async fn groups_are_independent(make: &dyn MakeLog) {
    let log = make.fresh(2).await;
    append(&*log, 10).await;
    let mut one = Member::join(&*log, "one").await;
    one.read(10).await;
    one.done(10);
    one.commit().await;
    let mut other = Member::join(&*log, "other").await;
    other.read(10).await;
    assert_eq!(lag_of(&*log.lag("one").await, 0).await.records, 0);
    assert_eq!(lag_of(&*log.lag("other").await, 10).await.records, 10);
}

pub async fn a_commit_never_goes_back(make: &dyn MakeLog) {
    let log = make.fresh(1).await;
    append(&*log, 10).await;
    let mut member = Member::join(&*log, "group").await;
    member.read(10).await;
    member.done(4);
    let early = member.ledger.take_committable();
    member.done(8);
    member.commit().await;
    for committable in early {
        member.log.commit(committable).await.expect("changes nothing");
    }
    drop(member);
    let mut next = Member::join(&*log, "group").await;
    next.read(2).await;
}

pub async fn a_commit_under_a_former_assignment_changes_nothing(make: &dyn MakeLog) {
    let log = make.fresh(1).await;
    append(&*log, 10).await;
    let mut former = Member::join(&*log, "group").await;
    former.read(10).await;
    drop(former);
    let mut member = Member::join(&*log, "group").await;
    member.read(10).await;
    let current = member.assigned[&0];
    let mut stale = Ledger::default();
    let former = PartitionEpoch { epoch: current.epoch - 1, ..current };
    let later = PartitionEpoch { epoch: current.epoch + 1, ..current };
    for epoch in [former, later] {
        stale.assign(epoch);
        stale.read(epoch, 9);
        stale.done(epoch, 9);
        for committable in stale.take_committable() {
            member.log.commit(committable).await.expect("changes nothing");
        }
    }
    member.done(3);
    member.commit().await;
    drop(member);
    let mut next = Member::join(&*log, "group").await;
    next.read(7).await;
}

pub async fn a_paused_partition_brings_nothing(make: &dyn MakeLog) {
    let log = make.fresh(2).await;
    let mut member = Member::join(&*log, "group").await;
    member.poll_until("both partitions", |member| member.assigned.len() == 2).await;
    let paused = member.assigned[&0];
    member.log.pause(paused, true);
    let appended = append(&*log, 40).await;
    let in_paused = appended.iter().filter(|position| position.partition == 0).count();
    assert!(in_paused > 0 && in_paused < 40, "40 keys do not all share a partition");
    // All records of the other partition arrived, so the paused one had every chance to be read.
    member.read(40 - in_paused).await;
    for _ in 0..3 {
        assert!(matches!(member.poll(BUDGET).await, Polled::Idle));
    }
    member.log.pause(paused, false);
    member.read(40).await;
}

pub async fn a_poll_keeps_to_its_budget(make: &dyn MakeLog) {
    let log = make.fresh(1).await;
    for _ in 0..20 {
        log.appender().append(key(1), Bytes::from(vec![1; 100])).await.expect("appended");
    }
    let mut member = Member::join(&*log, "group").await;
    for (budget, most) in [(0, 1), (99, 1), (100, 1), (250, 2), (1_000, 10)] {
        let before = member.records.len();
        let deadline = Instant::now() + DEADLINE;
        while member.records.len() == before {
            assert!(Instant::now() < deadline, "no records within a budget of {budget}");
            member.poll(budget).await;
        }
        let got = member.records.len() - before;
        assert!((1..=most).contains(&got), "{got} records of 100 bytes within a budget of {budget}");
    }
    member.read(20).await;
}

pub async fn no_partition_starves(make: &dyn MakeLog) {
    const TURNS: usize = 20;
    let log = make.fresh(2).await;
    let mut member = Member::join(&*log, "group").await;
    member.poll_until("both partitions", |member| member.assigned.len() == 2).await;
    let deadline = Instant::now() + DEADLINE;
    let mut left = HashMap::from([(0, 0), (1, 0)]);
    let mut turns = Vec::new();
    // A partition gets no turns until its first fetch, which may come when the other one has no record left. From then
    // on it gets its share.
    let mut both_since = None;
    while both_since.is_none_or(|since| turns.len() < since + TURNS) {
        assert!(Instant::now() < deadline, "only these turns: {turns:?}");
        if left.values().any(|left| *left == 0) {
            append(&*log, 200).await.iter().for_each(|position| *left.entry(position.partition).or_default() += 1);
            assert!(left.values().all(|left| *left > 0), "200 keys do not all share a partition");
            turns.clear();
            both_since = None;
        }
        if let Polled::Records(from, records) = member.poll(0).await {
            turns.push(from.partition);
            left.entry(from.partition).and_modify(|left| *left -= records.len());
        }
        let had_both = left.keys().all(|partition| turns.contains(partition));
        both_since = both_since.or(had_both.then_some(turns.len()));
    }
    for partition in left.keys() {
        let its = turns.iter().rev().take(TURNS).filter(|turn| *turn == partition).count();
        assert!(its >= 5, "partition {partition} had {its} of the last {TURNS} turns: {turns:?}");
    }
}

pub async fn an_idle_poll_ends(make: &dyn MakeLog) {
    let log = make.fresh(1).await;
    let mut member = Member::join(&*log, "group").await;
    member.poll_until("the partition", |member| member.assigned.len() == 1).await;
    assert!(matches!(member.poll(BUDGET).await, Polled::Idle));
    assert!(matches!(member.log.poll(BUDGET, Duration::ZERO).await, Ok(Polled::Idle)));
}

pub async fn a_waiting_poll_hears_of_a_new_record(make: &dyn MakeLog) {
    let log = make.fresh(1).await;
    let mut member = Member::join(&*log, "group").await;
    member.poll_until("the partition", |member| member.assigned.len() == 1).await;
    let waits = member.log.poll(BUDGET, DEADLINE);
    let (polled, appended) = tokio::join!(waits, append(&*log, 1));
    let Ok(Polled::Records(_, records)) = polled else { panic!("the record, not {polled:?}") };
    assert_eq!(records[0].position, appended[0]);
}

pub async fn lag_counts_what_is_not_committed(make: &dyn MakeLog) {
    let log = make.fresh(2).await;
    let lag = log.lag("group").await;
    let mut member = Member::join(&*log, "group").await;
    assert_eq!(lag_of(&*lag, 0).await.oldest_appended_at, None);
    append(&*log, 10).await;
    lag_of(&*lag, 10).await;
    member.read(10).await;
    // Read is not applied.
    let behind = lag_of(&*lag, 10).await;
    let oldest = |records: &[(PartitionEpoch, Consumed)]| records.iter().map(|(_, record)| record.appended_at).min();
    assert_eq!(behind.oldest_appended_at, oldest(&member.records));
    assert!(Some(behind.read_at) >= behind.oldest_appended_at);
    member.done(7);
    member.commit().await;
    // Records are done in the order read, so all that is left of a partition is its end.
    let behind = lag_of(&*lag, 3).await;
    assert_eq!(behind.oldest_appended_at, oldest(&member.records[7..]));
    member.done(10);
    member.commit().await;
    assert_eq!(lag_of(&*lag, 0).await.oldest_appended_at, None);
}

pub async fn two_members_share_the_partitions(make: &dyn MakeLog) {
    let log = make.fresh(4).await;
    append(&*log, 40).await;
    let mut first = Member::join(&*log, "group").await;
    first.poll_until("all partitions", |member| member.assigned.len() == 4).await;
    first.read(40).await;
    let held_before = first.assigned.clone();
    let mut second = Member::join(&*log, "group").await;
    let deadline = Instant::now() + DEADLINE;
    while first.assigned.len() != 2 || second.assigned.len() != 2 {
        assert!(Instant::now() < deadline, "not shared: {:?} and {:?}", first.assigned, second.assigned);
        first.poll(BUDGET).await;
        second.poll(BUDGET).await;
    }
    let partitions: HashSet<u32> = first.assigned.keys().chain(second.assigned.keys()).copied().collect();
    assert_eq!(partitions.len(), 4, "each partition has one owner");
    for (partition, taken) in &second.assigned {
        assert!(taken.epoch > held_before[partition].epoch, "a later assignment has a greater epoch");
    }
    // The first member's former assignment of a partition no longer counts.
    first.done(40);
    first.commit().await;
    let given_up = first.records.iter().filter(|(from, _)| first.assigned.get(&from.partition) != Some(from)).count();
    assert!(given_up > 0, "40 keys do not all share two partitions");
    second.read(given_up).await;
    lag_of(&*log.lag("group").await, given_up as u64).await;
    second.done(given_up);
    second.commit().await;
    lag_of(&*log.lag("group").await, 0).await;
}

pub async fn a_member_that_leaves_hands_over(make: &dyn MakeLog) {
    let log = make.fresh(4).await;
    let mut first = Member::join(&*log, "group").await;
    first.poll_until("all partitions", |member| member.assigned.len() == 4).await;
    let mut second = Member::join(&*log, "group").await;
    let deadline = Instant::now() + DEADLINE;
    while second.assigned.len() != 2 {
        assert!(Instant::now() < deadline, "not shared: {:?} and {:?}", first.assigned, second.assigned);
        first.poll(BUDGET).await;
        second.poll(BUDGET).await;
    }
    drop(first);
    second.poll_until("all partitions", |member| member.assigned.len() == 4).await;
    append(&*log, 20).await;
    second.read(20).await;
}
