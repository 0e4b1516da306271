//! Records of foreign producers: whatever their content, they are read and can be dead-lettered completely.

use std::time::Duration;

use bytes::Bytes;
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tidegate_kafka::{KafkaConsumer, KafkaDeadLetters, KafkaReadLog};
use tidegate_kernel::Timestamp;
use tidegate_ports::{Consume, Consumed, DeadLetter, DeadLetters, Polled, Provenance, ReadLog};

use crate::support::{DEADLINE, Fresh, clock, plain};

fn producer(extra: &[(&str, &str)]) -> BaseProducer {
    let mut config: ClientConfig = plain();
    config.set("message.max.bytes", "10000000");
    for (name, value) in extra {
        config.set(*name, *value);
    }
    config.create().expect("a producer")
}

fn send(producer: &BaseProducer, topic: &str, key: &[u8], headers: OwnedHeaders, payload: &[u8]) {
    let record = BaseRecord::to(topic).partition(0).key(key).payload(payload).headers(headers);
    producer.send(record).map_err(|(error, _)| error).expect("queued");
}

#[expect(unsafe_code, reason = "rdkafka takes no header name that is not UTF-8, and other clients do")]
fn with_name(headers: OwnedHeaders, name: &[u8], value: &[u8]) -> OwnedHeaders {
    let native = std::ptr::from_ref(headers.as_borrowed()).cast_mut().cast();
    // SAFETY: rdkafka's borrowed headers are librdkafka's own behind a cast; name and value are copied.
    let added = unsafe {
        let (name_bytes, value_bytes) = (name.len() as isize, value.len() as isize);
        rdkafka::bindings::rd_kafka_header_add(
            native,
            name.as_ptr().cast(),
            name_bytes,
            value.as_ptr().cast(),
            value_bytes,
        )
    };
    assert_eq!(added, rdkafka::bindings::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR);
    headers
}

async fn first(fresh: &Fresh) -> Consumed {
    let reader = KafkaReadLog::open(&fresh.options).expect("a reader");
    reader.read_range(0, 0, 1, 1).await.expect("read").remove(0)
}

fn letter_of(record: &Consumed) -> DeadLetter {
    DeadLetter {
        position: record.position,
        appended_at: record.appended_at,
        dead_lettered_at: Timestamp::from_millis(1),
        reason: "why ".repeat(1_000),
        payload: record.payload.clone(),
        provenance: record.provenance.as_deref().cloned().unwrap_or_default(),
    }
}

