//! An agent's schedule, with the definitions that were in force before.

use serde::{Deserialize, Serialize};
use tidegate_agentping_pulse::Definition;
use tidegate_kernel::Timestamp;

/// A schedule's document: what was set, each from an instant on, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleDoc {
    pub changes: Vec<TimedChange>,
    /// An apply of a configuration made it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub applied: bool,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimedChange {
    #[serde(rename = "from_ms")]
    pub from: Timestamp,
    /// `None`: there is no schedule from then on.
    pub set: Option<Definition>,
}

impl ScheduleDoc {
    /// Changes kept at most. Slots of what is older are decided long since.
    pub const MAX_CHANGES: usize = 32;

    /// The definition that was set last, and since when.
    pub fn current(&self) -> Option<(Timestamp, &Definition)> {
        let last = self.changes.last()?;
        Some((last.from, last.set.as_ref()?))
    }

    /// From `now` on this holds. Returns whether anything changed: the same again changes nothing.
    pub fn set(&mut self, now: Timestamp, set: Option<Definition>) -> bool {
        if self.changes.last().and_then(|last| last.set.as_ref()) == set.as_ref() {
            return false;
        }
        // A clock that was set back does not undo what holds already.
        let from = self.changes.last().map_or(now, |last| now.max(last.from.plus_millis(1)));
        self.changes.push(TimedChange { from, set });
        if self.changes.len() > Self::MAX_CHANGES {
            self.changes.remove(0);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + second * 1_000)
    }

    fn every(seconds: u32) -> Definition {
        serde_json::from_value(serde_json::json!({ "every_s": seconds })).unwrap()
    }

    #[test]
    fn the_last_change_holds_and_the_same_again_is_none() {
        let mut schedule = ScheduleDoc::default();
        assert!(!schedule.set(at(0), None));
        assert!(schedule.set(at(1), Some(every(60))));
        assert!(!schedule.set(at(2), Some(every(60))));
        assert_eq!(schedule.current(), Some((at(1), &every(60))));
        assert!(schedule.set(at(0), Some(every(90))), "of a clock that was set back");
        assert_eq!(schedule.current(), Some((at(1).plus_millis(1), &every(90))));
        assert!(schedule.set(at(3), None));
        assert_eq!((schedule.current(), schedule.changes.len()), (None, 3));
        let text = serde_json::to_string(&schedule).unwrap();
        assert_eq!(serde_json::from_str::<ScheduleDoc>(&text).unwrap(), schedule);
    }

    #[test]
    fn the_history_is_bounded() {
        let mut schedule = ScheduleDoc::default();
        for second in 0..100 {
            schedule.set(at(second), Some(every(60 + second as u32)));
        }
        assert_eq!(schedule.changes.len(), ScheduleDoc::MAX_CHANGES);
        assert_eq!(schedule.current(), Some((at(99), &every(159))));
    }
}
