//! Numbers as people write them on the command line, exact.

use std::fmt;
use std::str::FromStr;

use tidegate_kernel::Usd;

/// A factor from 0 to 1 in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchMultiplier {
    pub permille: u32,
}

const NANOS_PER_THOUSANDTH: u64 = 1_000_000;

impl FromStr for BatchMultiplier {
    type Err = &'static str;

    /// Decimal digits are read exactly, by the same reader as amounts of money.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        let allowed = "must be a number from 0 to 1 with up to 3 decimals, for example 0.5";
        let nanos = Usd::parse(text).map_err(|_| allowed)?.as_nanos();
        match u32::try_from(nanos / NANOS_PER_THOUSANDTH) {
            Ok(permille @ 0..=1_000) if nanos % NANOS_PER_THOUSANDTH == 0 => Ok(BatchMultiplier { permille }),
            _ => Err(allowed),
        }
    }
}

/// As a decimal number, which is a JSON number too.
impl fmt::Display for BatchMultiplier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Usd::from_nanos(u64::from(self.permille) * NANOS_PER_THOUSANDTH).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_exact_or_refused() {
        for (text, permille) in
            [("0.5", Some(500)), ("1", Some(1_000)), ("0", Some(0)), ("0.125", Some(125)), ("0.50", Some(500))]
        {
            assert_eq!(text.parse().ok().map(|factor: BatchMultiplier| factor.permille), permille, "{text}");
        }
        for text in ["1.001", "2", "-0.5", "0.1234", "half", ""] {
            assert!(text.parse::<BatchMultiplier>().is_err(), "{text}");
        }
        assert_eq!(BatchMultiplier { permille: 500 }.to_string(), "0.5");
    }
}
