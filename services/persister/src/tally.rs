//! What became of records: every record read ends in exactly one outcome.

use metrics::Counter;
use tidegate_domain::Outcome;

use crate::lane::Applied;

/// Counters of the persister. At rest, `read` equals the sum of the others.
pub(crate) struct Tally {
    pub read: Counter,
    applied: Counter,
    duplicate: Counter,
    conflict: Counter,
    dead_lettered: Counter,
    /// Read under an assignment that ended before they were applied; their next owner reads them again.
    pub handed_back: Counter,
    pub commits: Counter,
    pub retries: Counter,
}

impl Tally {
    pub fn new() -> Self {
        let ended = |outcome: &'static str| metrics::counter!("tidegate_records_total", "outcome" => outcome);
        Tally {
            read: metrics::counter!("tidegate_records_read_total"),
            applied: ended("applied"),
            duplicate: ended("duplicate"),
            conflict: ended("conflict"),
            dead_lettered: ended("dead_lettered"),
            handed_back: ended("handed_back"),
            commits: metrics::counter!("tidegate_commits_total"),
            retries: metrics::counter!("tidegate_persister_retries_total"),
        }
    }

    pub fn count(&self, applied: &Applied) {
        for outcome in &applied.outcomes {
            match outcome {
                Outcome::Applied => self.applied.increment(1),
                Outcome::Duplicate => self.duplicate.increment(1),
                Outcome::Conflict => self.conflict.increment(1),
            }
        }
        self.dead_lettered.increment(applied.dead_lettered as u64);
    }
}
