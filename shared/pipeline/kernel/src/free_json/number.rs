//! Hashes numbers of free JSON by their exact decimal value. `1`, `1.0` and `10e-1` are the same number; numbers that
//! differ in any digit are different, even if a 64-bit float cannot distinguish them.
//!
//! Earlier builds hashed the 64-bit integer or float. Their hash is kept where it identifies a number uniquely, so that
//! most stored hashes stay valid; elsewhere [`Hashed::earlier`] holds it.

use std::fmt::{self, Write};

use serde_json::Number;
use xxhash_rust::xxh3::xxh3_64;

use super::mix::mix;

const TAG_INTEGER: u64 = 3;
const TAG_FLOAT: u64 = 4;
const TAG_DECIMAL: u64 = 8;

/// A normal 64-bit float distinguishes all decimals of at most this many digits.
const SURE_FLOAT_DIGITS: usize = 15;
/// Any integer of at most this many digits fits in 64 bits.
const SURE_INTEGER_DIGITS: usize = 19;

/// The hash of a number.
pub(super) struct Hashed {
    pub hash: u64,
    /// The hash of earlier builds.
    pub earlier: u64,
}

/// The hash of an integer from 0 to `i64::MAX`.
pub(super) fn of_integer(integer: u64) -> u64 {
    mix(TAG_INTEGER, integer)
}

/// The hash and the length in bytes of a number such as `-1.5` with at most [`SURE_FLOAT_DIGITS`] digits: the form of
/// most numbers that are no plain integers. Both hashes are equal here. `None`: use [`of`].
pub(super) fn of_short_decimal(bytes: &[u8]) -> Option<(u64, usize)> {
    let negative = bytes.first() == Some(&b'-');
    let begins = usize::from(negative);
    let digits_from = |at: usize| bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits_from(begins);
    let point = begins + whole;
    let has_point = bytes.get(point) == Some(&b'.');
    let fraction = if has_point { digits_from(point + 1) } else { 0 };
    let length = point + if has_point { 1 + fraction } else { 0 };
    let is_json = whole > 0 && (whole == 1 || bytes[begins] != b'0') && (!has_point || fraction > 0);
    let goes_on = matches!(bytes.get(length), Some(b'.' | b'e' | b'E' | b'+' | b'-'));
    if !is_json || goes_on || whole + fraction > SURE_FLOAT_DIGITS {
        return None;
    }
    let digits = bytes[begins..length].iter().filter(|byte| byte.is_ascii_digit());
    let digits = digits.fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'));
    // Both are exact, so their quotient is rounded once, which is the correct result.
    let value = digits as f64 / 10_f64.powi(fraction as i32);
    let value = if negative { -value } else { value };
    let hash = if value.fract() == 0.0 { of_integer_bits(value as i64) } else { mix(TAG_FLOAT, value.to_bits()) };
    Some((hash, length))
}

fn of_integer_bits(integer: i64) -> u64 {
    mix(TAG_INTEGER, integer.cast_unsigned())
}

/// The hash of any number, from its text and its parsed value.
pub(super) fn of(text: &str, number: &Number) -> Hashed {
    let earlier = earlier(number);
    let Some(decimal) = Decimal::of(text) else {
        return Hashed { hash: mix(TAG_DECIMAL, xxh3_64(text.as_bytes())), earlier };
    };
    // Rounded correctly, which serde_json's parser does not promise.
    let float: f64 = text.parse().unwrap_or_default();
    let hash = if let Some(integer) = decimal.as_i64() {
        of_integer_bits(integer)
    } else if decimal.significant <= SURE_FLOAT_DIGITS && float.is_normal() || decimal.is_shortest_of(float) {
        mix(TAG_FLOAT, float.to_bits())
    } else {
        mix(TAG_DECIMAL, decimal.hash(text))
    };
    Hashed { hash, earlier }
}

fn earlier(number: &Number) -> u64 {
    if let Some(integer) = number.as_u64().or(number.as_i64().map(i64::cast_unsigned)) {
        return mix(TAG_INTEGER, integer);
    }
    let value = number.as_f64().unwrap_or_default();
    if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
        return mix(TAG_INTEGER, value as i64 as u64);
    }
    mix(TAG_FLOAT, value.to_bits())
}

