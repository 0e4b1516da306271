//! A dead letter as a message: the original bytes, and everything else in headers that any client can read.

use bytes::Bytes;
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use tidegate_domain::{Position, Timestamp};
use tidegate_ports::{DeadLetter, Provenance};

use crate::wire::{self, FORMAT_HEADER};

const FORMAT: &str = "dead-letter/1";
const TOPIC: &str = "tidegate-topic";
const GENERATION: &str = "tidegate-generation";
const PARTITION: &str = "tidegate-partition";
const OFFSET: &str = "tidegate-offset";
const APPENDED_AT_MS: &str = "tidegate-appended-at-ms";
const BURIED_AT_MS: &str = "tidegate-buried-at-ms";
const REASON: &str = "tidegate-reason";
const KEY: &str = "tidegate-key";
/// In front of the names of the headers that the record itself had.
const ORIGINAL: &str = "original-";

/// Headers have to fit beside a payload of any size; a reason longer than that is cut.
const REASON_BYTES: usize = 2_048;

/// `generation/partition/offset` of the record that could not be applied.
pub fn key(position: Position) -> String {
    wire::position_text(position)
}

pub fn headers(letter: &DeadLetter, topic: &str) -> OwnedHeaders {
    let position = letter.position;
    let values = [
        (FORMAT_HEADER, FORMAT.to_owned()),
        (TOPIC, topic.to_owned()),
        (GENERATION, position.generation.to_string()),
        (PARTITION, position.partition.to_string()),
        (OFFSET, position.offset.to_string()),
        (APPENDED_AT_MS, letter.appended_at.as_millis().to_string()),
        (BURIED_AT_MS, letter.buried_at.as_millis().to_string()),
        (REASON, cut(&letter.reason).to_owned()),
    ];
    let Provenance { key, headers: original, origin } = &letter.provenance;
    let headers = OwnedHeaders::new_with_capacity(values.len() + original.len() + 3);
    let mut headers =
        values.iter().fold(headers, |headers, (key, value)| headers.insert(Header { key, value: Some(value) }));
    headers = headers.insert(Header { key: KEY, value: Some(&key[..]) });
    if let Some(origin) = origin {
        headers = wire::origin_headers(headers, *origin);
    }
    original.iter().fold(headers, |headers, (name, value)| {
        headers.insert(Header { key: &format!("{ORIGINAL}{name}"), value: Some(&value[..]) })
    })
}

fn cut(reason: &str) -> &str {
    let end = (0..=REASON_BYTES.min(reason.len())).rev().find(|end| reason.is_char_boundary(*end));
    &reason[..end.unwrap_or_default()]
}

/// The letter in a message; the reason why it is none otherwise.
pub fn read(message: &BorrowedMessage<'_>) -> Result<DeadLetter, String> {
    Ok(DeadLetter {
        position: Position {
            generation: number(message, GENERATION)?,
            partition: number(message, PARTITION)?,
            offset: number(message, OFFSET)?,
        },
        appended_at: Timestamp::from_millis(number(message, APPENDED_AT_MS)?),
        buried_at: Timestamp::from_millis(number(message, BURIED_AT_MS)?),
        reason: text(message, REASON)?.to_owned(),
        payload: message.payload().map_or_else(Bytes::new, Bytes::copy_from_slice),
        provenance: provenance(message)?,
    })
}

/// Letters of earlier versions have none.
fn provenance(message: &BorrowedMessage<'_>) -> Result<Provenance, String> {
    let mut provenance = Provenance { origin: wire::origin(message)?, ..Provenance::default() };
    for header in message.headers().into_iter().flat_map(Headers::iter) {
        let value = header.value.map_or_else(Bytes::new, Bytes::copy_from_slice);
        if header.key == KEY {
            provenance.key = value;
        } else if let Some(name) = header.key.strip_prefix(ORIGINAL) {
            provenance.headers.push((name.to_owned(), value));
        }
    }
    Ok(provenance)
}

fn text<'m>(message: &'m BorrowedMessage<'_>, name: &str) -> Result<&'m str, String> {
    let headers = message.headers().ok_or_else(|| "it has no headers".to_owned())?;
    let header = headers.iter().find(|header| header.key == name);
    let value = header.and_then(|header| header.value).ok_or_else(|| format!("it has no header {name}"))?;
    std::str::from_utf8(value).map_err(|_| format!("its header {name} is not text"))
}

fn number<N: std::str::FromStr>(message: &BorrowedMessage<'_>, name: &str) -> Result<N, String> {
    let text = text(message, name)?;
    text.parse().map_err(|_| format!("its header {name} is not a number: '{text}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = "é".repeat(2_000);
        assert_eq!(cut(&long).len(), REASON_BYTES);
        let odd = format!("x{long}");
        assert_eq!(cut(&odd).len(), REASON_BYTES - 1);
    }
}
