//! A team's sums in memory, as rules ask for them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tidegate_kernel::{Timestamp, Usd};

use super::page::{SpendPage, SpendPeriod};
use super::window::{DAY_HOURS, SpendOf, SpendScope, SpendWindow, hour_of};

/// Sums by scope and hour, of the days that were set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TeamSums {
    /// Only sums of these are kept.
    wanted: BTreeSet<SpendOf>,
    days: BTreeMap<i64, Sums>,
    /// `None`: it was not set.
    total: Option<Sums>,
}

/// For each scope, the hours of a day that have spend, with their nano-dollars.
type Sums = HashMap<SpendScope, Vec<(u8, i64)>>;

impl TeamSums {
    /// Without a day.
    pub fn of(wanted: BTreeSet<SpendOf>) -> Self {
        TeamSums { wanted, ..TeamSums::default() }
    }

    /// Whether sums of all these are kept.
    pub fn has(&self, wanted: &BTreeSet<SpendOf>) -> bool {
        self.wanted.is_superset(wanted)
    }

    /// Sets what a period has, in place of what it had: the pages of all partitions.
    pub fn set<'p>(&mut self, period: SpendPeriod, pages: impl IntoIterator<Item = &'p SpendPage>) {
        let mut sums = Sums::new();
        for (cell, nanos) in pages.into_iter().flat_map(SpendPage::cells) {
            for of in &self.wanted {
                let Some(scope) = of.scope(Some(&cell.agent), cell.customer.as_deref()) else { continue };
                let hours = sums.entry(scope).or_default();
                match hours.iter_mut().find(|(hour, _)| *hour == cell.hour_of_day) {
                    Some((_, sum)) => *sum = sum.saturating_add(nanos),
                    None => hours.push((cell.hour_of_day, nanos)),
                }
            }
        }
        match period {
            SpendPeriod::Total => self.total = Some(sums),
            SpendPeriod::Day(day) => _ = self.days.insert(day, sums),
        }
    }

    /// The days that were set.
    pub fn days(&self) -> impl Iterator<Item = i64> {
        self.days.keys().copied()
    }

    /// Whether the sums of all time were set.
    pub const fn has_total(&self) -> bool {
        self.total.is_some()
    }

    /// Forgets the days before this one.
    pub fn forget_before(&mut self, day: i64) {
        self.days = self.days.split_off(&day);
    }

    /// What was spent in a window that ends now. Runs that start later than now, by wrong clocks, count as well.
    pub fn spent(&self, scope: &SpendScope, window: SpendWindow, now: Timestamp) -> Usd {
        let nanos: i64 = match window.first_hour(now) {
            None => self.total.iter().filter_map(|total| total.get(scope)).flatten().map(|(_, nanos)| *nanos).sum(),
            Some(first) => {
                let day = first.div_euclid(DAY_HOURS);
                let hours = self.days.range(day..).filter_map(|(day, sums)| Some((*day, sums.get(scope)?)));
                let counted = hours.flat_map(|(day, hours)| {
                    hours.iter().filter(move |(hour, _)| day * DAY_HOURS + i64::from(*hour) >= first)
                });
                counted.map(|(_, nanos)| *nanos).sum()
            }
        };
        Usd::from_nanos(u64::try_from(nanos).unwrap_or_default())
    }
}

/// The days that the windows of rules reach back to at `now`: the first one.
pub fn first_day(windows: impl IntoIterator<Item = SpendWindow>, now: Timestamp) -> i64 {
    let today = hour_of(now).div_euclid(DAY_HOURS);
    let first = windows.into_iter().filter_map(|window| window.first_hour(now));
    first.map(|hour| hour.div_euclid(DAY_HOURS)).min().map_or(today, |day| day.min(today))
}
