//! A message on the wire: its key, its partition, its headers (`docs/records.md`).

use bytes::Bytes;
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use tidegate_domain::free_json::text_hash;
use tidegate_domain::{Partition, Position, RunKey};
use tidegate_ports::{Origin, Provenance};

/// Room for what a message has besides its payload: key, headers, framing of a batch.
pub const OVERHEAD_BYTES: usize = 4 * 1024;

/// What `max.message.bytes` of a topic must be at least, for payloads up to the cap: a batch has a frame of its own.
pub const fn topic_message_bytes(max_record_bytes: usize) -> usize {
    max_record_bytes + 2 * OVERHEAD_BYTES
}

/// The header that names the format of the payload.
pub const FORMAT_HEADER: &str = "tidegate-format";

/// The format of records: `v` is in them too, but a reader need not parse them to know.
pub const RECORD_FORMAT: &str = "record/1";

/// All records of a run go to the partition that its key's hash names: for ever, so the hash must never change. It is
/// the embedded log's hash, so a run has one home wherever the partitions are as many.
pub fn partition_of(key: RunKey, partitions: u32) -> Partition {
    // A remainder of a u32 fits one.
    (text_hash(&[&key.to_bytes()]) % u64::from(partitions)) as Partition
}

/// `team_eu_…/run_eu_…`: what a reader of the topic sees.
pub fn key_text(key: RunKey) -> String {
    format!("{}/{}", key.team, key.run)
}

pub fn record_headers() -> OwnedHeaders {
    OwnedHeaders::new_with_capacity(1).insert(Header { key: FORMAT_HEADER, value: Some(RECORD_FORMAT) })
}

/// `generation/partition/offset`.
pub fn position_text(position: Position) -> String {
    format!("{}/{}/{}", position.generation, position.partition, position.offset)
}

fn position_of(text: &str) -> Option<Position> {
    let mut parts = text.split('/');
    let position = Position {
        generation: parts.next()?.parse().ok()?,
        partition: parts.next()?.parse().ok()?,
        offset: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(position)
}

/// Where a replayed record was taken from, as [`position_text`].
const REPLAYED_FROM: &str = "tidegate-replayed-from";
/// How often the record was given to the consumers, this time included. Absent: once.
const ATTEMPT: &str = "tidegate-attempt";

pub fn origin_headers(headers: OwnedHeaders, origin: Origin) -> OwnedHeaders {
    headers
        .insert(Header { key: REPLAYED_FROM, value: Some(&position_text(origin.position)) })
        .insert(Header { key: ATTEMPT, value: Some(&origin.attempt.to_string()) })
}

/// The origin that a message tells of; the reason why it cannot be read otherwise.
pub fn origin(message: &BorrowedMessage<'_>) -> Result<Option<Origin>, String> {
    let Some(from) = text_header(message, REPLAYED_FROM)? else { return Ok(None) };
    let position = position_of(from).ok_or_else(|| format!("its header {REPLAYED_FROM} is no position: '{from}'"))?;
    let attempt = text_header(message, ATTEMPT)?.unwrap_or("2");
    let attempt = attempt.parse().map_err(|_| format!("its header {ATTEMPT} is no number: '{attempt}'"))?;
    Ok(Some(Origin { position, attempt }))
}

fn text_header<'m>(message: &'m BorrowedMessage<'_>, name: &str) -> Result<Option<&'m str>, String> {
    let mut headers = message.headers().into_iter().flat_map(Headers::iter);
    let Some(value) = headers.find(|header| header.key == name).and_then(|header| header.value) else {
        return Ok(None);
    };
    std::str::from_utf8(value).map(Some).map_err(|_| format!("its header {name} is not text"))
}

/// What stands beside a record's payload. An origin that cannot be read is none: the record is applied all the same.
pub fn provenance(message: &BorrowedMessage<'_>) -> Provenance {
    let headers = message.headers().into_iter().flat_map(Headers::iter);
    let bytes = |value: Option<&[u8]>| value.map_or_else(Bytes::new, Bytes::copy_from_slice);
    Provenance {
        key: bytes(message.key()),
        headers: headers.map(|header| (header.key.to_owned(), bytes(header.value))).collect(),
        origin: origin(message).unwrap_or_default(),
    }
}
