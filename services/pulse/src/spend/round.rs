//! What a round of the feed comes to: what alerts may follow from.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_agentping::{FeedRow, TeamId};
use tidegate_agentping_pulse::spend::{changes_of, hour_of};
use tidegate_kernel::{Month, SmolStr, Timestamp};

/// Rows of the feed that are read at once.
pub(super) const PAGE: usize = 500;
/// Pages of one partition in a round: a partition with much to count must not hold up the others.
pub(super) const PAGES_A_ROUND: usize = 20;

/// Team, month of receipt, provider and model of calls without a rate.
type UnpricedModel = (TeamId, Month, SmolStr, SmolStr);

/// What a round came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpendRound {
    /// Teams that reported something, whether or not it cost anything, and the month of receipt: its events have grown.
    pub active: BTreeSet<(TeamId, Month)>,
    /// Which days of which teams changed, counted from 1970 on.
    pub changed: BTreeSet<(TeamId, i64)>,
    /// Those of them that changed by records of the day itself: it was today's spend, however late it is judged.
    pub changed_today: BTreeSet<(TeamId, i64)>,
    /// Provider and model of calls without a rate, by team and month of receipt, with the first receipt.
    pub unpriced: BTreeMap<UnpricedModel, Timestamp>,
    /// Everything that is settled is counted.
    pub is_whole: bool,
}

impl SpendRound {
    /// Takes a row in. The same row again changes nothing.
    pub(super) fn take(&mut self, row: &FeedRow) {
        let month = Month::of(row.received_at);
        self.active.insert((row.team, month));
        let appended_on = hour_of(row.appended_at).div_euclid(24);
        for day in changes_of(row).iter().map(|change| change.hour.div_euclid(24)) {
            self.changed.insert((row.team, day));
            if day == appended_on {
                self.changed_today.insert((row.team, day));
            }
        }
        for (provider, model) in row.unpriced.iter().cloned() {
            self.note_unpriced((row.team, month, provider, model), row.received_at);
        }
    }

    /// Adds what a later round came to.
    pub fn add(&mut self, later: SpendRound) {
        self.active.extend(later.active);
        self.changed.extend(later.changed);
        self.changed_today.extend(later.changed_today);
        later.unpriced.into_iter().for_each(|(model, at)| self.note_unpriced(model, at));
        self.is_whole = later.is_whole;
    }

    fn note_unpriced(&mut self, model: UnpricedModel, at: Timestamp) {
        let first = self.unpriced.entry(model).or_insert(at);
        *first = at.min(*first);
    }
}
