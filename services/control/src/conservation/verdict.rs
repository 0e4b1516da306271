//! Whether a record that the accounts call stored is in the store. Pure.

use tidegate_agentping::Record;
use tidegate_agentping_ports::notes::NOTES_KEPT_MS;
use tidegate_agentping_ports::runs::ORPHAN_AGE_MS;
use tidegate_agentping_ports::{Note, StoredRun};
use tidegate_kernel::{Position, Timestamp};

/// Clocks of front doors, the log and the store may differ by so much, and what ends may have ended so much earlier.
const MARGIN_MS: i64 = 60 * 60 * 1_000;

/// The result of looking a record up in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All that it brought is stored.
    Found,
    /// Something that it brought is not stored, and nothing allows that.
    Missing,
    /// No account calls it stored, or what is not stored of it may have been purged.
    NotJudged,
}

/// What is known of a record that an account counts.
pub(super) struct Looked<'n> {
    pub record: Record,
    pub position: Position,
    pub appended_at: Timestamp,
    /// What the persister noted: it was not simply stored.
    pub note: Option<&'n Note>,
    pub stored: StoredRun,
}

impl Looked<'_> {
    /// The account, the note and the run are to be read in this order: then the note is there if the account counts the
    /// record, and so is the run.
    pub fn verdict(self, now: Timestamp) -> Verdict {
        // Without a note it was stored, unless the note has ended: as receipts have it.
        if self.note.is_some() || is_older(self.appended_at, NOTES_KEPT_MS, now) {
            return Verdict::NotJudged;
        }
        let may_be_purged = !self.record.body.opens() && is_older(self.record.received_at, ORPHAN_AGE_MS, now);
        match self.stored.holds(self.record, self.position) {
            true => Verdict::Found,
            // A run that is opened by now may have been purged before it was.
            false if may_be_purged => Verdict::NotJudged,
            false => Verdict::Missing,
        }
    }
}

/// Whether something that ends after `lifetime_ms` may have ended.
const fn is_older(since: Timestamp, lifetime_ms: i64, now: Timestamp) -> bool {
    now.as_millis().saturating_sub(since.as_millis()) > lifetime_ms - MARGIN_MS
}

#[cfg(test)]
mod tests {
    use tidegate_agentping::FinishStatus;
    use tidegate_agentping_testkit::{FinishWith as _, IntoBody, StartWith as _, folded, key};
    use tidegate_ports::Fate;

    use super::*;

    const AT: Position = Position { generation: 1, partition: 0, offset: 5 };
    const THEN: Timestamp = Timestamp::from_millis(0);
    const HOUR_MS: i64 = 60 * 60 * 1_000;

    fn record(body: impl IntoBody) -> Record {
        tidegate_agentping_testkit::record(key(2), THEN, body)
    }

    fn start() -> Record {
        record(tidegate_agentping_testkit::start("a").at(THEN))
    }

    fn finish() -> Record {
        record(tidegate_agentping_testkit::finish(FinishStatus::Success).at(THEN))
    }

    fn stored(records: &[Record]) -> StoredRun {
        let run = Some(folded(records).run);
        StoredRun { run, events: Vec::new(), folded_to: Some(AT.write_timestamp()) }
    }

    /// The verdict `hours` after the record was received and appended.
    fn after(hours: i64, record: Record, note: Option<Fate>, stored: StoredRun) -> Verdict {
        let note = note.map(|fate| Note { position: AT, appended_at: THEN, key: Some(record.key()), fate });
        let looked = Looked { record, position: AT, appended_at: THEN, note: note.as_ref(), stored };
        looked.verdict(Timestamp::from_millis(hours * HOUR_MS))
    }

    #[test]
    fn what_is_stored_is_found_and_what_is_not_is_missing() {
        assert_eq!(after(0, start(), None, stored(&[start()])), Verdict::Found);
        assert_eq!(after(0, start(), None, StoredRun::default()), Verdict::Missing);
        assert_eq!(after(0, finish(), None, StoredRun::default()), Verdict::Missing);
        // Folded before the record: as the run was when the store went back.
        let earlier = StoredRun { folded_to: Some(AT.write_timestamp() - 1), ..stored(&[start()]) };
        assert_eq!(after(0, finish(), None, earlier), Verdict::Missing);
    }

    #[test]
    fn what_was_not_simply_stored_is_not_judged() {
        for fate in [Fate::Duplicate, Fate::Conflict, Fate::Dead] {
            assert_eq!(after(0, start(), Some(fate), StoredRun::default()), Verdict::NotJudged, "{fate:?}");
        }
    }

    #[test]
    fn what_may_have_been_purged_is_not_judged() {
        let opened_later = || StoredRun { folded_to: Some(AT.write_timestamp() + 9), ..stored(&[start()]) };
        assert_eq!(after(22, finish(), None, StoredRun::default()), Verdict::Missing);
        assert_eq!(after(22, finish(), None, opened_later()), Verdict::Missing);
        for stored in [StoredRun::default(), opened_later()] {
            assert_eq!(after(24, finish(), None, stored), Verdict::NotJudged);
        }
        assert_eq!(after(24, finish(), None, stored(&[finish()])), Verdict::Found);
        assert_eq!(after(24, start(), None, StoredRun::default()), Verdict::Missing, "what was opened is never purged");
    }

    #[test]
    fn what_is_older_than_notes_are_kept_is_not_judged() {
        let hours = NOTES_KEPT_MS / HOUR_MS;
        assert_eq!(after(hours - 2, start(), None, StoredRun::default()), Verdict::Missing);
        assert_eq!(after(hours, start(), None, StoredRun::default()), Verdict::NotJudged);
    }
}
