//! Running sums of spend: what one row of the feed adds, and the pages that sums are stored in.
//!
//! A page belongs to one partition of the log and knows up to which offset it has counted. So the same rows may be counted
//! again after a crash, or by two that sum at once: a page is a function of its partition's rows below its offset.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};
use tidegate_agentping::{FeedRow, Slug, TeamId};
use tidegate_kernel::free_json::text_hash;
use tidegate_kernel::{SmolStr, Timestamp, Usd};

use super::window::{DAY_HOURS, hour_of};

/// Pages that a team's day is divided into in each partition, by agent and customer: so that no page grows large.
pub const PAGES_A_DAY: u64 = 16;

/// What one row of the feed changes in the sums of its team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendChange {
    pub agent: SmolStr,
    pub customer: Option<SmolStr>,
    /// The hour that the cost counts in, from 1970 on: that of the run's start.
    pub hour: i64,
    /// In nano-dollars; below 0 where the cost is filed elsewhere now.
    pub nanos: i64,
}

/// Which page a change belongs to, within its partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PageKey {
    pub team: TeamId,
    pub period: SpendPeriod,
    pub number: u8,
}

/// What a page's sums are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SpendPeriod {
    /// The hours of this day, counted from 1970 on.
    Day(i64),
    /// All time.
    Total,
}

/// The changes that a row makes: none, one, or two where its cost has moved.
pub fn changes_of(row: &FeedRow) -> Vec<SpendChange> {
    let nanos = |cost: Usd| i64::try_from(cost.as_nanos()).unwrap_or(i64::MAX);
    let (cost, before) = (nanos(row.cost), nanos(row.cost_before));
    // Most rows are of these.
    if row.moved_from.is_none() && cost == before {
        return Vec::new();
    }
    let change = |agent: &Slug, customer: Option<&SmolStr>, at: Timestamp, nanos: i64| SpendChange {
        agent: agent.as_str().into(),
        customer: customer.cloned(),
        hour: hour_of(at),
        nanos,
    };
    let now = |amount| change(&row.agent, row.customer_id.as_ref(), row.listed_at(), amount);
    let mut changes = match &row.moved_from {
        None => vec![now(cost - before)],
        Some(from) => vec![change(&from.agent, from.customer_id.as_ref(), from.listed_at, -before), now(cost)],
    };
    changes.retain(|change| change.nanos != 0);
    changes
}

impl SpendChange {
    /// The pages that count it: that of its day, and that of all time.
    pub fn pages(&self, team: TeamId) -> [PageKey; 2] {
        let customer = self.customer.as_deref().unwrap_or_default();
        let number = u8::try_from(text_hash(&[self.agent.as_bytes(), b"\n", customer.as_bytes()]) % PAGES_A_DAY);
        let number = number.unwrap_or_default();
        let day = SpendPeriod::Day(self.hour.div_euclid(DAY_HOURS));
        [day, SpendPeriod::Total].map(|period| PageKey { team, period, number })
    }
}

/// A page of sums.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpendPage {
    /// Rows below this offset are counted.
    through: i64,
    cells: BTreeMap<SpendCell, i64>,
}

/// One sum of a page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpendCell {
    pub agent: SmolStr,
    pub customer: Option<SmolStr>,
    /// 0 to 23; 0 on pages of all time.
    pub hour_of_day: u8,
}

