//! 128 bits as 26 lowercase base-32 characters, whose order is the order of the bits.

/// Crockford's alphabet: without `i`, `l`, `o` and `u`.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

pub(crate) const CHARS: usize = 26;

pub(crate) fn encode(bits: u128) -> [u8; CHARS] {
    let mut text = [0; CHARS];
    for (at, char) in text.iter_mut().enumerate() {
        // Five bits select one of the 32 characters.
        *char = ALPHABET[(bits >> (5 * (CHARS - 1 - at)) & 31) as usize];
    }
    text
}

/// The inverse of [`encode`]; `None` for any other text.
pub(crate) fn decode(text: &str) -> Option<u128> {
    // 26 characters have 130 bits: the first one has only three.
    if text.len() != CHARS || text.as_bytes()[0] > b'7' {
        return None;
    }
    text.bytes().try_fold(0u128, |bits, byte| {
        let digit = ALPHABET.iter().position(|char| *char == byte)?;
        Some(bits << 5 | digit as u128)
    })
}

/// 48 bits of time in milliseconds, then 80 given bits.
pub(crate) fn time_ordered(at_ms: i64, rest: &[u8; 10]) -> u128 {
    let time = u128::try_from(at_ms).unwrap_or(0) & 0xffff_ffff_ffff;
    rest.iter().fold(time, |bits, byte| bits << 8 | u128::from(*byte))
}

/// The text on the stack is ASCII.
pub(crate) fn as_str(text: &[u8; CHARS]) -> &str {
    std::str::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back_and_keep_the_order() {
        let bits = [0, 1, 31, 32, 1 << 80, u128::MAX - 1, u128::MAX];
        let texts: Vec<String> = bits.iter().map(|bits| as_str(&encode(*bits)).to_owned()).collect();
        assert!(texts.is_sorted(), "{texts:?}");
        assert_eq!(texts.iter().map(|text| decode(text)).collect::<Vec<_>>(), bits.map(Some));
        assert_eq!(texts[6], "7zzzzzzzzzzzzzzzzzzzzzzzzz");
    }

    #[test]
    fn other_texts_are_none() {
        let ok = "01arz3ndektsv4rrffq69g5fav";
        assert!(decode(ok).is_some());
        let twenty_five = &ok[1..];
        for bad in
            ["", twenty_five, "81arz3ndektsv4rrffq69g5fav", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01arz3ndektsv4rrffq69g5fau"]
        {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