async fn dead_lettered(fresh: &Fresh, letter: &DeadLetter) -> DeadLetter {
    let letters = KafkaDeadLetters::open(&fresh.options, clock()).expect("a place");
    letters.append(letter.clone()).await.expect("dead-lettered");
    letters.find(letter.position).await.expect("looked for").expect("it is there")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_are_no_text_cost_no_record() {
    let fresh = Fresh::topics(1).await;
    let foreign = producer(&[]);
    let headers = with_name(OwnedHeaders::new(), b"n\xffme", b"\x00\xff")
        .insert(Header { key: "tidegate-replayed-from", value: Some("nowhere") })
        .insert(Header { key: "tidegate-attempt", value: Some(&b"\xff"[..]) })
        .insert(Header::<&str> { key: "null", value: None });
    send(&foreign, fresh.records(), b"\xff/key", headers, b"\x00garbage");
    foreign.flush(DEADLINE).expect("delivered");

    let bytes = Bytes::from_static;
    let expected = Provenance {
        key: bytes(b"\xff/key"),
        headers: vec![
            ("n\u{fffd}me".to_owned(), bytes(b"\x00\xff")),
            ("tidegate-replayed-from".to_owned(), bytes(b"nowhere")),
            ("tidegate-attempt".to_owned(), bytes(b"\xff")),
            ("null".to_owned(), bytes(b"")),
        ],
        origin: None,
    };
    let read = first(&fresh).await;
    assert_eq!(read.provenance.as_deref(), Some(&expected), "an origin that cannot be read is none");
    assert_eq!(&read.payload[..], b"\x00garbage");

    let mut member =
        KafkaConsumer::join(&fresh.options, &format!("{}.group", fresh.records()), clock()).expect("a member");
    let consumed = loop {
        match member.poll(1 << 20, DEADLINE).await.expect("polled") {
            Polled::Records(_, mut records) => break records.remove(0),
            Polled::Idle => panic!("the record did not come"),
            _ => {}
        }
    };
    assert_eq!(consumed.provenance.as_deref(), Some(&expected), "consumers see the same");
    assert_eq!(dead_lettered(&fresh, &letter_of(&consumed)).await.provenance, expected, "and so do letters");
}

/// The same on the dead letters topic: a foreign message there must not hide the dead letters.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_header_name_does_not_hide_the_dead_letters() {
    let fresh = Fresh::topics(1).await;
    let foreign = producer(&[]);
    let headers = with_name(OwnedHeaders::new(), b"\xff", b"");
    send(&foreign, &fresh.options.topics.dead_letters, b"who", headers, b"knows");
    foreign.flush(DEADLINE).expect("delivered");
    send(&foreign, fresh.records(), b"", OwnedHeaders::new(), b"x");
    foreign.flush(DEADLINE).expect("delivered");
    let letter = DeadLetter { reason: "why".to_owned(), ..letter_of(&first(&fresh).await) };
    assert_eq!(dead_lettered(&fresh, &letter).await, letter);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_foreign_record_is_dead_lettered_completely() {
    let fresh = Fresh::topics(1).await;
    let foreign = producer(&[]);
    // More than we would append, and as much as the topic takes.
    let payload = vec![b'x'; fresh.options.append.max_record_bytes + 8_000];
    send(&foreign, fresh.records(), b"k", OwnedHeaders::new(), &payload);
    foreign.flush(DEADLINE).expect("delivered");
    let read = first(&fresh).await;
    assert!(read.payload == payload, "it is read whole");
    let found = dead_lettered(&fresh, &letter_of(&read)).await;
    assert!(found.payload == payload, "and dead-lettered whole");
    assert_eq!(found.provenance.key, Bytes::from_static(b"k"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_more_headers_than_fit_the_first_are_kept_and_the_rest_is_counted() {
    let fresh = Fresh::topics(1).await;
    let foreign = producer(&[]);
    let numbered = |headers: OwnedHeaders, number: usize| {
        headers.insert(Header { key: &format!("h{number:03}"), value: Some(&[b'v'; 1_000][..]) })
    };
    send(&foreign, fresh.records(), &[b'k'; 20_000], (0..150).fold(OwnedHeaders::new(), numbered), b"x");
    foreign.flush(DEADLINE).expect("delivered");
    let read = first(&fresh).await;
    assert_eq!(read.provenance.as_ref().map(|provenance| provenance.headers.len()), Some(150));
    let found = dead_lettered(&fresh, &letter_of(&read)).await.provenance;
    assert_eq!(found.key.len(), 8 * 1024);
    let (left_out, kept) = found.headers.split_first().expect("headers");
    assert!(kept.len() > 30 && kept[..] == read.provenance.expect("some").headers[..kept.len()], "{}", kept.len());
    let expected_text = format!("11808 bytes of the key, {} headers, for want of room", 150 - kept.len());
    assert_eq!(*left_out, ("tidegate-left-out".to_owned(), Bytes::from(expected_text)));
}

/// Others' transactions leave offsets without a record, at the end too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_passes_over_offsets_without_a_record() {
    let fresh = Fresh::topics(1).await;
    let foreign = producer(&[("transactional.id", fresh.records())]);
    foreign.init_transactions(DEADLINE).expect("ready");
    for (word, commits) in [("kept", true), ("gone", false), ("kept too", true)] {
        foreign.begin_transaction().expect("begun");
        send(&foreign, fresh.records(), b"", OwnedHeaders::new(), word.as_bytes());
        foreign.flush(DEADLINE).expect("delivered");
        let ended = if commits { foreign.commit_transaction(DEADLINE) } else { foreign.abort_transaction(DEADLINE) };
        ended.expect("ended");
    }
    let reader = KafkaReadLog::open(&fresh.options).expect("a reader");
    let span = reader.spans().await.expect("spans")[0];
    assert_eq!((span.first, span.end), (0, 6));
    let all = reader.read_range(0, 0, span.end, 1 << 20).await.expect("read");
    let seen: Vec<_> = all.iter().map(|one| (one.position.offset, one.payload.clone())).collect();
    assert_eq!(seen, [(0, Bytes::from_static(b"kept")), (4, Bytes::from_static(b"kept too"))]);
    assert!(reader.read_range(0, 5, span.end, 1 << 20).await.expect("read").is_empty(), "nothing stands at the end");
    let one = reader.read_range(0, 1, 4, 1 << 20).await.expect("read");
    assert!(one.is_empty(), "nothing stands between: {one:?}");
}

/// Reading continues where it ended, turns elsewhere and comes back, and never gives what was not asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_go_on_and_turn_as_they_are_asked() {
    let fresh = Fresh::topics(2).await;
    let foreign = producer(&[]);
    for number in 0..600 {
        let record = BaseRecord::<[u8], [u8]>::to(fresh.records()).partition(number % 2).payload(&[0; 100]);
        foreign.send(record).map_err(|(error, _)| error).expect("queued");
        foreign.poll(Duration::ZERO);
    }
    foreign.flush(DEADLINE).expect("delivered");
    let reader = KafkaReadLog::open(&fresh.options).expect("a reader");
    let mut next = [0, 0];
    while next != [300, 300] {
        for partition in 0..2 {
            let at = next[partition as usize];
            for _ in 0..2 {
                let from = next[partition as usize];
                let some = reader.read_range(partition, from, at + 30, 1_000).await.expect("read");
                let offsets: Vec<i64> = some.iter().map(|one| one.position.offset).collect();
                assert_eq!(offsets, (from..from + offsets.len() as i64).collect::<Vec<_>>(), "from {from}");
                assert!((1..=10).contains(&offsets.len()) || from == at + 30 || from == 300, "{offsets:?} from {from}");
                next[partition as usize] += offsets.len() as i64;
            }
        }
    }
    let back = reader.read_range(1, 7, 8, 0).await.expect("read");
    assert_eq!(back.iter().map(|one| (one.position.partition, one.position.offset)).collect::<Vec<_>>(), [(1, 7)]);
    assert!(reader.read_range(1, 300, 900, 10).await.expect("read").is_empty(), "there is nothing yet");
    assert!(reader.read_range(1, 900, 901, 10).await.expect("read").is_empty(), "nor beyond");
}
