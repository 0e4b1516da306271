//! What a reading of the lag says when a group is new, overtaken, or out of reach.

use bytes::Bytes;
use rdkafka::admin::{AdminOptions, NewPartitions};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use tidegate_kafka::{KafkaLag, KafkaOptions, KafkaReadLog};
use tidegate_ports::{Account, Append, LogError, ReadLag, ReadLog};

use crate::member::Member;
use crate::support::{Fresh, admin, clock, key, plain, read_all, wait_until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_never_committed_lags_from_the_beginning() {
    let fresh = Fresh::topics(3).await;
    let lag = KafkaLag::watch(&fresh.options, "nobody-yet", clock()).expect("a reader");
    let empty = lag.read().await.expect("a reading");
    assert_eq!((empty.records, empty.oldest_appended_at), (0, None));
    let log = fresh.log();
    for number in 0..30 {
        log.append(key(number), Bytes::from_static(b"x")).await.expect("appended");
    }
    let first =
        read_all(fresh.records(), 3, 30).iter().filter_map(|one| rdkafka::Message::timestamp(one).to_millis()).min();
    // Twice: the second reading knows the oldest records already.
    for _ in 0..2 {
        let reading = lag.read().await.expect("a reading");
        assert_eq!(reading.records, 30);
        assert_eq!(reading.oldest_appended_at.map(|oldest| oldest.as_millis()), first);
        assert!(reading.read_at >= reading.oldest_appended_at.expect("records wait"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_retention_took_is_not_waited_for() {
    let fresh = Fresh::topics(1).await;
    let log = fresh.log();
    for number in 0..10 {
        log.append(key(number), Bytes::from_static(b"x")).await.expect("appended");
    }
    let mut below = TopicPartitionList::new();
    below.add_partition_offset(fresh.records(), 0, Offset::Offset(6)).expect("an offset");
    admin().delete_records(&below, &AdminOptions::new()).await.expect("deleted");
    let group = format!("{}.group", fresh.records());
    let reading = KafkaLag::watch(&fresh.options, &group, clock()).expect("a reader").read().await.expect("a reading");
    assert_eq!(reading.records, 4);
    assert!(reading.oldest_appended_at.is_some());
    let kept = KafkaReadLog::open(&fresh.options).expect("a reader").read_range(0, 0, 10, 1 << 20).await.expect("read");
    assert_eq!(kept.iter().map(|one| one.position.offset).collect::<Vec<_>>(), [6, 7, 8, 9]);
    let mut member = Member::join(&fresh.options, &group);
    member.poll_until("what is left", |member| member.read.len() == 4).await;
    assert_eq!(member.read[0].1, 6, "a new group begins with the first record kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brokers_out_of_reach_make_the_lag_unknown() {
    let fresh = Fresh::named(1);
    let options = KafkaOptions { brokers: "127.0.0.1:1".to_owned(), ..fresh.options.clone() };
    let lag = KafkaLag::watch(&options, "group", clock()).expect("no broker is needed to begin");
    assert!(matches!(lag.read().await, Err(LogError::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_topic_makes_the_lag_unknown() {
    let fresh = Fresh::named(1);
    let lag = KafkaLag::watch(&fresh.options, "group", clock()).expect("a reader");
    let unknown = lag.read().await;
    assert!(matches!(&unknown, Err(LogError::Unavailable(why)) if why.contains("topics create")), "{unknown:?}");
}

/// What was deleted before it was applied is lost, and must show.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offset_that_retention_overtook_is_reported_as_committed() {
    let fresh = Fresh::topics(1).await;
    let log = fresh.log();
    for number in 0..10 {
        log.append(key(number), Bytes::from_static(b"x")).await.expect("appended");
    }
    let group = format!("{}.group", fresh.records());
    let at = |offset| {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(fresh.records(), 0, Offset::Offset(offset)).expect("an offset");
        list
    };
    let client: BaseConsumer = plain().set("group.id", &group).create().expect("a client");
    client.commit(&at(2), CommitMode::Sync).expect("committed");
    let lag = KafkaLag::watch(&fresh.options, &group, clock()).expect("a reader");
    for (first, records) in [(0, 8), (6, 4)] {
        admin().delete_records(&at(first), &AdminOptions::new()).await.expect("deleted");
        let one = lag.partitions(&[]).await.expect("a reading")[0];
        assert_eq!((one.generation, one.first, one.committed, one.end), (7, first, 2, 10));
        assert_eq!((one.records(), lag.read().await.expect("a reading").records), (records, records));
        assert!(one.oldest_appended_at.is_some());
    }
}

/// A deleted group has no committed offsets, but the records in the accounts are in the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_accounted_for_does_not_wait_whatever_is_committed() {
    let fresh = Fresh::topics(1).await;
    let log = fresh.log();
    for number in 0..10 {
        log.append(key(number), Bytes::from_static(b"x")).await.expect("appended");
    }
    let stamps: Vec<_> =
        read_all(fresh.records(), 1, 10).iter().map(|one| rdkafka::Message::timestamp(one).to_millis()).collect();
    let lag = KafkaLag::watch(&fresh.options, "nobody", clock()).expect("a reader");
    let mut account = Account::opened(7, 0, 0);
    for (next, records) in [(0, 10), (6, 4), (10, 0)] {
        account.next_offset = next;
        let one = lag.partitions(&[account, Account::opened(6, 0, 9)]).await.expect("a reading")[0];
        assert_eq!((one.committed, one.accounted, one.next(), one.records()), (0, next, next, records));
        let oldest = one.oldest_appended_at.map(|at| at.as_millis());
        assert_eq!(oldest, stamps.get(next as usize).copied().flatten());
        let newest = (records > 0).then(|| stamps[9]).flatten();
        assert_eq!(one.log_time.map(|at| at.as_millis()), newest, "the log's own clock");
        assert!(!one.went_back());
    }
    account.next_offset = 11;
    assert!(lag.partitions(&[account]).await.expect("a reading")[0].went_back());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_that_were_added_are_reported() {
    let fresh = Fresh::topics(3).await;
    let lag = KafkaLag::watch(&fresh.options, "nobody", clock()).expect("a reader");
    assert_eq!(lag.mismatch().await, Ok(None));
    let added = admin().create_partitions(&[NewPartitions::new(fresh.records(), 4)], &AdminOptions::new()).await;
    added.expect("a broker answers").into_iter().for_each(|one| drop(one.expect("added")));
    wait_until("the reader knows", async || match lag.mismatch().await {
        Ok(Some(how)) => how.ends_with("has 4 partitions, configured are 3"),
        _ => false,
    })
    .await;
    assert_eq!(lag.partitions(&[]).await.expect("a reading").len(), 3, "records go where they went");
}
