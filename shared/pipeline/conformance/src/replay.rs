//! The suite of the replay ports: a log can be read at any offset and accepts its records again.

use std::time::Duration;

use bytes::Bytes;
use tidegate_kernel::{LogKey, Partition, PartitionEpoch, Position};
use tidegate_ports::{
    Again, Append, AppendAgain, Clock, Consume, Consumed, Ids, LogSpan, Origin, Polled, RandomIds, ReadLog, SystemClock,
};

/// One log through the replay ports. It is empty and has no other writers.
pub struct ReplayUnderTest<'l> {
    pub append: &'l dyn Append,
    pub again: &'l dyn AppendAgain,
    pub reader: &'l dyn ReadLog,
    /// A member of a group that never committed.
    pub consumer: Box<dyn Consume>,
}

const ALL: i64 = i64::MAX;

/// Runs every case.
pub async fn suite(log: ReplayUnderTest<'_>) {
    let ReplayUnderTest { append, again, reader, consumer } = log;
    let empty = reader.spans().await.expect("spans");
    assert!((0..).zip(&empty).all(|(partition, span)| span.partition == partition), "in order: {empty:?}");
    assert!(empty.iter().all(|span| span.first == span.end), "empty: {empty:?}");
    for span in &empty {
        assert_eq!(reader.offset_at(span.partition, SystemClock.now()).await, Ok(span.end));
        assert!(read(reader, span, span.first, 1 << 20).await.is_empty());
    }
    let key = LogKey::new(&RandomIds.random(), &["any thing"]);
    let mut positions = Vec::new();
    for number in 0..5 {
        positions.push(append.append(key, payload(number)).await.expect("appended"));
    }
    let home = positions[0].partition;
    let span = span_of(reader, home).await;
    assert_eq!((span.first, span.end), (positions[0].offset, positions[4].offset + 1));
    assert_eq!(span.generation, positions[0].generation);

    reads_stay_within_their_range_and_budget(reader, &span, &positions).await;
    times_name_offsets(reader, &span).await;

    // The same bytes again, once by key and once by partition.
    let origin = Origin { position: positions[1], attempt: 2 };
    let by_key = Again { key: Some(key), payload: payload(1), origin };
    let first = again.append_again(by_key).await.expect("appended again");
    let once_more = Origin { position: first, attempt: 3 };
    let by_place = Again { key: None, payload: payload(1), origin: once_more };
    let second = again.append_again(by_place).await.expect("appended again");
    assert_eq!((first.partition, second.partition), (home, home), "the run keeps its one writer");
    assert_eq!((first.offset, second.offset), (span.end, span.end + 1));

    let consumed = consume(consumer, 7).await;
    let seen = |one: &Consumed| (one.position, one.payload.clone(), origin_of(one));
    let seen: Vec<_> = consumed.iter().map(seen).collect();
    let mut expected: Vec<_> = (0..).zip(&positions).map(|(number, at)| (*at, payload(number), None)).collect();
    expected.push((first, payload(1), Some(origin)));
    expected.push((second, payload(1), Some(once_more)));
    assert_eq!(seen, expected, "its consumers see where a record comes from");
    let reread = read(reader, &LogSpan { end: ALL, ..span }, first.offset, 1 << 20).await;
    assert_eq!(reread.iter().map(origin_of).collect::<Vec<_>>(), [Some(origin), Some(once_more)]);
}

fn payload(number: u8) -> Bytes {
    Bytes::from(vec![b'0' + number; 100])
}

fn origin_of(record: &Consumed) -> Option<Origin> {
    record.provenance.as_ref().and_then(|provenance| provenance.origin)
}

async fn span_of(reader: &dyn ReadLog, partition: Partition) -> LogSpan {
    let spans = reader.spans().await.expect("spans");
    *spans.iter().find(|span| span.partition == partition).expect("the partition")
}

async fn read(reader: &dyn ReadLog, span: &LogSpan, from: i64, max_bytes: usize) -> Vec<Consumed> {
    reader.read_range(span.partition, from, span.end, max_bytes).await.expect("read")
}

async fn reads_stay_within_their_range_and_budget(reader: &dyn ReadLog, span: &LogSpan, positions: &[Position]) {
    let offsets = |records: &[Consumed]| records.iter().map(|one| one.position.offset).collect::<Vec<_>>();
    let all: Vec<i64> = positions.iter().map(|position| position.offset).collect();
    // A read may return fewer records than there are, but at least one and only those of the range.
    let mut found = Vec::new();
    while found.len() < all.len() {
        let from = found.last().map_or(span.first, |last| last + 1);
        let some = read(reader, span, from, 250).await;
        assert!((1..=3).contains(&some.len()), "250 bytes hold two records of 100, or little more: {}", some.len());
        found.extend(offsets(&some));
    }
    assert_eq!(found, all);
    let one = reader.read_range(span.partition, all[2], all[3], 1 << 20).await.expect("read");
    assert_eq!((offsets(&one), one[0].payload.clone()), (vec![all[2]], payload(2)));
    assert!(reader.read_range(span.partition, all[3], all[3], 1 << 20).await.expect("read").is_empty());
    let tiny = read(reader, span, all[4], 0).await;
    assert_eq!(offsets(&tiny), [all[4]], "at least one record, however small the budget");
}

async fn times_name_offsets(reader: &dyn ReadLog, span: &LogSpan) {
    let records = read(reader, span, span.first, 1 << 20).await;
    let (oldest, newest) = (records[0].appended_at, records[records.len() - 1].appended_at);
    assert_eq!(reader.offset_at(span.partition, oldest.plus_millis(-60_000)).await, Ok(span.first));
    assert_eq!(reader.offset_at(span.partition, oldest).await, Ok(span.first));
    assert_eq!(reader.offset_at(span.partition, newest.plus_millis(60_000)).await, Ok(span.end));
}

async fn consume(mut consumer: Box<dyn Consume>, wanted: usize) -> Vec<Consumed> {
    let mut consumed = Vec::new();
    let mut assigned: Vec<PartitionEpoch> = Vec::new();
    while consumed.len() < wanted {
        match consumer.poll(1 << 20, Duration::from_secs(60)).await.expect("polled") {
            Polled::Records(_, records) => consumed.extend(records),
            Polled::Assigned(partition) => assigned.push(partition),
            Polled::Idle => panic!("only {} of {wanted} records came from {assigned:?}", consumed.len()),
            Polled::Revoking { .. } | Polled::Lost(_) => panic!("the group has no other member"),
        }
    }
    consumed
}
