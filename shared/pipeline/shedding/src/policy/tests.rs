//! The policy by table and by property.

use std::time::Duration;

use proptest::prelude::*;
use tidegate_kernel::outage::with_jitter;

use super::*;

fn known(records: u64, age_ms: u64) -> Reading {
    Reading::Known { records, age_ms }
}

/// The decision after these readings, one a second.
fn after(policy: &ShedThresholds, readings: &[(u64, u64)]) -> Decision {
    let (mut held, mut trend) = (Decision::default(), Trend::default());
    for (second, (records, age_ms)) in readings.iter().enumerate() {
        trend.note(Duration::from_secs(second as u64), *records, *age_ms);
        held = decide(policy, held, known(*records, *age_ms), &trend);
    }
    held
}

/// Shedding by both measures, as lightly as can be.
fn entered() -> Decision {
    after(&ShedThresholds::default(), &[(1_000_000, 60_000)])
}

#[test]
fn thresholds_in_a_table() {
    use ShedCause::{Age, Records};
    // (records, age, pressure while calm, pressure once both thresholds were crossed, its cause)
    for (records, age_ms, calm, shedding, cause) in [
        (0, 0, 0, 0, None),
        (10, 29_999, 0, 0, None),
        (10, 30_000, 0, 1, Some(Age)),
        (10, 59_999, 0, 1, Some(Age)),
        (10, 60_000, 1, 1, Some(Age)),
        (10, 330_000, 2_000, 2_000, Some(Age)),
        (10, 600_000, 4_000, 4_000, Some(Age)),
        (10, 6_000_000, 4_000, 4_000, Some(Age)),
        (499_999, 0, 0, 0, None),
        (500_000, 0, 0, 1, Some(Records)),
        (1_000_000, 0, 1, 1, Some(Records)),
        (5_500_000, 0, 2_000, 2_000, Some(Records)),
        (5_500_000, 330_001, 2_000, 2_000, Some(Age)),
        (u64::MAX, 0, 4_000, 4_000, Some(Records)),
    ] {
        let decided = |held| decide(&ShedThresholds::default(), held, known(records, age_ms), &Trend::default());
        let (one, other) = (decided(Decision::default()), decided(entered()));
        assert_eq!((one.pressure, other.pressure), (calm, shedding), "{records} records, {age_ms} ms");
        assert_eq!(other.cause, cause, "{records} records, {age_ms} ms");
    }
}

#[test]
fn a_measure_that_never_entered_does_not_hold_on_to_shedding() {
    let policy = ShedThresholds::default();
    let by_age = after(&policy, &[(700_000, 60_000)]);
    assert_eq!(by_age.cause, Some(ShedCause::Age));
    let over = decide(&policy, by_age, known(700_000, 29_999), &Trend::default());
    assert_eq!(over, Decision::default(), "700,000 records are between the thresholds, and never crossed theirs");
}

#[test]
fn bulk_goes_first_rank_by_rank() {
    let shares = |pressure| Rank::ALL.map(|rank| Decision { pressure, ..Decision::default() }.share_permille(rank));
    assert_eq!(shares(0), [0, 0, 0, 0]);
    assert_eq!(shares(500), [0, 0, 0, 500]);
    assert_eq!(shares(1_500), [0, 0, 500, 1_000]);
    assert_eq!(shares(2_500), [0, 500, 1_000, 1_000]);
    assert_eq!(shares(3_500), [500, 1_000, 1_000, 1_000]);
    assert_eq!(shares(4_000), [1_000; 4]);
}

