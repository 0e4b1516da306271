//! `#[serde(with = "hex128")]`: 128 bits as 32 lowercase hex digits.

use serde::{Deserialize, Deserializer, Serializer, de};

pub fn text(bits: u128) -> String {
    format!("{bits:032x}")
}

pub fn parse(text: &str) -> Option<u128> {
    let is_hex = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hex.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

pub fn serialize<S: Serializer>(bits: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(*bits))
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| de::Error::custom("must be 32 lowercase hex digits"))
}
