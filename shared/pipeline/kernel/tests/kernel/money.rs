//! Money: exact from text to text.

use proptest::prelude::*;
use tidegate_kernel::Usd;
use tidegate_kernel::usd::UsdError;

#[test]
fn amounts_are_read_exactly() {
    for (text, nanos) in [
        ("0", 0),
        ("-0", 0),
        ("-0.000e5", 0),
        ("0.084", 84_000_000),
        ("8.4e-2", 84_000_000),
        ("84E-3", 84_000_000),
        ("0.0084e+1", 84_000_000),
        ("1", 1_000_000_000),
        ("1000000000", 1_000_000_000_000_000_000),
        ("1e9", 1_000_000_000_000_000_000),
        ("0.1", 100_000_000),
        ("0.000000001", 1),
        ("0.0000000004", 0),
        ("0.0000000005", 1),
        ("0.00000000149999", 1),
        ("1e-400000", 0),
        ("0e999999999999999999999", 0),
        ("123456789.987654321", 123_456_789_987_654_321),
    ] {
        assert_eq!(Usd::parse(text), Ok(Usd::from_nanos(nanos)), "{text}");
    }
}

#[test]
fn other_texts_are_refused() {
    for (text, error) in [
        ("", UsdError::NotANumber),
        ("-", UsdError::NotANumber),
        (".5", UsdError::NotANumber),
        ("5.", UsdError::NotANumber),
        ("1e", UsdError::NotANumber),
        ("1e+", UsdError::NotANumber),
        ("1.2.3", UsdError::NotANumber),
        ("+1", UsdError::NotANumber),
        ("NaN", UsdError::NotANumber),
        ("inf", UsdError::NotANumber),
        ("1,5", UsdError::NotANumber),
        ("0x10", UsdError::NotANumber),
        ("-1", UsdError::Negative),
        ("-0.000000000001", UsdError::Negative),
        ("1000000000.000000001", UsdError::TooLarge),
        ("1e10", UsdError::TooLarge),
        ("1e400000", UsdError::TooLarge),
        ("99999999999999999999999999", UsdError::TooLarge),
    ] {
        assert_eq!(Usd::parse(text), Err(error), "{text}");
    }
}

#[test]
fn sums_saturate() {
    assert_eq!(Usd::MAX.plus(Usd::from_nanos(1)), Usd::MAX);
    assert_eq!(Usd::from_nanos(u64::MAX), Usd::MAX);
}

proptest! {
    #[test]
    fn printing_and_reading_are_inverse(nanos in 0u64..=1_000_000_000_000_000_000) {
        let amount = Usd::from_nanos(nanos);
        let text = amount.to_string();
        prop_assert_eq!(Usd::parse(&text), Ok(amount));
        prop_assert!(!text.contains('.') || !text.ends_with('0'), "{}", text);
    }

    /// Moving the decimal point and naming the shift says the same.
    #[test]
    fn exponents_only_shift(digits in 1u64..1_000_000_000, shift in 0usize..9) {
        let plain = Usd::parse(&format!("0.{digits:09}"));
        let shifted = format!("0.{}{digits:09}e{shift}", "0".repeat(shift));
        prop_assert_eq!(Usd::parse(&shifted), plain);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[-+0-9.eE]{0,40}") {
        if let Ok(amount) = Usd::parse(&text) {
            prop_assert!(amount <= Usd::MAX_GIVEN);
            let float: f64 = text.parse().unwrap_or(f64::NAN);
            prop_assert!((float - amount.as_nanos() as f64 / 1e9).abs() <= 1e-9 + float.abs() * 1e-12, "{}", text);
        }
    }
}
