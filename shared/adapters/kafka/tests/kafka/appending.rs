//! How a broker stores appended records.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use rdkafka::Timestamp;
use rdkafka::message::{Headers, Message};
use rdkafka::producer::{FutureProducer, FutureRecord};
use tidegate_inproc::clock::TestClock;
use tidegate_kafka::KafkaLog;
use tidegate_kernel::free_json::text_hash;
use tidegate_kernel::{Position, Timestamp as DomainTimestamp};
use tidegate_ports::{Append, AppendError, Clock, SystemClock};

use crate::support::{DEADLINE, Fresh, admin, clock, key, plain, read_all, run_key, wait_until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_disagree_about_empty_keys() {
    let fresh = Fresh::topics(8).await;
    // librdkafka's own partitioner, and the one that does as Java's.
    for (partitioner, is_a_key) in [("consistent_random", false), ("murmur2_random", true)] {
        let producer: FutureProducer = plain().set("partitioner", partitioner).create().expect("a producer");
        let mut partitions = HashSet::new();
        for _ in 0..40 {
            let record = FutureRecord::to(fresh.records()).key("").payload("x");
            partitions.insert(producer.send(record, DEADLINE).await.expect("delivered").partition);
        }
        assert_eq!(partitions.len() == 1, is_a_key, "{partitioner}: {partitions:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_client_finds_the_key_the_header_and_the_partition_as_documented() {
    let fresh = Fresh::topics(4).await;
    let log = fresh.log();
    for number in 0..20 {
        log.append(key(number), Bytes::from(number.to_string())).await.expect("appended");
    }
    let messages = read_all(fresh.records(), 4, 20);
    for message in messages {
        let number: u128 =
            std::str::from_utf8(message.payload().expect("bytes")).expect("text").parse().expect("a number");
        let key = run_key(number);
        let text = format!("{}/{}", key.team, key.run);
        assert_eq!(message.key(), Some(text.as_bytes()));
        assert!(text.starts_with("team_eu_") && text.contains("/run_eu_"), "{text}");
        let home = text_hash(&[&key.to_bytes()]) % 4;
        assert_eq!(u64::try_from(message.partition()), Ok(home));
        let headers = message.headers().expect("headers");
        assert_eq!(headers.count(), 1);
        assert_eq!((headers.get(0).key, headers.get(0).value), ("tidegate-format", Some("record/1".as_bytes())));
    }
}

struct LongAgo;

impl Clock for LongAgo {
    fn now(&self) -> DomainTimestamp {
        DomainTimestamp::from_millis(1_000)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stamps_records_with_its_own_clock() {
    let fresh = Fresh::topics(1).await;
    let log = KafkaLog::connect(fresh.options.clone(), std::sync::Arc::new(LongAgo)).expect("a log");
    let before = clock().now().as_millis();
    log.append(key(1), Bytes::from_static(b"x")).await.expect("appended");
    let message = read_all(fresh.records(), 1, 1).remove(0);
    // Broker and test share a machine, and so a clock.
    let Timestamp::LogAppendTime(stamp) = message.timestamp() else { panic!("{:?}", message.timestamp()) };
    assert!(stamp >= before, "{stamp} is not the sender's clock");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_a_key_keep_their_order() {
    let fresh = Fresh::topics(4).await;
    let log = fresh.log();
    // All at once: an append takes its place when it is called.
    let appends = (0..2_000u32).map(|number| log.append(key(u128::from(number % 3)), Bytes::from(number.to_string())));
    for appended in join_all(appends).await {
        appended.expect("appended");
    }
    let mut last: HashMap<Vec<u8>, u32> = HashMap::new();
    for message in read_all(fresh.records(), 4, 2_000) {
        let number: u32 =
            std::str::from_utf8(message.payload().expect("bytes")).expect("text").parse().expect("a number");
        let before = last.insert(message.key().expect("a key").to_vec(), number);
        assert!(before.is_none_or(|before| before < number), "{number} came after {before:?}");
    }
    assert_eq!(last.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_concurrent_appends_are_written_once_each() {
    let fresh = Fresh::topics(8).await;
    let log = fresh.log();
    let tasks = (0..5_000u32).map(|number| {
        let log = log.clone();
        tokio::spawn(async move { log.append(key(u128::from(number)), Bytes::from(number.to_string())).await })
    });
    let mut reported = HashMap::new();
    for (number, task) in (0u32..).zip(join_all(tasks).await) {
        reported.insert(number.to_string(), task.expect("no panic").expect("acknowledged"));
    }
    let mut read = HashMap::new();
    for message in read_all(fresh.records(), 8, 5_000) {
        let payload = String::from_utf8(message.payload().expect("bytes").to_vec()).expect("text");
        let partition = u32::try_from(message.partition()).expect("a partition");
        let position = Position { generation: 7, partition, offset: message.offset() };
        assert!(read.insert(payload, position).is_none(), "written twice");
    }
    assert_eq!(read, reported, "every record stands where its append said");
    assert_eq!(log.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appending_to_a_missing_topic_persists_nothing() {
    let mut fresh = Fresh::named(2);
    // Half of it is for the topic to become known, and the broker must say in that time that it is not.
    fresh.options.append.message_timeout = std::time::Duration::from_secs(20);
    fresh.options.append.request_timeout = std::time::Duration::from_secs(10);
    let log = fresh.log();
    let refused = log.append(key(1), Bytes::from_static(b"x")).await;
    let Err(AppendError::NotPersisted(cause)) = refused else { panic!("{refused:?}") };
    assert!(cause.contains("tidegate topics"), "{cause}");
    let metadata = admin().inner().fetch_metadata(Some(fresh.records()), DEADLINE).expect("metadata");
    assert!(metadata.topics()[0].error().is_some(), "and the topic was not made on the way");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_is_not_there_persists_nothing() {
    let mut fresh = Fresh::topics(1).await;
    // A front door that counts on more partitions than there are: the start-up check names it, appends refuse.
    fresh.options.partitions = 1_000;
    fresh.options.append.message_timeout = std::time::Duration::from_secs(4);
    fresh.options.append.request_timeout = std::time::Duration::from_secs(1);
    let log = fresh.log();
    let refused = log.append(key(1), Bytes::from_static(b"x")).await;
    assert!(matches!(refused, Err(AppendError::NotPersisted(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_above_the_brokers_limit_is_not_written() {
    let fresh = Fresh::topics(1).await;
    let mut options = fresh.options.clone();
    options.append.max_record_bytes *= 4;
    let log = KafkaLog::connect(options, clock()).expect("a log");
    let large = Bytes::from(vec![b'x'; 3 * fresh.options.append.max_record_bytes]);
    let refused = log.append(key(1), large).await;
    let Err(AppendError::NotPersisted(cause)) = refused else { panic!("{refused:?}") };
    assert!(cause.contains("max.message.bytes"), "{cause}");
    let sentinel = log.append(key(1), Bytes::from_static(b"after")).await.expect("appended");
    assert_eq!(sentinel.offset, 0, "what was refused took no offset");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_small_records_never_exceeds_the_topics_limit() {
    let fresh = Fresh::topics(1).await;
    let log = fresh.log();
    // Four times the topic's limit at once, in records a tenth of it.
    let payload = Bytes::from(vec![b'x'; fresh.options.append.max_record_bytes / 10]);
    let appends = (0..40).map(|_| log.append(key(1), payload.clone()));
    for appended in join_all(appends).await {
        appended.expect("no batch is refused for its size");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_waits_for_what_is_under_way() {
    let fresh = Fresh::topics(2).await;
    let log = fresh.log();
    let tasks: Vec<_> = (0..500u32)
        .map(|number| {
            let log = log.clone();
            tokio::spawn(async move { log.append(key(u128::from(number)), Bytes::from_static(b"x")).await })
        })
        .collect();
    wait_until("something is under way", async || log.waiting() > 0 || tasks.iter().all(|task| task.is_finished()))
        .await;
    assert_eq!(log.close(DEADLINE).await.left, 0);
    let mut acked = 0;
    for task in tasks {
        match task.await.expect("no panic") {
            Ok(_) => acked += 1,
            Err(AppendError::NotPersisted(cause)) => assert!(cause.contains("closed"), "{cause}"),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(read_all(fresh.records(), 2, acked).len(), acked, "what was acknowledged is there, and nothing else");
}

/// What acknowledgements say anyway: the broker's time of each record, against when it was sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledgements_show_how_far_our_clock_is_from_the_brokers() {
    const AHEAD_MS: i64 = 150_000;
    let fresh = Fresh::topics(1).await;
    for ahead_ms in [AHEAD_MS, -AHEAD_MS] {
        let moved = TestClock::at(SystemClock.now().plus_millis(ahead_ms));
        let log = KafkaLog::connect(fresh.options.clone(), Arc::new(moved)).expect("a log");
        assert_eq!(log.clock_ahead_ms(), None);
        log.append(key(1), Bytes::from_static(b"x")).await.expect("appended");
        let reported = log.clock_ahead_ms().expect("one was acknowledged");
        // Too small by the transfer time, since the test's clock does not move.
        assert!((ahead_ms - 100_000..=ahead_ms + 1_000).contains(&reported), "{reported}, not {ahead_ms}");
    }
}
