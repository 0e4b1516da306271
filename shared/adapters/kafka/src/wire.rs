//! The form of a record's message: key, partition and headers (`docs/records.md`).

use bytes::Bytes;
use rdkafka::message::{BorrowedMessage, Header, Message, OwnedHeaders};
use tidegate_kernel::{Partition, Position, Timestamp};
use tidegate_ports::{Consumed, Origin, Provenance};

use crate::headers;

/// Bytes reserved for a message's key, its headers and the framing of its batch.
pub const OVERHEAD_BYTES: usize = 4 * 1024;

/// The lowest `max.message.bytes` of a topic for payloads up to the cap. A batch has its own framing.
pub const fn topic_message_bytes(max_record_bytes: usize) -> usize {
    max_record_bytes + 2 * OVERHEAD_BYTES
}

/// Bytes reserved for a dead letter's original key and headers and for the headers that describe it.
pub const DEAD_LETTER_OVERHEAD_BYTES: usize = 64 * 1024;

/// The lowest `max.message.bytes` of the dead letters topic, so that every record of the records topic fits.
pub const fn dead_letter_message_bytes(max_record_bytes: usize) -> usize {
    topic_message_bytes(max_record_bytes) + DEAD_LETTER_OVERHEAD_BYTES
}

/// The header that names the format of the payload.
pub const FORMAT_HEADER: &str = "tidegate-format";

/// The format of records. The payload holds `v` too, but with the header a reader need not parse it.
pub const RECORD_FORMAT: &str = "record/1";
/// The format of commands.
pub const COMMAND_FORMAT: &str = "command/1";

pub fn record_headers(format: &str) -> OwnedHeaders {
    OwnedHeaders::new_with_capacity(1).insert(Header { key: FORMAT_HEADER, value: Some(format) })
}

/// Header of a command that follows from another one: that one's position, as `generation/partition/offset`.
const CAUSED_BY: &str = "tidegate-caused-by";

pub fn effect_headers(headers: OwnedHeaders, cause: Position) -> OwnedHeaders {
    headers.insert(Header { key: CAUSED_BY, value: Some(&cause.to_string()) })
}

/// Header of a replayed record: the position it was read from, as `generation/partition/offset`.
const REPLAYED_FROM: &str = "tidegate-replayed-from";
/// Header: how many times the record was delivered to the consumers, this time included. Absent means once.
const ATTEMPT: &str = "tidegate-attempt";

pub fn origin_headers(headers: OwnedHeaders, origin: Origin) -> OwnedHeaders {
    headers
        .insert(Header { key: REPLAYED_FROM, value: Some(&origin.position.to_string()) })
        .insert(Header { key: ATTEMPT, value: Some(&origin.attempt.to_string()) })
}

/// The origin in the headers, if any. The error says why it cannot be read.
pub fn origin(headers: &[(String, Bytes)]) -> Result<Option<Origin>, String> {
    let text = |name: &str| {
        let value = headers::first(headers, name).map(std::str::from_utf8).transpose();
        value.map_err(|_| format!("its header {name} is not text"))
    };
    let Some(from) = text(REPLAYED_FROM)? else { return Ok(None) };
    let position = from.parse().map_err(|error| format!("its header {REPLAYED_FROM}: {error}"))?;
    // An origin without an attempt header is a first replay.
    let attempt = text(ATTEMPT)?.unwrap_or("2");
    let number = attempt.parse().ok().filter(|attempt| *attempt >= 2);
    let attempt = number.ok_or_else(|| format!("its header {ATTEMPT} is no number from 2 on: '{attempt}'"))?;
    Ok(Some(Origin { position, attempt }))
}

/// A message as consumers get it. An origin that cannot be read counts as absent: the record is still applied and
/// keeps its headers.
pub fn consumed(message: &BorrowedMessage<'_>, generation: u16) -> Option<Consumed> {
    let partition = Partition::try_from(message.partition()).ok()?;
    let position = Position { generation, partition, offset: message.offset() };
    let headers = headers::all(message);
    let origin = origin(&headers).unwrap_or_else(|why| {
        tracing::warn!(%position, why, "a record's origin cannot be read; it counts as not replayed");
        None
    });
    Some(Consumed {
        position,
        appended_at: Timestamp::from_millis(message.timestamp().to_millis().unwrap_or_default()),
        payload: message.payload().map_or_else(Bytes::new, Bytes::copy_from_slice),
        provenance: Some(Box::new(Provenance {
            key: message.key().map_or_else(Bytes::new, Bytes::copy_from_slice),
            headers,
            origin,
        })),
    })
}

#[cfg(test)]
mod tests {
    use rdkafka::message::Headers;

    use super::*;

    #[test]
    fn an_effect_names_its_format_and_its_cause() {
        let position = Position { generation: 1, partition: 2, offset: 3 };
        let headers = effect_headers(record_headers(COMMAND_FORMAT), position);
        let found: Vec<(&str, Option<&[u8]>)> = headers.iter().map(|header| (header.key, header.value)).collect();
        let expected: [(&str, Option<&[u8]>); 2] =
            [("tidegate-format", Some(b"command/1")), ("tidegate-caused-by", Some(b"1/2/3"))];
        assert_eq!(found, expected);
    }

    fn headers(of: &[(&str, &str)]) -> Vec<(String, Bytes)> {
        of.iter().map(|(name, value)| ((*name).to_owned(), Bytes::copy_from_slice(value.as_bytes()))).collect()
    }

    #[test]
    fn an_origin_is_read_or_the_reason_is_given() {
        let position = Position { generation: 1, partition: 2, offset: 3 };
        let from = (REPLAYED_FROM, "1/2/3");
        for (given, read) in [
            (headers(&[("else", "1/2/3")]), Ok(None)),
            (headers(&[(ATTEMPT, "7")]), Ok(None)),
            (headers(&[from]), Ok(Some(2))),
            (headers(&[("else", ""), from, (ATTEMPT, "7")]), Ok(Some(7))),
            (headers(&[from, (ATTEMPT, "1")]), Err("no number from 2 on: '1'")),
            (headers(&[from, (ATTEMPT, "-")]), Err("no number from 2 on: '-'")),
            (headers(&[(REPLAYED_FROM, "1/2")]), Err("'1/2' is no position")),
        ] {
            match (origin(&given), read) {
                (Ok(found), Ok(attempt)) => {
                    assert_eq!(found, attempt.map(|attempt| Origin { position, attempt }), "{given:?}");
                }
                (Err(why), Err(part)) => assert!(why.contains(part), "{given:?}: {why}"),
                (found, _) => panic!("{given:?}: {found:?}"),
            }
        }
        let bytes = vec![(REPLAYED_FROM.to_owned(), Bytes::from_static(b"1/2/\xff"))];
        assert_eq!(origin(&bytes), Err(format!("its header {REPLAYED_FROM} is not text")));
    }
}
