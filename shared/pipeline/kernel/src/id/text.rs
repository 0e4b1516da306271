//! The wire form of an id, parsed and printed without `std::fmt`: every event parses and prints several ids.

/// 128 bits as lowercase hex.
const HEX_CHARS: usize = 32;

/// The value of 32 lowercase hex digits; `None` for any other bytes.
pub(super) fn bits_of(hex: &[u8]) -> Option<u128> {
    let (high, low) = hex.split_at_checked(HEX_CHARS / 2)?;
    Some((u128::from(half_of(high)?) << 64) | u128::from(half_of(low)?))
}

fn half_of(hex: &[u8]) -> Option<u64> {
    let hex: &[u8; HEX_CHARS / 2] = hex.try_into().ok()?;
    let mut bits = 0;
    let mut foreign = 0;
    for byte in hex {
        let digit = DIGITS[*byte as usize];
        foreign |= digit;
        bits = (bits << 4) | u64::from(digit & 0xf);
    }
    (foreign & NO_DIGIT == 0).then_some(bits)
}

const NO_DIGIT: u8 = 0x80;

static DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    digits
};

/// Characters of a prefix at most.
pub(super) const MAX_PREFIX_CHARS: usize = 7;
/// Bytes of the longest id.
const MAX_CHARS: usize = MAX_PREFIX_CHARS + 1 + 2 + 1 + HEX_CHARS;

/// An id as text, on the stack.
pub struct IdText {
    chars: [u8; MAX_CHARS],
    len: usize,
}

impl IdText {
    /// The prefix must have at most seven characters.
    pub(super) fn of(prefix: &str, region: &str, bits: u128) -> Self {
        let mut text = IdText { chars: [0; MAX_CHARS], len: 0 };
        for part in [prefix, "_", region, "_"] {
            text.chars[text.len..text.len + part.len()].copy_from_slice(part.as_bytes());
            text.len += part.len();
        }
        let hex = &mut text.chars[text.len..text.len + HEX_CHARS];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(bits.to_be_bytes()) {
            pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
            pair[1] = b"0123456789abcdef"[usize::from(byte & 0xf)];
        }
        text.len += HEX_CHARS;
        text
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        // Prefixes, regions and digits are ASCII.
        std::str::from_utf8(&self.chars[..self.len]).unwrap_or_default()
    }
}
