//! What a round of the feed comes to: what alerts may follow from.

use std::collections::BTreeSet;

use tidegate_agentping::{FeedRow, TeamId};
use tidegate_agentping_pulse::spend::{changes_of, hour_of};
use tidegate_kernel::{SmolStr, Timestamp};

/// Rows of the feed that are read at once.
pub(super) const PAGE: usize = 500;
/// Pages of one partition in a round: a partition with much to count must not hold up the others.
pub(super) const PAGES_A_ROUND: usize = 20;

/// What a round came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpendRound {
    /// Teams that reported something, whether or not it cost anything: their events have grown.
    pub active: BTreeSet<TeamId>,
    /// Which days of which teams changed, counted from 1970 on.
    pub changed: BTreeSet<(TeamId, i64)>,
    /// Those of them that changed by records of the day itself: it was today's spend, however late it is judged.
    pub changed_today: BTreeSet<(TeamId, i64)>,
    /// Provider and model of calls without a rate, with the team and the instant of receipt.
    pub unpriced: BTreeSet<(TeamId, Timestamp, SmolStr, SmolStr)>,
    /// Everything that is settled is counted.
    pub is_whole: bool,
}

impl SpendRound {
    /// Takes a row in. The same row again changes nothing.
    pub(super) fn take(&mut self, row: &FeedRow) {
        self.active.insert(row.team);
        let appended_on = hour_of(row.appended_at).div_euclid(24);
        for day in changes_of(row).iter().map(|change| change.hour.div_euclid(24)) {
            self.changed.insert((row.team, day));
            if day == appended_on {
                self.changed_today.insert((row.team, day));
            }
        }
        let unpriced = row.unpriced.iter().cloned();
        self.unpriced.extend(unpriced.map(|(provider, model)| (row.team, row.received_at, provider, model)));
    }

    /// Adds what a later round came to.
    pub fn add(&mut self, later: SpendRound) {
        self.active.extend(later.active);
        self.changed.extend(later.changed);
        self.changed_today.extend(later.changed_today);
        self.unpriced.extend(later.unpriced);
        self.is_whole = later.is_whole;
    }
}
