//! Exact money in nano-dollars, parsed from and printed as decimals without floats.

use std::fmt;
use std::iter::Sum;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

const NANOS_PER_USD: u64 = 1_000_000_000;

/// An amount of US dollars in nano-dollars, 0 or more. In records it is that integer; on the wire it is a JSON
/// number in dollars (see [`decimal`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Usd(u64);

/// Why a text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsdError {
    #[error("must be a decimal number of US dollars")]
    NotANumber,
    #[error("must be 0 or more")]
    Negative,
    #[error("must be at most 1000000000")]
    TooLarge,
}

impl Usd {
    pub const ZERO: Usd = Usd(0);
    /// The largest amount that a client may send: 1e9 dollars.
    pub const MAX_GIVEN: Usd = Usd(1_000_000_000 * NANOS_PER_USD);
    /// The largest sum: about 9.2 billion dollars, the limit of a signed 64-bit column. Sums saturate here.
    pub const MAX: Usd = Usd(i64::MAX as u64);

    /// Amounts above [`Usd::MAX`] become it.
    pub const fn from_nanos(nanos: u64) -> Self {
        Usd(if nanos > Self::MAX.0 { Self::MAX.0 } else { nanos })
    }

    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The sum, saturating at [`Usd::MAX`]: independent of the order of additions.
    #[must_use]
    pub const fn plus(self, other: Usd) -> Usd {
        Usd::from_nanos(self.0.saturating_add(other.0))
    }

    /// Parses a JSON number (sign, digits, fraction, exponent) exactly; digits below a nano-dollar are rounded half up.
    ///
    /// # Errors
    /// [`UsdError`]: not such a number, below 0 (`-0` is 0), or above [`Usd::MAX_GIVEN`].
    pub fn parse(text: &str) -> Result<Self, UsdError> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
            Some(at) => (&unsigned[..at], parse_exponent(&unsigned[at + 1..])?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return Err(UsdError::NotANumber),
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        let digits = || whole.bytes().chain(fraction.bytes());
        if whole.is_empty() || !digits().all(|digit| digit.is_ascii_digit()) {
            return Err(UsdError::NotANumber);
        }
        if digits().all(|digit| digit == b'0') {
            return Ok(Usd::ZERO);
        }
        if negative {
            return Err(UsdError::Negative);
        }
        // The first `kept` digits are whole nano-dollars; the next one decides the rounding.
        let kept =
            i64::try_from(whole.len()).map_err(|_| UsdError::TooLarge)?.saturating_add(exponent).saturating_add(9);
        let mut nanos = 0u64;
        let mut at = 0i64;
        for digit in digits().map(|digit| u64::from(digit - b'0')) {
            if at < kept {
                nanos = nanos.checked_mul(10).and_then(|nanos| nanos.checked_add(digit)).ok_or(UsdError::TooLarge)?;
            } else {
                nanos += u64::from(at == kept && digit >= 5);
                break;
            }
            at += 1;
        }
        while at < kept {
            nanos = nanos.checked_mul(10).ok_or(UsdError::TooLarge)?;
            at += 1;
        }
        if nanos > Self::MAX_GIVEN.0 { Err(UsdError::TooLarge) } else { Ok(Usd(nanos)) }
    }
}

/// Exponents are clamped: beyond ±400 every non-zero amount is too large or nothing.
fn parse_exponent(text: &str) -> Result<i64, UsdError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(UsdError::NotANumber);
    }
    let size = digits.parse::<i64>().unwrap_or(i64::MAX).min(2_000_000);
    Ok(if text.starts_with('-') { -size } else { size })
}

impl FromStr for Usd {
    type Err = UsdError;

    fn from_str(text: &str) -> Result<Self, UsdError> {
        Usd::parse(text)
    }
}

/// Decimal dollars, up to 9 decimals, trailing zeros cut: `0.084`, `12`, `0.000000001`.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, nanos) = (self.0 / NANOS_PER_USD, self.0 % NANOS_PER_USD);
        if nanos == 0 {
            return write!(f, "{whole}");
        }
        let fraction = format!("{nanos:09}");
        write!(f, "{whole}.{}", fraction.trim_end_matches('0'))
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Usd>>(amounts: I) -> Usd {
        amounts.fold(Usd::ZERO, Usd::plus)
    }
}

/// `#[serde(serialize_with = "decimal")]`: the wire form, a JSON number in dollars with exactly the stored decimals.
pub fn decimal<S: Serializer>(amount: &Usd, serializer: S) -> Result<S::Ok, S::Error> {
    let raw = RawValue::from_string(amount.to_string()).map_err(serde::ser::Error::custom)?;
    raw.serialize(serializer)
}

/// The same for an optional amount (pair it with `skip_serializing_if`).
pub fn decimal_option<S: Serializer>(amount: &Option<Usd>, serializer: S) -> Result<S::Ok, S::Error> {
    match amount {
        Some(amount) => decimal(amount, serializer),
        None => serializer.serialize_none(),
    }
}
