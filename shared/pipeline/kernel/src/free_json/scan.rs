//! One pass over JSON text that validates it, enforces the limits, and hashes its content.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_64;

use super::mix::mix;
use super::names::Names;
use super::{ContentHash, FreeJsonError, FreeJsonLimits, number};

const TAG_NULL: u64 = 1;
const TAG_BOOL: u64 = 2;
const TAG_STRING: u64 = 5;
const TAG_LIST: u64 = 6;
const TAG_OBJECT: u64 = 7;

/// The text and the read position in bytes.
pub(super) struct Scan<'j> {
    text: &'j str,
    at: usize,
    limits: FreeJsonLimits,
    members_left: u32,
    /// Whether numbers are hashed as earlier builds did.
    as_earlier: bool,
    /// Whether a number was found whose hash differs from that of earlier builds.
    differs: bool,
}

type Scanned<T> = Result<T, FreeJsonError>;

impl<'j> Scan<'j> {
    pub fn new(text: &'j str, limits: FreeJsonLimits) -> Self {
        Scan { text, at: 0, limits, members_left: limits.max_members, as_earlier: false, differs: false }
    }

    /// The hash of the text's value, and the hash of earlier builds where it differs. Calls `note` with the name and
    /// raw value of each member of the value itself, not of nested values.
    pub fn both(mut self, note: &mut dyn FnMut(&str, &'j str)) -> Scanned<ContentHash> {
        let hash = self.whole(note)?;
        if !self.differs {
            return Ok(ContentHash { hash, earlier: None });
        }
        let mut again = Scan { as_earlier: true, ..Scan::new(self.text, self.limits) };
        Ok(ContentHash { hash, earlier: Some(again.whole(&mut |_, _| {})?) })
    }

    fn whole(&mut self, note: &mut dyn FnMut(&str, &'j str)) -> Scanned<u64> {
        let hash = self.value(0, note)?;
        self.skip_space();
        if self.next_byte().is_none() { Ok(hash) } else { Err(FreeJsonError::NotJson) }
    }

    fn value(&mut self, depth: u32, note: &mut dyn FnMut(&str, &'j str)) -> Scanned<u64> {
        self.skip_space();
        match self.next_byte() {
            Some(b'"') => Ok(mix(TAG_STRING, xxh3_64(self.string()?.as_bytes()))),
            Some(b'{') => self.object(depth, note),
            Some(b'[') => self.list(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", mix(TAG_BOOL, 1)),
            Some(b'f') => self.word("false", mix(TAG_BOOL, 0)),
            Some(b'n') => self.word("null", mix(TAG_NULL, 0)),
            _ => Err(FreeJsonError::NotJson),
        }
    }

    fn object(&mut self, depth: u32, note: &mut dyn FnMut(&str, &'j str)) -> Scanned<u64> {
        self.enter(depth)?;
        // A sum does not depend on the order of members.
        let mut sum = TAG_OBJECT;
        let mut names = Names::default();
        let mut closed = self.closes(b'}');
        while !closed {
            self.skip_space();
            let name = self.string()?;
            let name_hash = xxh3_64(name.as_bytes());
            if !names.is_new(name_hash) {
                return Err(FreeJsonError::Repeated);
            }
            self.members_left = self
                .members_left
                .checked_sub(1)
                .ok_or(FreeJsonError::TooManyMembers { max: self.limits.max_members })?;
            self.skip_space();
            self.expect(b':')?;
            self.skip_space();
            let begun_at = self.at;
            let value = self.value(depth + 1, &mut |_, _| {})?;
            note(&name, &self.text[begun_at..self.at]);
            sum = sum.wrapping_add(mix(name_hash, value));
            closed = self.ends(b'}')?;
        }
        Ok(mix(TAG_OBJECT, sum))
    }

    fn list(&mut self, depth: u32) -> Scanned<u64> {
        self.enter(depth)?;
        let mut hash = TAG_LIST;
        let mut closed = self.closes(b']');
        while !closed {
            hash = mix(hash, self.value(depth + 1, &mut |_, _| {})?);
            closed = self.ends(b']')?;
        }
        Ok(mix(TAG_LIST, hash))
    }

    /// Reads the opening bracket and checks the nesting depth.
    fn enter(&mut self, depth: u32) -> Scanned<()> {
        if depth >= self.limits.max_depth {
            return Err(FreeJsonError::TooDeep { max: self.limits.max_depth });
        }
        self.at += 1;
        Ok(())
    }

    /// Reads the closing bracket of an empty object or list; false if it is not empty.
    fn closes(&mut self, bracket: u8) -> bool {
        self.skip_space();
        let closes = self.next_byte() == Some(bracket);
        self.at += usize::from(closes);
        closes
    }

    /// Reads the separator after an item; true if the item was the last one.
    fn ends(&mut self, bracket: u8) -> Scanned<bool> {
        self.skip_space();
        let byte = self.next_byte();
        self.at += 1;
        match byte {
            Some(b',') => Ok(false),
            Some(byte) if byte == bracket => Ok(true),
            _ => Err(FreeJsonError::NotJson),
        }
    }

    /// A string without its quotes, borrowed unless it has escapes.
    fn string(&mut self) -> Scanned<Cow<'j, str>> {
        let quoted_at = self.at;
        self.expect(b'"')?;
        let mut escaped = false;
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let plain = rest.iter().position(|byte| PLAIN[*byte as usize] == 0).ok_or(FreeJsonError::NotJson)?;
            self.at += plain + 1;
            match rest[plain] {
                b'"' => break,
                // The escape is decoded below. Here an escaped quote must not end the string.
                b'\\' => {
                    escaped = true;
                    self.at += 1;
                }
                _ => return Err(FreeJsonError::NotJson),
            }
            if self.at > self.text.len() {
                return Err(FreeJsonError::NotJson);
            }
        }
        if escaped {
            // A backslash may split a multi-byte character: then the bytes are not UTF-8 and not JSON.
            let quoted = self.text.get(quoted_at..self.at).ok_or(FreeJsonError::NotJson)?;
            return serde_json::from_str(quoted).map(Cow::Owned).map_err(|_| FreeJsonError::NotJson);
        }
        Ok(Cow::Borrowed(&self.text[quoted_at + 1..self.at - 1]))
    }

    fn number(&mut self) -> Scanned<u64> {
        /// Any integer of at most this many digits fits in 64 bits.
        const SURE_DIGITS: usize = 19;
        let bytes = &self.text.as_bytes()[self.at..];
        let is_digit = |byte: &u8| byte.is_ascii_digit();
        let digits = bytes.iter().position(|byte| !is_digit(byte)).unwrap_or(bytes.len());
        let more = matches!(bytes.get(digits), Some(b'.' | b'e' | b'E' | b'+' | b'-'));
        let plain = (1..=SURE_DIGITS).contains(&digits) && !more && (bytes[0] != b'0' || digits == 1);
        if plain {
            let number = bytes[..digits].iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
            if number <= i64::MAX.cast_unsigned() {
                self.at += digits;
                return Ok(number::of_integer(number));
            }
        }
        if let Some((hash, length)) = number::of_short_decimal(bytes) {
            self.at += length;
            return Ok(hash);
        }
        let in_number = |byte: &u8| is_digit(byte) || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
        let length = bytes.iter().position(|byte| !in_number(byte)).unwrap_or(bytes.len());
        let text = &self.text[self.at..self.at + length];
        let number: serde_json::Number = serde_json::from_str(text).map_err(|_| FreeJsonError::NotJson)?;
        self.at += length;
        let number::Hashed { hash, earlier } = number::of(text, &number);
        self.differs |= hash != earlier;
        Ok(if self.as_earlier { earlier } else { hash })
    }

    fn word(&mut self, word: &str, hash: u64) -> Scanned<u64> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(FreeJsonError::NotJson);
        }
        self.at += word.len();
        Ok(hash)
    }

    fn expect(&mut self, byte: u8) -> Scanned<()> {
        if self.next_byte() != Some(byte) {
            return Err(FreeJsonError::NotJson);
        }
        self.at += 1;
        Ok(())
    }

    fn skip_space(&mut self) {
        while matches!(self.next_byte(), Some(b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    fn next_byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

/// 1 for the bytes that need no escape in a string.
static PLAIN: [u8; 256] = {
    let mut plain = [1; 256];
    let mut control = 0;
    while control < 0x20 {
        plain[control] = 0;
        control += 1;
    }
    plain[b'"' as usize] = 0;
    plain[b'\\' as usize] = 0;
    plain
};
