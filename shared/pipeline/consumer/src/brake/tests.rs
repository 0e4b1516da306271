//! The rules by example, and against their words.

use proptest::prelude::*;

use super::*;

const RULES: BrakeRules = BrakeRules { in_a_row: 10, window: 100, ratio_percent: 50 };

/// Where a sequence trips the brake, from 0.
fn trips_at(rules: BrakeRules, records: impl IntoIterator<Item = bool>) -> Option<(usize, Tripped)> {
    let mut brake = Brake::new(rules);
    (0..).zip(records).find_map(|(place, is_poison)| Some((place, brake.take(is_poison)?)))
}

/// The same by the words of the rules, looking at everything again each time.
fn by_the_words(rules: BrakeRules, records: &[bool]) -> Option<(usize, Tripped)> {
    (0..records.len()).filter(|place| records[*place]).find_map(|place| {
        let seen = &records[..=place];
        let in_a_row = seen.iter().rev().take_while(|poison| **poison).count() as u32;
        if rules.in_a_row > 0 && in_a_row >= rules.in_a_row {
            return Some((place, Tripped::InARow { poison: in_a_row }));
        }
        if rules.window == 0 || rules.ratio_percent == 0 {
            return None;
        }
        let recent = &seen[seen.len().saturating_sub(rules.window as usize)..];
        let poison = recent.iter().filter(|poison| **poison).count();
        let least = if rules.in_a_row > 0 {
            rules.in_a_row as f64
        } else {
            f64::from(rules.window) * f64::from(rules.ratio_percent) / 100.0
        };
        let share = 100.0 * poison as f64 / recent.len() as f64;
        let (of, enough) = (recent.len() as u32, poison as f64 >= least);
        (enough && share >= f64::from(rules.ratio_percent))
            .then_some((place, Tripped::Share { poison: poison as u32, of }))
    })
}

#[test]
fn each_rule_by_itself() {
    let run = |poison: usize| [false; 30].into_iter().chain(vec![true; poison]);
    assert_eq!(trips_at(RULES, run(9)), None);
    assert_eq!(trips_at(RULES, run(10)), Some((39, Tripped::InARow { poison: 10 })));
    // One good one in between begins the row again, and then the share is what counts: 9 + 1 of 40.
    let broken = run(9).chain([false]).chain([true; 9]);
    assert_eq!(trips_at(RULES, broken), None);
    // Every second one, from the start: at the tenth poison one.
    let half = (0..200).map(|place| place % 2 == 0);
    assert_eq!(trips_at(RULES, half), Some((18, Tripped::Share { poison: 10, of: 19 })));
    // After a hundred good ones the window has to fill with as many poison ones as good ones.
    let late = [false; 100].into_iter().chain((0..200).map(|place| place % 3 != 0));
    assert!(matches!(trips_at(RULES, late), Some((170..180, Tripped::Share { poison: 50, of: 100 }))));
}

#[test]
fn zero_switches_a_rule_off() {
    let all = || std::iter::repeat_n(true, 500);
    assert_eq!(trips_at(BrakeRules::OFF, all()), None);
    let no_row = BrakeRules { in_a_row: 0, ..RULES };
    // Not by the first record, which is all of what was seen: by as many as half a window has.
    assert_eq!(trips_at(no_row, all()), Some((49, Tripped::Share { poison: 50, of: 50 })));
    for share_off in [BrakeRules { ratio_percent: 0, ..RULES }, BrakeRules { window: 0, ..RULES }] {
        assert_eq!(trips_at(share_off, (0..500).map(|place| place % 10 != 0)), None);
        assert_eq!(trips_at(share_off, all()), Some((9, Tripped::InARow { poison: 10 })));
    }
}

proptest! {
    /// Poison here and there, however much of it over time, never trips the brake.
    #[test]
    fn occasional_poison_never_trips(gaps in prop::collection::vec(2usize..8, 1..400)) {
        let records = gaps.into_iter().flat_map(|good| std::iter::repeat_n(false, good).chain([true]));
        prop_assert_eq!(trips_at(RULES, records), None);
    }

    #[test]
    fn it_trips_where_the_rules_say(
        records in prop::collection::vec(prop::bool::weighted(0.45), 0..400),
        in_a_row in 0u32..12, window in 0u32..60, ratio_percent in 0u32..=100,
    ) {
        let rules = BrakeRules { in_a_row, window, ratio_percent };
        prop_assert_eq!(trips_at(rules, records.iter().copied()), by_the_words(rules, &records));
    }
}
