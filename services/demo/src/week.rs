//! The runs of a week: when each began, when it ended, and how.

use tidegate_kernel::Timestamp;

use crate::dice::Dice;
use crate::habits::{Habit, When};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
const DAYS: i64 = 7;

/// One run of the week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WeekRun {
    /// The instant that it is planned for: what everything of it follows from.
    pub slot: Timestamp,
    pub started_at: Timestamp,
    /// When it ends, which may be after the week.
    pub ends_at: Timestamp,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    Failed,
}

/// The runs of an agent that began within the week, the oldest first.
pub(crate) fn runs(habit: &Habit, team: &str, until: Timestamp) -> Vec<WeekRun> {
    let runs = slots(habit.when, until).into_iter().map(|slot| run(habit, team, slot));
    runs.filter(|run| run.started_at <= until).collect()
}

fn run(habit: &Habit, team: &str, slot: Timestamp) -> WeekRun {
    let mut dice = Dice::of(&[team, habit.agent, &slot.to_string()]);
    let started_at = slot.plus_millis(whole(dice.between(400, 45_000)));
    let (least, most) = habit.takes_s;
    let ends_at = started_at.plus_millis(whole(dice.between(least * 1_000, most * 1_000)));
    let outcome = if dice.one_in(habit.fails_one_in) { Outcome::Failed } else { Outcome::Success };
    WeekRun { slot, started_at, ends_at, outcome }
}

/// The instants of the week that runs are planned for. They do not depend on when the week ends.
fn slots(when: When, until: Timestamp) -> Vec<Timestamp> {
    let today = until.as_millis().div_euclid(DAY_MS);
    let of_day: Vec<i64> = match when {
        When::Daily(hour, minute) => vec![i64::from(hour * 60 + minute)],
        When::Every(minutes) => (0..24 * 60).step_by(minutes.max(1) as usize).collect(),
        When::Daytime(minutes) => (7 * 60..18 * 60).step_by(minutes.max(1) as usize).collect(),
    };
    let from = until.plus_millis(-DAYS * DAY_MS);
    (today - DAYS..=today)
        .flat_map(|day| of_day.iter().map(move |minute| Timestamp::from_millis(day * DAY_MS + minute * MINUTE_MS)))
        .filter(|slot| *slot > from && *slot <= until)
        .collect()
}

/// A number of milliseconds as a span.
pub(crate) fn whole(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::habits::HABITS;

    const UNTIL: Timestamp = Timestamp::from_millis(1_778_846_400_000);

    #[test]
    fn a_week_has_each_agents_runs() {
        for habit in HABITS {
            let runs = runs(habit, "demo", UNTIL);
            let expected = match habit.when {
                When::Daily(..) => 7,
                When::Every(minutes) => 7 * 24 * 60 / minutes as usize,
                When::Daytime(minutes) => 7 * (11 * 60_usize).div_ceil(minutes as usize),
            };
            assert!(runs.len() + 1 >= expected && runs.len() <= expected + 1, "{}: {}", habit.agent, runs.len());
            assert!(runs.is_sorted_by_key(|run| run.started_at), "{}", habit.agent);
            assert!(runs.iter().all(|run| run.started_at <= UNTIL && run.started_at < run.ends_at));
            let failed = runs.iter().filter(|run| run.outcome == Outcome::Failed).count();
            assert!(habit.fails_one_in > 1 || failed == runs.len(), "{}", habit.agent);
        }
    }

    #[test]
    fn a_later_week_has_the_same_runs_where_both_have_them() {
        let later = UNTIL.plus_millis(DAY_MS);
        for habit in HABITS {
            let (first, second) = (runs(habit, "demo", UNTIL), runs(habit, "demo", later));
            let both: Vec<&WeekRun> = first.iter().filter(|run| second.contains(run)).collect();
            let shared = first.iter().filter(|run| run.slot > later.plus_millis(-DAYS * DAY_MS)).count();
            assert_eq!(both.len(), shared, "{}", habit.agent);
            assert!(shared > 0 && second.len() > shared, "{}", habit.agent);
        }
    }

    #[test]
    fn some_fail_and_most_do_not() {
        let all: Vec<WeekRun> = HABITS.iter().flat_map(|habit| runs(habit, "demo", UNTIL)).collect();
        let failed = all.iter().filter(|run| run.outcome == Outcome::Failed).count();
        assert!(all.len() > 600 && failed > 15 && failed * 10 < all.len(), "{failed} of {}", all.len());
    }
}