impl SpendPage {
    /// Counts the changes of the row at `offset`, all of which belong to this page, unless it has counted the row.
    pub fn count<'c>(&mut self, period: SpendPeriod, offset: i64, changes: impl Iterator<Item = &'c SpendChange>) {
        if offset < self.through {
            return;
        }
        self.through = offset + 1;
        for change in changes {
            let hour_of_day = match period {
                SpendPeriod::Day(_) => u8::try_from(change.hour.rem_euclid(DAY_HOURS)).unwrap_or_default(),
                SpendPeriod::Total => 0,
            };
            let cell = SpendCell { agent: change.agent.clone(), customer: change.customer.clone(), hour_of_day };
            // A sum of 0 has no cell.
            match self.cells.entry(cell) {
                Entry::Vacant(cell) if change.nanos != 0 => _ = cell.insert(change.nanos),
                Entry::Vacant(_) => {}
                Entry::Occupied(mut cell) => {
                    let sum = cell.get().saturating_add(change.nanos);
                    if sum == 0 {
                        cell.remove();
                    } else {
                        cell.insert(sum);
                    }
                }
            }
        }
    }

    /// Rows below this offset are counted.
    pub const fn through(&self) -> i64 {
        self.through
    }

    /// Its sums, in nano-dollars.
    pub fn cells(&self) -> impl Iterator<Item = (&SpendCell, i64)> {
        self.cells.iter().map(|(cell, nanos)| (cell, *nanos))
    }

    /// As it is stored.
    ///
    /// # Errors
    /// Never: texts and numbers serialize.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let sums = self.cells.iter().map(|(cell, nanos)| StoredSum {
            agent: cell.agent.clone(),
            customer: cell.customer.clone(),
            hour: cell.hour_of_day,
            nanos: *nanos,
        });
        serde_json::to_vec(&StoredPage { v: VERSION, through: self.through, sums: sums.collect() })
    }

    /// # Errors
    /// It is no page, or one of a later build.
    pub fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let stored: StoredPage = serde_json::from_slice(bytes)?;
        if stored.v != VERSION {
            let why = format!("the page has version {}; this build reads version {VERSION}", stored.v);
            return Err(serde::de::Error::custom(why));
        }
        let cell = |sum: StoredSum| {
            (SpendCell { agent: sum.agent, customer: sum.customer, hour_of_day: sum.hour.min(23) }, sum.nanos)
        };
        Ok(SpendPage { through: stored.through, cells: stored.sums.into_iter().map(cell).collect() })
    }
}

const VERSION: u16 = 1;

#[derive(Serialize, Deserialize)]
struct StoredPage {
    v: u16,
    through: i64,
    sums: Vec<StoredSum>,
}

#[derive(Serialize, Deserialize)]
struct StoredSum {
    #[serde(rename = "a")]
    agent: SmolStr,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    customer: Option<SmolStr>,
    #[serde(rename = "h", default)]
    hour: u8,
    #[serde(rename = "n")]
    nanos: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(agent: &str, hour: i64, nanos: i64) -> SpendChange {
        SpendChange { agent: agent.into(), customer: None, hour, nanos }
    }

    fn sums(page: &SpendPage) -> Vec<(&str, u8, i64)> {
        page.cells().map(|(cell, nanos)| (cell.agent.as_str(), cell.hour_of_day, nanos)).collect()
    }

    #[test]
    fn a_sum_of_nothing_has_no_cell() {
        let (day, mut page) = (SpendPeriod::Day(0), SpendPage::default());
        page.count(day, 1, [change("a", 3, 5), change("b", 3, 7), change("c", 4, 0)].iter());
        assert_eq!(sums(&page), [("a", 3, 5), ("b", 3, 7)]);
        page.count(day, 1, [change("a", 3, 5)].iter());
        assert_eq!(sums(&page), [("a", 3, 5), ("b", 3, 7)], "it was counted");
        page.count(day, 2, [change("a", 3, -5), change("b", 5, 1)].iter());
        assert_eq!(sums(&page), [("b", 3, 7), ("b", 5, 1)]);
        page.count(day, 3, [change("b", 3, -7), change("b", 3, 2), change("b", 5, i64::MAX)].iter());
        assert_eq!((sums(&page), page.through()), (vec![("b", 3, 2), ("b", 5, i64::MAX)], 4));
        assert_eq!(SpendPage::decode(&page.encode().expect("JSON")).expect("a page"), page);
    }
}
