//! A dead letter as a message: the original bytes, and everything else in headers that any client can read.

use bytes::Bytes;
use rdkafka::message::{BorrowedMessage, Header, Message, OwnedHeaders};
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{DeadLetter, Provenance};

use crate::headers;
use crate::wire::{self, DEAD_LETTER_OVERHEAD_BYTES, FORMAT_HEADER};

const FORMAT: &str = "dead-letter/1";
const TOPIC: &str = "tidegate-topic";
const GENERATION: &str = "tidegate-generation";
const PARTITION: &str = "tidegate-partition";
const OFFSET: &str = "tidegate-offset";
const APPENDED_AT_MS: &str = "tidegate-appended-at-ms";
const DEAD_LETTERED_AT_MS: &str = "tidegate-buried-at-ms";
const REASON: &str = "tidegate-reason";
const KEY: &str = "tidegate-key";
/// In front of the names of the headers that the record itself had.
const ORIGINAL: &str = "original-";

/// A text that says what of the key and the headers did not fit.
const LEFT_OUT: &str = "tidegate-left-out";

/// Bytes of the reason at most, so that the headers fit with a payload of any size; a longer reason is cut.
const REASON_BYTES: usize = 2_048;
/// Bytes reserved for the other headers that this crate adds.
const OWN_BYTES: usize = 6 * 1024;
/// Bytes of the original key and headers at most. A record of a foreign producer fits too: what exceeds this is cut.
const PROVENANCE_BYTES: usize = DEAD_LETTER_OVERHEAD_BYTES - REASON_BYTES - OWN_BYTES;
const KEY_BYTES: usize = 8 * 1024;
/// Bytes of one header's length fields on the wire, at most.
const FRAME_BYTES: usize = 10;

/// `generation/partition/offset` of the record that could not be applied.
pub fn key(position: Position) -> String {
    position.to_string()
}

pub fn headers(dead_letter: &DeadLetter, topic: &str) -> OwnedHeaders {
    let position = dead_letter.position;
    let values = [
        (FORMAT_HEADER, FORMAT.to_owned()),
        (TOPIC, topic.to_owned()),
        (GENERATION, position.generation.to_string()),
        (PARTITION, position.partition.to_string()),
        (OFFSET, position.offset.to_string()),
        (APPENDED_AT_MS, dead_letter.appended_at.as_millis().to_string()),
        (DEAD_LETTERED_AT_MS, dead_letter.dead_lettered_at.as_millis().to_string()),
        (REASON, cut(&dead_letter.reason).to_owned()),
    ];
    let Provenance { key, headers: original, origin } = &dead_letter.provenance;
    let headers = OwnedHeaders::new_with_capacity(values.len() + original.len() + 4);
    let mut headers =
        values.iter().fold(headers, |headers, (key, value)| headers.insert(Header { key, value: Some(value) }));
    let kept_key = &key[..key.len().min(KEY_BYTES)];
    headers = headers.insert(Header { key: KEY, value: Some(kept_key) });
    if let Some(origin) = origin {
        headers = wire::origin_headers(headers, *origin);
    }
    let fitting = fitting(original, PROVENANCE_BYTES - kept_key.len());
    let left_out = [
        (key.len() - kept_key.len(), "bytes of the key"),
        (original.len() - fitting.len(), "headers, for want of room"),
    ];
    let left_out: Vec<String> =
        left_out.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if !left_out.is_empty() {
        headers = headers.insert(Header { key: LEFT_OUT, value: Some(&left_out.join(", ")) });
    }
    fitting.iter().fold(headers, |headers, (name, value)| {
        headers.insert(Header { key: &format!("{ORIGINAL}{name}"), value: Some(&value[..]) })
    })
}

/// The longest prefix of the headers that fits in `bytes`.
fn fitting(headers: &[(String, Bytes)], bytes: usize) -> &[(String, Bytes)] {
    let mut taken = 0;
    let fits = |(name, value): &(String, Bytes)| {
        taken += ORIGINAL.len() + name.len() + value.len() + FRAME_BYTES;
        taken <= bytes
    };
    &headers[..headers.iter().map(fits).take_while(|fits| *fits).count()]
}

fn cut(reason: &str) -> &str {
    let end = (0..=REASON_BYTES.min(reason.len())).rev().find(|end| reason.is_char_boundary(*end));
    &reason[..end.unwrap_or_default()]
}

/// Reads a message as a dead letter. The error says why the message is none.
pub fn read(message: &BorrowedMessage<'_>) -> Result<DeadLetter, String> {
    let headers = headers::all(message);
    Ok(DeadLetter {
        position: Position {
            generation: number(&headers, GENERATION)?,
            partition: number(&headers, PARTITION)?,
            offset: number(&headers, OFFSET)?,
        },
        appended_at: Timestamp::from_millis(number(&headers, APPENDED_AT_MS)?),
        dead_lettered_at: Timestamp::from_millis(number(&headers, DEAD_LETTERED_AT_MS)?),
        reason: text(&headers, REASON)?.to_owned(),
        payload: message.payload().map_or_else(Bytes::new, Bytes::copy_from_slice),
        provenance: provenance(headers),
    })
}

/// Dead letters of earlier versions have no provenance. An origin that cannot be read counts as absent.
fn provenance(headers: Vec<(String, Bytes)>) -> Provenance {
    let mut provenance = Provenance { origin: wire::origin(&headers).unwrap_or_default(), ..Provenance::default() };
    for (name, value) in headers {
        if name == KEY {
            provenance.key = value;
        } else if name == LEFT_OUT {
            // A reader of the headers must see that some are missing.
            provenance.headers.push((name, value));
        } else if let Some(original) = name.strip_prefix(ORIGINAL) {
            provenance.headers.push((original.to_owned(), value));
        }
    }
    provenance
}

fn text<'h>(headers: &'h [(String, Bytes)], name: &str) -> Result<&'h str, String> {
    let value = headers::first(headers, name).ok_or_else(|| format!("it has no header {name}"))?;
    std::str::from_utf8(value).map_err(|_| format!("its header {name} is not text"))
}

fn number<N: std::str::FromStr>(headers: &[(String, Bytes)], name: &str) -> Result<N, String> {
    let text = text(headers, name)?;
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

    #[test]
    fn headers_are_taken_while_they_fit() {
        let header = |bytes: usize| ("h".to_owned(), Bytes::from(vec![0; bytes]));
        let headers = [header(81), header(80), header(0)];
        let each = ORIGINAL.len() + 1 + FRAME_BYTES;
        assert_eq!(fitting(&headers, 1_000), headers);
        assert_eq!(fitting(&headers, 2 * each + 161), &headers[..2]);
        assert_eq!(fitting(&headers, 2 * each + 160), &headers[..1], "none is taken after one that does not fit");
        assert_eq!(fitting(&headers, each + 80), []);
    }
}
