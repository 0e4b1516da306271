//! Spend that is out of the ordinary.

use proptest::prelude::*;
use tidegate_agentping_pulse::spend::{SpendRule, anomaly, day_of};
use tidegate_kernel::Usd;

use crate::samples::*;

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

fn days(text: &str) -> Vec<Usd> {
    text.split(' ').map(usd).collect()
}

const FORTNIGHT: &str = "10 12 11 9 10 13 12 10 11 9 10 12 11 10";

fn fires(rule: &SpendRule, today: &str, before: &str) -> bool {
    anomaly(rule, usd(today), &days(before)).is_some()
}

#[test]
fn ac_41_the_line_of_a_fortnight() {
    let rule = SpendRule::default();
    assert!(!fires(&rule, "13.72", FORTNIGHT));
    assert!(fires(&rule, "13.73", FORTNIGHT));
    let found = anomaly(&rule, usd("13.73"), &days(FORTNIGHT)).unwrap();
    assert_eq!((found.mean, found.sigma), (usd("10.714285714"), usd("1.204387583")));
    assert_eq!((found.threshold, found.z_hundredths), (usd("13.725254671"), 250));
    // Only the last 14 days count.
    assert!(fires(&rule, "13.73", &format!("500 0 {FORTNIGHT}")));
    // Once that UTC day.
    assert_eq!(day_of(at("2026-06-15T23:59:59.999Z")), at("2026-06-15T00:00:00Z"));
}

#[test]
fn ac_42_the_factor_moves_the_line_and_little_says_nothing() {
    let three = SpendRule { sigma_thousandths: 3_000, ..SpendRule::default() };
    assert!(!fires(&three, "14.32", FORTNIGHT));
    assert!(fires(&three, "14.33", FORTNIGHT));
    let rule = SpendRule::default();
    assert!(!fires(&rule, "100", "1 1 1 1 1 1"));
    assert!(fires(&rule, "100", "1 1 1 1 1 1 1"));
    assert!(!fires(&rule, "0.99", "0 0 0 0 0 0 0"));
    assert!(fires(&rule, "1", "0 0 0 0 0 0 0"));
}

#[test]
fn ac_43_a_constant_cost_has_a_deviation() {
    let rule = SpendRule::default();
    let tens = "10 10 10 10 10 10 10";
    assert!(!fires(&rule, "11.20", tens));
    assert!(!fires(&rule, "11.25", tens), "not above the line");
    assert!(fires(&rule, "11.250000001", tens));
    assert!(fires(&rule, "11.30", tens));
}

#[test]
fn the_largest_amounts_compare_and_an_odd_factor_is_bounded() {
    let rule = SpendRule { sigma_thousandths: u32::MAX, min_usd: Usd::ZERO };
    let most = vec![Usd::MAX; 14];
    assert_eq!(anomaly(&rule, Usd::MAX, &most), None);
    let mut one = vec![Usd::ZERO; 14];
    one[3] = Usd::MAX;
    assert_eq!(anomaly(&rule, Usd::MAX, &one), None);
    assert!(anomaly(&SpendRule::default(), Usd::MAX, &[Usd::ZERO; 14]).is_some());
}

proptest! {
    /// Wherever floating point is sure, it agrees; and more spend never silences.
    #[test]
    fn the_line_is_where_statistics_have_it(
        before in prop::collection::vec(0u64..50_000_000_000, 7..=14),
        today in 1_000_000_000u64..100_000_000_000,
        factor in 500u32..5_000,
    ) {
        let rule = SpendRule { sigma_thousandths: factor, ..SpendRule::default() };
        let amounts: Vec<Usd> = before.iter().map(|nanos| Usd::from_nanos(*nanos)).collect();
        let fires = anomaly(&rule, Usd::from_nanos(today), &amounts).is_some();
        let n = before.len() as f64;
        let mean = before.iter().map(|nanos| *nanos as f64).sum::<f64>() / n;
        let variance = before.iter().map(|nanos| (*nanos as f64 - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let line = mean + f64::from(factor) / 1_000.0 * variance.sqrt().max(mean / 20.0).max(1e7);
        if (today as f64 - line).abs() > 100.0 {
            prop_assert_eq!(fires, today as f64 > line, "{} against {}", today, line);
        }
        if fires {
            prop_assert!(anomaly(&rule, Usd::from_nanos(today + 1), &amounts).is_some());
        }
    }
}
