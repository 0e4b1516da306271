//! A dead letter as JSON.

use serde::Serialize;
use tidegate_kernel::timestamp::iso;
use tidegate_kernel::{Partition, Position, Timestamp};
use tidegate_ports::DeadLetter;

use super::about::About;

/// What `list` prints of each: all but headers and bytes.
#[derive(Debug, Serialize)]
pub struct DeadLetterJson {
    pub position: String,
    generation: u16,
    partition: Partition,
    offset: i64,
    #[serde(with = "iso")]
    appended_at: Timestamp,
    #[serde(with = "iso", rename = "buried_at")]
    pub dead_lettered_at: Timestamp,
    pub reason: String,
    /// 1 unless it was replayed.
    pub attempt: u32,
    replayed_from: Option<String>,
    #[serde(flatten)]
    pub about: About,
    key: ShownBytes,
    pub payload_bytes: usize,
}

/// What `show` prints.
#[derive(Debug, Serialize)]
pub struct WholeDeadLetterJson {
    #[serde(flatten)]
    dead_letter: DeadLetterJson,
    headers: Vec<HeaderJson>,
    payload: ShownBytes,
}

#[derive(Debug, Serialize)]
struct HeaderJson {
    name: String,
    value: ShownBytes,
}

/// Bytes: as text where they are text, else in hexadecimal digits.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum ShownBytes {
    Text(String),
    Hex(String),
}

impl From<&[u8]> for ShownBytes {
    fn from(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => ShownBytes::Text(text.to_owned()),
            Err(_) => ShownBytes::Hex(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
        }
    }
}

impl DeadLetterJson {
    pub fn of(dead_letter: &DeadLetter, about: About) -> Self {
        let Position { generation, partition, offset } = dead_letter.position;
        DeadLetterJson {
            position: dead_letter.position.to_string(),
            generation,
            partition,
            offset,
            appended_at: dead_letter.appended_at,
            dead_lettered_at: dead_letter.dead_lettered_at,
            reason: dead_letter.reason.clone(),
            attempt: dead_letter.provenance.attempt(),
            replayed_from: dead_letter.provenance.origin.map(|origin| origin.position.to_string()),
            about,
            key: ShownBytes::from(&dead_letter.provenance.key[..]),
            payload_bytes: dead_letter.payload.len(),
        }
    }
}

impl WholeDeadLetterJson {
    pub fn of(dead_letter: &DeadLetter, about: About) -> Self {
        let header = |(name, value): &(String, _)| HeaderJson { name: name.clone(), value: bytes_of(value) };
        WholeDeadLetterJson {
            headers: dead_letter.provenance.headers.iter().map(header).collect(),
            payload: ShownBytes::from(&dead_letter.payload[..]),
            dead_letter: DeadLetterJson::of(dead_letter, about),
        }
    }
}

fn bytes_of(value: &impl AsRef<[u8]>) -> ShownBytes {
    ShownBytes::from(value.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_text_where_they_are_text() {
        assert_eq!(ShownBytes::from(&b"caf\xc3\xa9"[..]), ShownBytes::Text("café".to_owned()));
        assert_eq!(ShownBytes::from(&b"\xff\x00"[..]), ShownBytes::Hex("ff00".to_owned()));
        assert_eq!(serde_json::to_string(&ShownBytes::from(&b"x"[..])).expect("JSON"), r#"{"text":"x"}"#);
    }
}
