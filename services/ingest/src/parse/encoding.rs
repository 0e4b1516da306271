//! Which encoding a body is in that is no UTF-8. Only refused bodies are looked at.

/// The encoding's name, by its byte order mark or by the places of the zeros in its first characters.
pub fn foreign(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] => Some("UTF-32 (little-endian)"),
        [0, 0, 0xfe, 0xff, ..] => Some("UTF-32 (big-endian)"),
        [0xff, 0xfe, ..] => Some("UTF-16 (little-endian)"),
        [0xfe, 0xff, ..] => Some("UTF-16 (big-endian)"),
        [0x1f, 0x8b, ..] => Some("gzip, without 'Content-Encoding: gzip'"),
        // JSON begins with two ASCII characters, and has no zeros.
        [0, 0, 0, 1..=255, ..] => Some("UTF-32 (big-endian)"),
        [1..=255, 0, 0, 0, ..] => Some("UTF-32 (little-endian)"),
        [0, 1..=255, ..] => Some("UTF-16 (big-endian)"),
        [1..=255, 0, ..] => Some("UTF-16 (little-endian)"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_known_with_and_without_their_mark() {
        let text = "{\"agent\":\"a\"}";
        let utf16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> { text.encode_utf16().flat_map(bytes).collect() };
        let utf32 = |bytes: fn(u32) -> [u8; 4]| -> Vec<u8> { text.chars().map(u32::from).flat_map(bytes).collect() };
        for (bytes, mark, name) in [
            (utf16(u16::to_le_bytes), &[0xff, 0xfe][..], "UTF-16 (little-endian)"),
            (utf16(u16::to_be_bytes), &[0xfe, 0xff], "UTF-16 (big-endian)"),
            (utf32(u32::to_le_bytes), &[0xff, 0xfe, 0, 0], "UTF-32 (little-endian)"),
            (utf32(u32::to_be_bytes), &[0, 0, 0xfe, 0xff], "UTF-32 (big-endian)"),
        ] {
            assert_eq!(foreign(&bytes), Some(name));
            assert_eq!(foreign(&[mark, &bytes].concat()), Some(name));
        }
        assert_eq!(foreign(text.as_bytes()), None);
        assert_eq!(foreign(b""), None);
        assert_eq!(foreign(&[0xc3]), None);
    }
}