/// A decimal number without the zeros at the ends of its digits: `±digits × 10^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    /// How many digits there are; none for zero.
    significant: usize,
    /// The digits, where they are [`SURE_INTEGER_DIGITS`] at most; else 0.
    digits: u64,
    exponent: i64,
}

impl Decimal {
    /// Parses the text of a number; `None` if the exponent is out of range.
    fn of(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        // Small enough that additions cannot overflow 64 bits.
        let exponent: i64 = exponent.parse().ok().filter(|exponent: &i64| exponent.unsigned_abs() < 1 << 60)?;
        let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let zeros = significant_digits(mantissa).rev().take_while(|digit| *digit == b'0').count();
        let significant = significant_digits(mantissa).count() - zeros;
        if significant == 0 {
            return Some(Decimal { negative: false, significant, digits: 0, exponent: 0 });
        }
        let kept = significant_digits(mantissa).take(if significant <= SURE_INTEGER_DIGITS { significant } else { 0 });
        Some(Decimal {
            negative: mantissa.starts_with('-'),
            significant,
            digits: kept.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')),
            exponent: exponent + zeros as i64 - fraction as i64,
        })
    }

    fn as_i64(self) -> Option<i64> {
        if self.significant > SURE_INTEGER_DIGITS {
            return None;
        }
        let scale = 10_i128.checked_pow(u32::try_from(self.exponent).ok()?)?;
        let value = i128::from(self.digits).checked_mul(scale)?;
        i64::try_from(if self.negative { -value } else { value }).ok()
    }

    /// Whether this is how the float is written with the fewest digits: each float has one such text.
    fn is_shortest_of(self, float: f64) -> bool {
        /// Digits, sign, point and exponent of any float.
        const MAX_CHARS: usize = 32;
        let mut shortest = Short::<MAX_CHARS> { chars: [0; MAX_CHARS], len: 0 };
        self.significant <= SURE_INTEGER_DIGITS
            && write!(shortest, "{float:e}").is_ok()
            && std::str::from_utf8(&shortest.chars[..shortest.len]).ok().and_then(Decimal::of) == Some(self)
    }

    /// Hashes all digits and the exponent.
    fn hash(self, text: &str) -> u64 {
        let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
        let digits: Vec<u8> = significant_digits(mantissa).take(self.significant).collect();
        mix(xxh3_64(&digits), mix(u64::from(self.negative), self.exponent.cast_unsigned()))
    }
}

/// The digits without leading zeros.
fn significant_digits(mantissa: &str) -> impl DoubleEndedIterator<Item = u8> {
    let leading = mantissa.find(|char| matches!(char, '1'..='9')).unwrap_or(mantissa.len());
    mantissa[leading..].bytes().filter(u8::is_ascii_digit)
}

/// A short text on the stack.
struct Short<const MAX: usize> {
    chars: [u8; MAX],
    len: usize,
}

impl<const MAX: usize> Write for Short<MAX> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let free = self.chars.get_mut(self.len..self.len + text.len()).ok_or(fmt::Error)?;
        free.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The fast and the general path give the same hash and length for a number, and both reject the same texts.
        #[test]
        fn both_ways_agree(text in "-?[0-9]{1,16}(\\.[0-9]{0,16})?([eE+.-][0-9]?)?") {
            let short = of_short_decimal(text.as_bytes());
            match (short, serde_json::from_str::<Number>(&text)) {
                (Some((hash, length)), Ok(number)) => {
                    let long = of(&text, &number);
                    prop_assert_eq!((hash, hash, length), (long.hash, long.earlier, text.len()));
                }
                (Some(_), Err(_)) => prop_assert!(false, "{} is no number", text),
                (None, _) => {}
            }
        }
    }

    #[test]
    fn what_is_usual_goes_the_short_way() {
        for text in ["0.084", "-1.5", "-3", "0.0", "-0.0", "1.0", "123456789012.345", "-0.5,", "2.50]"] {
            assert!(of_short_decimal(text.as_bytes()).is_some(), "{text}");
        }
        for text in ["-", ".5", "1.", "01.5", "-01", "1.5e3", "1e3", "1.5.5", "1234567890.1234567", "x", ""] {
            assert!(of_short_decimal(text.as_bytes()).is_none(), "{text}");
        }
    }
}
