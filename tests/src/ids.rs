//! Fresh ids as SDKs make them: a UUIDv7 with the client's time in front.

use crate::clock::now_ms;

/// `<prefix>_<region>_<32 hex>`, born now.
pub fn fresh(prefix: &str, region: &str) -> String {
    born_at(prefix, region, now_ms())
}

/// The same, born at `at_ms`.
pub fn born_at(prefix: &str, region: &str, at_ms: i64) -> String {
    let random = random_bytes::<10>();
    let millis = u64::try_from(at_ms).expect("ids are born after 1970");
    let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
    format!("{prefix}_{region}_{:032x}", uuid.as_u128())
}

/// 16 hex digits that no other call gets: for names, notes and contents.
pub fn nonce() -> String {
    format!("{:016x}", u64::from_be_bytes(random_bytes()))
}

pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    bytes
}

/// Whether `id` is `<prefix>_<region>_` and a real UUIDv7: version 7, variant `10`, born within ten minutes of now.
pub fn is_minted(id: &str, prefix: &str, region: &str) -> bool {
    let Some(hex) = id.strip_prefix(&format!("{prefix}_{region}_")) else { return false };
    let lower = hex.len() == 32 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let Ok(bits) = u128::from_str_radix(hex, 16) else { return false };
    let (version, variant) = ((bits >> 76) & 0xf, (bits >> 62) & 0b11);
    let born = i64::try_from(bits >> 80).expect("48 bits fit");
    lower && version == 7 && variant == 0b10 && (now_ms() - born).abs() < 10 * crate::clock::MINUTE_MS
}
