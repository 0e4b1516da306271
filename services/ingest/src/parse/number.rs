//! Numbers as JSON and query strings write them.

/// The largest whole number that every JSON reader takes exactly: 2^53 - 1.
pub const MAX_EXACT: u64 = 9_007_199_254_740_991;

/// A whole number of 0 or more, in any spelling: `12300`, `12300.0` (as PHP writes floats) and `1.23e4` say the
/// same. `None` for anything else.
pub fn whole(text: &str) -> Option<u64> {
    if let Ok(number) = text.parse::<u64>() {
        return Some(number);
    }
    let number = finite(text)?;
    // Within 2^53 the conversion is exact.
    (number.fract() == 0.0 && (0.0..=MAX_EXACT as f64).contains(&number)).then_some(number as u64)
}

/// A finite number; `None` for anything else, also for one too large for a 64-bit float.
pub fn finite(text: &str) -> Option<f64> {
    let starts_as_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    text.parse::<f64>().ok().filter(|number| starts_as_number && number.is_finite())
}
