//! Dead letters as other clients see them.

use bytes::Bytes;
use rdkafka::message::{Headers, Message};
use rdkafka::producer::{FutureProducer, FutureRecord};
use tidegate_kafka::KafkaDeadLetters;
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{DeadLetter, DeadLetters, LogError, Origin, Provenance};

use crate::support::{DEADLINE, Fresh, clock, plain, read_all};

fn letter(offset: i64) -> DeadLetter {
    DeadLetter {
        position: Position { generation: 7, partition: 3, offset },
        appended_at: Timestamp::from_millis(1_700_000_000_001),
        dead_lettered_at: Timestamp::from_millis(1_700_000_000_002),
        reason: "it does not decode: line 1".to_owned(),
        payload: Bytes::from_static(b"\x00not json\xff"),
        provenance: Provenance {
            key: Bytes::from_static(b"team/run"),
            headers: vec![("tidegate-format".to_owned(), Bytes::from_static(b"record/1"))],
            origin: Some(Origin { position: Position { generation: 6, partition: 0, offset: 9 }, attempt: 2 }),
        },
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_client_finds_the_provenance_in_the_headers() {
    let fresh = Fresh::topics(4).await;
    let letters = KafkaDeadLetters::open(&fresh.options, clock()).expect("a place");
    letters.append(letter(42)).await.expect("dead-lettered");
    let message = read_all(&fresh.options.topics.dead_letters, 1, 1).remove(0);
    assert_eq!(message.key(), Some("7/3/42".as_bytes()));
    assert_eq!(message.payload(), Some(&b"\x00not json\xff"[..]), "byte for byte");
    let headers = message.headers().expect("headers");
    let found: Vec<(String, String)> = headers
        .iter()
        .map(|one| (one.key.to_owned(), String::from_utf8(one.value.expect("a value").to_vec()).expect("text")))
        .collect();
    let expected = [
        ("tidegate-format", "dead-letter/1"),
        ("tidegate-topic", fresh.records()),
        ("tidegate-generation", "7"),
        ("tidegate-partition", "3"),
        ("tidegate-offset", "42"),
        ("tidegate-appended-at-ms", "1700000000001"),
        ("tidegate-buried-at-ms", "1700000000002"),
        ("tidegate-reason", "it does not decode: line 1"),
        ("tidegate-key", "team/run"),
        ("tidegate-replayed-from", "6/0/9"),
        ("tidegate-attempt", "2"),
        ("original-tidegate-format", "record/1"),
    ];
    assert_eq!(found, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_message_does_not_hide_the_dead_letters() {
    let fresh = Fresh::topics(1).await;
    let producer: FutureProducer = plain().create().expect("a producer");
    let foreign = FutureRecord::to(&fresh.options.topics.dead_letters).key("who").payload("knows");
    producer.send(foreign, DEADLINE).await.expect("delivered");
    let letters = KafkaDeadLetters::open(&fresh.options, clock()).expect("a place");
    letters.append(letter(1)).await.expect("dead-lettered");
    assert_eq!(letters.list(None, 10).await, Ok(vec![letter(1)]));
    assert_eq!(letters.list(None, 0).await, Ok(vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_record_with_the_longest_reason_is_buried_whole() {
    let fresh = Fresh::topics(1).await;
    let letters = KafkaDeadLetters::open(&fresh.options, clock()).expect("a place");
    let payload = Bytes::from(vec![b'x'; fresh.options.append.max_record_bytes]);
    let large = DeadLetter { payload, reason: "why ".repeat(10_000), ..letter(1) };
    letters.append(large.clone()).await.expect("dead-lettered");
    let listed = letters.list(None, 1).await.expect("listed").remove(0);
    assert!(listed.payload == large.payload, "the payload is whole");
    assert_eq!(listed.reason.len(), 2_048, "the reason is cut");
    assert!(large.reason.starts_with(&listed.reason));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_that_is_not_durable_is_an_error() {
    let mut fresh = Fresh::named(1);
    fresh.options.append.message_timeout = std::time::Duration::from_secs(4);
    fresh.options.append.request_timeout = std::time::Duration::from_secs(1);
    let letters = KafkaDeadLetters::open(&fresh.options, clock()).expect("a place");
    let refused = letters.append(letter(1)).await;
    assert!(matches!(refused, Err(LogError::Unavailable(_))), "{refused:?}");
    assert!(matches!(letters.list(None, 1).await, Err(LogError::Unavailable(_))));
}
