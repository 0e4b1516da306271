//! Whether what a record brought is stored: the persister's own rule, asked of a record that was applied before.

use tidegate_agentping::{Outcome, Record, RunState};
use tidegate_kernel::Position;

use super::{RunWanted, StoredRun};

impl RunWanted {
    /// What must be loaded to judge one record.
    pub fn of(record: &Record) -> Self {
        RunWanted { key: record.key(), events: record.body.event_ids() }
    }
}

impl StoredRun {
    /// Whether all that the record at `position` brought is stored: it is folded into the run, and would add nothing if
    /// it came again. A repeat, and what contradicts the first, add nothing either.
    pub fn holds(self, record: Record, position: Position) -> bool {
        if !position.is_folded(self.folded_to) {
            return false;
        }
        let known_events = self.events.into_iter().collect();
        let mut state = RunState { run: self.run.unwrap_or_default(), known_events };
        state.apply(record).outcome != Outcome::Applied
    }
}

#[cfg(test)]
mod tests {
    use tidegate_agentping::{FinishStatus, Record};
    use tidegate_agentping_testkit::{IntoBody, NOON, event, finish, folded, key, start};

    use super::*;

    fn record(body: impl IntoBody) -> Record {
        tidegate_agentping_testkit::record(key(2), NOON, body)
    }

    fn at(offset: i64) -> Position {
        Position { generation: 1, partition: 0, offset }
    }

    /// The run that these records make, folded up to an offset.
    fn stored(records: &[Record], folded_to: i64) -> StoredRun {
        let state = folded(records);
        let events = state.known_events.into_iter().collect();
        StoredRun { run: Some(state.run), events, folded_to: Some(at(folded_to).write_timestamp()) }
    }

    #[test]
    fn what_was_folded_is_held_and_so_is_what_adds_nothing() {
        let all = [record(start("a")), record(vec![event(1), event(2)]), record(finish(FinishStatus::Success))];
        for (offset, record) in (0..).zip(&all) {
            assert!(stored(&all, 2).holds(record.clone(), at(offset)), "{record:?}");
        }
        // Something else came first under the id: the run is there.
        for other in [record(start("b")), record(finish(FinishStatus::Failed))] {
            assert!(stored(&all, 5).holds(other.clone(), at(5)), "{other:?}");
        }
    }

    #[test]
    fn what_the_store_went_back_behind_is_not_held() {
        let events = record(vec![event(1), event(2)]);
        assert!(!StoredRun::default().holds(record(start("a")), at(0)), "nothing of the run");
        assert!(!stored(&[record(start("a"))], 0).holds(events.clone(), at(1)), "the run as it was before");
        assert!(!stored(&[record(start("a"))], 0).holds(record(finish(FinishStatus::Success)), at(2)), "its end");
        // The summary counts the events, and one of them is gone.
        let mut torn = stored(&[record(start("a")), events.clone()], 1);
        torn.events.pop();
        assert!(!torn.holds(events, at(1)));
    }
}
