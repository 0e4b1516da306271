//! Receipts. A client gets one with a `202` and can later query how its record ended.
//!
//! `rcp_<region>_<hex>`. To clients the text is opaque. It contains the record's position on the log, the team that
//! sent it, the time of receipt, and a checksum, so that a mistyped receipt is distinguished from an unknown one. It is
//! no secret and grants nothing: a query still needs a credential of the team.

use std::fmt;
use std::str::FromStr;

use tidegate_kernel::free_json::text_hash;
use tidegate_kernel::{Position, Region, Timestamp};

use crate::TeamId;

/// The version that this build writes. It reads every version up to it.
pub const VERSION: u8 = 1;

const PREFIX: &str = "rcp_";
/// Version, generation, partition, offset, team, time of receipt.
const BODY_BYTES: usize = 1 + 2 + 4 + 8 + 16 + 8;
const CHECK_BYTES: usize = 4;
const BYTES: usize = BODY_BYTES + CHECK_BYTES;
/// Length of `rcp_`, the two characters of the region, and `_`.
const HEAD_CHARS: usize = PREFIX.len() + 2 + 1;

/// Length of a receipt's text: 93 characters, all of them ASCII.
pub const CHARS: usize = HEAD_CHARS + 2 * BYTES;

/// A record's receipt. Its region is the team's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub position: Position,
    pub team: TeamId,
    pub received_at: Timestamp,
}

/// Why a text is not a receipt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    #[error("must match pattern rcp_(eu|us)_[0-9a-f]{{{}}}", 2 * BYTES)]
    Pattern,
    #[error("names region '{region}', which is not one of 'eu', 'us'")]
    UnknownRegion { region: String },
    #[error("is of version {version}; this server reads versions up to {VERSION}")]
    Version { version: u8 },
    #[error("is not as it was given out: a character was changed on the way")]
    Altered,
}

/// A receipt's text, kept on the stack since every accepted record needs one.
#[derive(Clone, Copy)]
pub struct ReceiptText([u8; CHARS]);

impl ReceiptText {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn as_str(&self) -> &str {
        // The prefix, the regions and the digits are ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Receipt {
    pub const fn region(&self) -> Region {
        self.team.region()
    }

    /// The wire form.
    pub fn text(&self) -> ReceiptText {
        let region = self.region().as_str().as_bytes();
        let mut bytes = [0; BYTES];
        let (body, check) = bytes.split_at_mut(BODY_BYTES);
        let mut rest = &mut *body;
        for part in [
            &[VERSION][..],
            &self.position.generation.to_be_bytes(),
            &self.position.partition.to_be_bytes(),
            &self.position.offset.to_be_bytes(),
            &self.team.bits().to_be_bytes(),
            &self.received_at.as_millis().to_be_bytes(),
        ] {
            let (here, after) = rest.split_at_mut(part.len());
            here.copy_from_slice(part);
            rest = after;
        }
        check.copy_from_slice(&check_of(region, body));
        let mut chars = [b'_'; CHARS];
        chars[..PREFIX.len()].copy_from_slice(PREFIX.as_bytes());
        chars[PREFIX.len()..HEAD_CHARS - 1].copy_from_slice(region);
        for (pair, byte) in chars[HEAD_CHARS..].chunks_exact_mut(2).zip(bytes) {
            pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
            pair[1] = b"0123456789abcdef"[usize::from(byte & 0xf)];
        }
        ReceiptText(chars)
    }

    /// Parses the wire form. The pattern is checked first, then the region, the version and the checksum.
    ///
    /// # Errors
    /// [`ReceiptError`].
    pub fn parse(text: &str) -> Result<Self, ReceiptError> {
        let rest = text.strip_prefix(PREFIX).map(str::as_bytes).ok_or(ReceiptError::Pattern)?;
        let [region @ .., _] = rest.get(..3).filter(|head| head[2] == b'_').ok_or(ReceiptError::Pattern)? else {
            return Err(ReceiptError::Pattern);
        };
        if !region.iter().all(u8::is_ascii_lowercase) {
            return Err(ReceiptError::Pattern);
        }
        let bytes = bytes_of(&rest[3..]).ok_or(ReceiptError::Pattern)?;
        let word: String = region.iter().map(|byte| char::from(*byte)).collect();
        let region: Region = word.parse().map_err(|_| ReceiptError::UnknownRegion { region: word })?;
        let (body, check) = bytes.split_at(BODY_BYTES);
        let (version, body) = (body[0], &body[1..]);
        if version == 0 || version > VERSION {
            return Err(ReceiptError::Version { version });
        }
        if check != check_of(region.as_str().as_bytes(), &bytes[..BODY_BYTES]) {
            return Err(ReceiptError::Altered);
        }
        let mut fields = Fields(body);
        Ok(Receipt {
            position: Position {
                generation: u16::from_be_bytes(fields.take()),
                partition: u32::from_be_bytes(fields.take()),
                offset: i64::from_be_bytes(fields.take()),
            },
            team: TeamId::from_bits(region, u128::from_be_bytes(fields.take())),
            received_at: Timestamp::from_millis(i64::from_be_bytes(fields.take())),
        })
    }
}

/// Reads numbers of known widths, one after another.
struct Fields<'b>(&'b [u8]);

impl Fields<'_> {
    /// The next `N` bytes. Past the end it returns zeros, which a body of the right length never reaches.
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.0.split_first_chunk().unwrap_or((&[0; N], &[]));
        self.0 = rest;
        *field
    }
}

fn check_of(region: &[u8], body: &[u8]) -> [u8; CHECK_BYTES] {
    // The low half of the hash is enough to detect a typing error.
    (text_hash(&[region, body]) as u32).to_be_bytes()
}

/// Lowercase digits only, so that a receipt has one text.
fn bytes_of(hex: &[u8]) -> Option<[u8; BYTES]> {
    if hex.len() != 2 * BYTES {
        return None;
    }
    let mut bytes = [0; BYTES];
    for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
    }
    Some(bytes)
}

const fn digit(char: u8) -> Option<u8> {
    match char {
        b'0'..=b'9' => Some(char - b'0'),
        b'a'..=b'f' => Some(char - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

impl FromStr for Receipt {
    type Err = ReceiptError;

    fn from_str(text: &str) -> Result<Self, ReceiptError> {
        Receipt::parse(text)
    }
}
