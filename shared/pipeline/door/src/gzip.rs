//! Decoding gzip, and never more than a limit of it.

use std::io::Read;

use flate2::bufread::GzDecoder;

/// Deflate packs no more than this into one byte.
pub(crate) const DEFLATE_MOST: usize = 1_032;
/// The least by which the memory for a decoded body grows at once.
const STEP: usize = 16 * 1024;

/// Why there is no decoded body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gunzip {
    /// It decodes to more than the limit.
    TooLarge,
    /// It is no gzip, or ends too early.
    Malformed,
}

/// All members of `sent`, one after the other (RFC 1952, 2.2), without the zeros that may be behind the last of them, as
/// tapes and block devices leave them. Never holds more than the limit, whatever the compressed form promises.
pub(crate) fn gunzip(sent: &[u8], max_bytes: usize) -> Result<Vec<u8>, Gunzip> {
    let limit = max_bytes + 1;
    // The last four bytes say how large the last member was, unless they lie.
    let promised = sent.last_chunk().map_or(0, |four| u32::from_le_bytes(*four) as usize);
    let mut decoded = Vec::with_capacity(promised.saturating_add(1).min(limit));
    let mut rest = sent;
    loop {
        rest = member(rest, &mut decoded, limit)?;
        if rest.iter().all(|byte| *byte == 0) {
            return Ok(decoded);
        }
    }
}

/// Decodes one member; what is behind it is left.
fn member<'s>(sent: &'s [u8], decoded: &mut Vec<u8>, limit: usize) -> Result<&'s [u8], Gunzip> {
    let mut decoder = GzDecoder::new(sent);
    loop {
        let free = decoded.capacity().min(limit) - decoded.len();
        let step = decoder.by_ref().take(free as u64).read_to_end(decoded);
        if step.map_err(|_| Gunzip::Malformed)? < free {
            return Ok(decoder.into_inner());
        }
        if decoded.len() >= limit {
            return Err(Gunzip::TooLarge);
        }
        decoded.reserve_exact(decoded.len().max(STEP).min(limit - decoded.len()));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn members_and_padding_are_read_as_standard_tools_read_them() {
        let (one, two, none) = (gzip(b"one"), gzip(b"two"), gzip(b""));
        for (sent, expected) in [
            (one.clone(), Ok(&b"one"[..])),
            ([&one[..], &two].concat(), Ok(b"onetwo")),
            ([&none[..], &one, &none, &two, &none].concat(), Ok(b"onetwo")),
            ([&one[..], &[0; 1]].concat(), Ok(b"one")),
            ([&one[..], &[0; 600]].concat(), Ok(b"one")),
            ([&one[..], &two, &[0; 9]].concat(), Ok(b"onetwo")),
            (none.clone(), Ok(b"")),
            ([&one[..], b"tail"].concat(), Err(Gunzip::Malformed)),
            ([&one[..], &[0; 3], &two].concat(), Err(Gunzip::Malformed)),
            ([&one[..], &two[..9]].concat(), Err(Gunzip::Malformed)),
            (one[..one.len() - 1].to_vec(), Err(Gunzip::Malformed)),
            (vec![0; 8], Err(Gunzip::Malformed)),
            (Vec::new(), Err(Gunzip::Malformed)),
        ] {
            assert_eq!(gunzip(&sent, 100), expected.map(<[u8]>::to_vec), "{sent:?}");
        }
    }

    #[test]
    fn the_limit_holds_over_all_members_to_the_byte() {
        let part = gzip(&[b'x'; 40]);
        let two = part.repeat(2);
        assert_eq!(gunzip(&two, 80).map(|text| text.len()), Ok(80));
        assert_eq!(gunzip(&[&two[..], &[0; 100]].concat(), 80).map(|text| text.len()), Ok(80));
        assert_eq!(gunzip(&two, 79), Err(Gunzip::TooLarge));
        assert_eq!(gunzip(&part.repeat(1_000), 80), Err(Gunzip::TooLarge));
        assert_eq!(gunzip(&gzip(&vec![b'x'; 100_000]), 99_999), Err(Gunzip::TooLarge));
        assert_eq!(gunzip(&gzip(&vec![b'x'; 100_000]), 100_000).map(|text| text.len()), Ok(100_000));
    }
}