#[test]
fn an_unknown_lag_holds_what_was_said_and_then_sheds_half_of_the_bulk() {
    let hold = ShedThresholds::default();
    let accept = ShedThresholds { when_unknown: WhenUnknown::Accept, ..hold };
    let heavy = after(&hold, &[(5_500_000, 0)]);
    let unknown =
        |policy: &ShedThresholds, held, for_ms| decide(policy, held, Reading::Unknown { for_ms }, &Trend::default());
    for (held, for_ms, pressure, cause, accepted) in [
        // Not unknown yet.
        (Decision::default(), 10_000, 0, None, 0),
        (entered(), 10_000, 1, Some(ShedCause::Age), 1),
        // Unknown.
        (Decision::default(), 10_001, 0, None, 0),
        (entered(), 60_000, 1, Some(ShedCause::Age), 0),
        // Unknown for long.
        (Decision::default(), 60_001, 500, Some(ShedCause::Unknown), 0),
        (entered(), 60_001, 500, Some(ShedCause::Unknown), 0),
        (heavy, 3_600_000, 2_000, Some(ShedCause::Records), 0),
    ] {
        let held_on = unknown(&hold, held, for_ms);
        assert_eq!((held_on.pressure, held_on.cause), (pressure, cause), "{held:?} {for_ms}");
        assert_eq!(unknown(&accept, held, for_ms).pressure, accepted, "{held:?} {for_ms}");
    }
    assert_eq!(unknown(&hold, Decision::default(), 60_001).retry_after_s, 60, "how it drains is not known");
    // A reading ends it, and the thresholds that were entered are still known.
    let blind = unknown(&hold, entered(), 60_001);
    assert_eq!(decide(&hold, blind, known(10, 30_000), &Trend::default()).cause, Some(ShedCause::Age));
    let calm = unknown(&hold, Decision::default(), 60_001);
    assert_eq!(decide(&hold, calm, known(10, 59_999), &Trend::default()), Decision::default());
}

#[test]
fn the_wait_follows_how_the_lag_sinks_between_floor_and_cap() {
    let policy = ShedThresholds::default();
    let sinking = |records_per_s: u64, age_per_s_ms: u64| {
        let earlier = |second: u64| (1_100_000 + second * records_per_s, 70_000 + second * age_per_s_ms);
        let readings: Vec<_> = (0..20).rev().map(earlier).collect();
        after(&policy, &readings).retry_after_s
    };
    assert_eq!(after(&policy, &[(1_100_000, 0)]).retry_after_s, 60, "nothing is known yet");
    assert_eq!(sinking(0, 0), 60, "it does not sink");
    assert_eq!(sinking(60_000, 4_000), 11, "600,001 above the threshold at 60,000 a second; the age needs as long");
    assert_eq!(sinking(60_000, 1_000), 41, "40,001 ms above the threshold at 1,000 a second");
    assert_eq!(sinking(60_000, 0), 60, "one measure sinks, the other does not");
    assert_eq!(sinking(6_000_000, 400_000), 1);
}

#[test]
fn a_share_is_spread_evenly_over_those_who_take_turns() {
    for share in [1, 250, 500, 750, 999] {
        for (step, of) in [(1, 0), (2, 0), (2, 1), (3, 1), (10, 7)] {
            let fallen = (0..1_000).filter(|n| falls(n * step + of, share)).count() as i64;
            assert!((fallen - i64::from(share)).abs() <= 20, "{share} of every {step}th: {fallen}");
        }
    }
    assert!((0..10).any(|n| falls(n, 200)) && (0..10).any(|n| !falls(n, 800)), "and not in one block");
}

#[test]
fn who_is_refused_together_does_not_come_back_together() {
    for (wait, waits) in [(1, 2), (10, 6), (60, 31)] {
        let refused = (0..10_000).filter(|n| falls(*n, 100)).map(|n| with_jitter(wait, n));
        let mut counts = std::collections::BTreeMap::<u64, u32>::new();
        refused.for_each(|wait_s| *counts.entry(wait_s).or_default() += 1);
        assert_eq!(counts.len(), waits, "{counts:?}");
        let even = 1_000 / waits as u32;
        assert!(counts.values().all(|count| (even / 2..even * 2).contains(count)), "{counts:?}");
    }
}

prop_compose! {
    /// Thresholds in order, of any size.
    fn any_policy()(
        age in prop::array::uniform3(1..1_000_000u64),
        records in prop::array::uniform3(1..100_000_000u64),
        accept in any::<bool>(),
        floor in 1..10u64,
        cap in 10..600u64,
    ) -> ShedThresholds {
        let ordered = |mut at: [u64; 3]| {
            at.sort_unstable();
            Thresholds { leave: at[0], enter: at[1], full: at[2].max(at[1] + 1) }
        };
        ShedThresholds {
            age_ms: ordered(age),
            records: ordered(records),
            when_unknown: if accept { WhenUnknown::Accept } else { WhenUnknown::Hold },
            retry_floor_s: floor,
            retry_cap_s: cap,
            ..ShedThresholds::default()
        }
    }
}

