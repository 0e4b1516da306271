//! Amounts as texts: exact dollars, counts in groups of three digits.

use tidegate_kernel::Usd;

/// Dollars, exact, with two decimal places or as many more as they have.
pub(crate) fn usd(amount: Usd) -> String {
    let text = amount.to_string();
    match text.split_once('.') {
        None => format!("${text}.00"),
        Some((_, decimals)) if decimals.len() < 2 => format!("${text}0"),
        Some(_) => format!("${text}"),
    }
}

/// Dollars as the API writes them, like all others on the page.
pub(crate) fn dollars(written: &str) -> String {
    Usd::parse(written).map_or_else(|_| format!("${written}"), usd)
}

/// What precedes a figure of a part of the runs.
pub(crate) const fn at_least(is_of_a_part: bool) -> &'static str {
    if is_of_a_part { "at least " } else { "" }
}

/// A count, in groups of three digits.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 run`, `2 runs`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// `part` of `whole` in thousandths, at most 1,000.
pub(crate) fn permille(part: u64, whole: u64) -> u32 {
    let permille = u128::from(part) * 1_000 / u128::from(whole.max(1));
    u32::try_from(permille.min(1_000)).unwrap_or(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_exact() {
        for (sent, shown) in [("0", "$0.00"), ("0.5", "$0.50"), ("12.34", "$12.34"), ("0.000000001", "$0.000000001")] {
            assert_eq!(usd(Usd::parse(sent).unwrap()), shown);
        }
        assert_eq!([dollars("20.5"), dollars("1e400")], ["$20.50", "$1e400"]);
    }

    #[test]
    fn counts_are_in_groups() {
        for (number, shown) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(count(number), shown);
        }
        assert_eq!((counted(1, "run"), counted(0, "run")), ("1 run".to_owned(), "0 runs".to_owned()));
    }

    #[test]
    fn a_part_is_never_above_its_whole() {
        assert_eq!(
            [permille(1, 3), permille(5, 4), permille(1, 0), permille(u64::MAX, u64::MAX)],
            [333, 1_000, 1_000, 1_000]
        );
    }
}