fn any_reading() -> impl Strategy<Value = Reading> {
    prop_oneof![
        8 => (0..200_000_000u64, 0..2_000_000u64).prop_map(|(records, age_ms)| known(records, age_ms)),
        1 => (0..200_000u64).prop_map(|for_ms| Reading::Unknown { for_ms }),
        1 => any::<(u64, u64)>().prop_map(|(records, age_ms)| known(records, age_ms)),
    ]
}

proptest! {
    /// More lag never sheds less, of no rank.
    #[test]
    fn it_rises_with_the_lag(
        policy in any_policy(),
        before in any_reading(),
        records in 0..200_000_000u64,
        age_ms in 0..2_000_000u64,
        more in (0..100_000_000u64, 0..1_000_000u64),
    ) {
        let trend = Trend::default();
        let held = decide(&policy, Decision::default(), before, &trend);
        let less = decide(&policy, held, known(records, age_ms), &trend);
        let more = decide(&policy, held, known(records + more.0, age_ms + more.1), &trend);
        for rank in Rank::ALL {
            prop_assert!(less.share_permille(rank) <= more.share_permille(rank));
        }
    }

    /// Whatever comes in whatever order: a rank is touched only once the one that goes before it is shed whole, the
    /// wait is between its bounds, and cause and wait are there exactly while something is shed.
    #[test]
    fn what_holds_after_any_readings(policy in any_policy(), readings in prop::collection::vec(any_reading(), 1..60)) {
        let (mut held, mut trend) = (Decision::default(), Trend::default());
        for (second, reading) in readings.into_iter().enumerate() {
            if let Reading::Known { records, age_ms } = reading {
                trend.note(Duration::from_secs(second as u64), records, age_ms);
            }
            held = decide(&policy, held, reading, &trend);
            prop_assert!(held.pressure <= Decision::FULL);
            for pair in Rank::ALL.windows(2) {
                let (later, sooner) = (held.share_permille(pair[0]), held.share_permille(pair[1]));
                prop_assert!(later == 0 || sooner == 1_000, "{held:?}");
            }
            prop_assert_eq!(held.cause.is_some(), held.sheds());
            if held.sheds() {
                prop_assert!((policy.retry_floor_s..=policy.retry_cap_s).contains(&held.retry_after_s), "{:?}", held);
                for n in 0..100 {
                    let wait_s = with_jitter(held.retry_after_s, n);
                    prop_assert!(wait_s >= held.retry_after_s && wait_s <= held.retry_after_s + held.retry_after_s / 2 + 1);
                }
            } else {
                prop_assert_eq!(held.retry_after_s, 0);
            }
        }
    }

    /// Between leave and enter nothing begins and nothing ends, however often the lag moves there.
    #[test]
    fn nothing_flaps_between_the_thresholds(
        policy in any_policy(),
        begun in any::<bool>(),
        places in prop::collection::vec((0.0..1.0f64, 0.0..1.0f64), 1..40),
    ) {
        let trend = Trend::default();
        let begins = known(if begun { policy.records.enter } else { 0 }, if begun { policy.age_ms.enter } else { 0 });
        let mut held = decide(&policy, Decision::default(), begins, &trend);
        prop_assert_eq!(held.sheds(), begun);
        let between = |of: &Thresholds, at: f64| of.leave + ((of.enter - of.leave) as f64 * at) as u64;
        for (by_records, by_age) in places {
            let (records, age_ms) = (between(&policy.records, by_records), between(&policy.age_ms, by_age));
            prop_assume!(records < policy.records.enter && age_ms < policy.age_ms.enter);
            held = decide(&policy, held, known(records, age_ms), &trend);
            prop_assert_eq!(held.sheds(), begun, "{} records, {} ms", records, age_ms);
        }
    }

    /// Over any 1,000 requests in a row, the share that is refused is the share that was wanted, within one in a hundred.
    #[test]
    fn the_refused_share_is_the_wanted_one(first in any::<u32>(), share in 0..=1_000u32) {
        let refused = (0..1_000).filter(|n| falls(first.wrapping_add(*n), share)).count() as i64;
        prop_assert!((refused - i64::from(share)).abs() <= 10, "{} of {}", refused, share);
        prop_assert!(share > 0 || refused == 0);
        prop_assert!(share < 1_000 || refused == 1_000);
    }

    /// Who falls at a share falls at every greater one.
    #[test]
    fn a_rising_share_takes_in_those_it_had(n in any::<u32>(), share in 0..1_000u32, more in 0..1_000u32) {
        prop_assert!(!falls(n, share) || falls(n, share + more));
    }
}
