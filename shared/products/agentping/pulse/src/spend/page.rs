//! Running sums of spend: what one row of the feed adds, and the pages that sums are stored in.
//!
//! A page belongs to one partition of the log and knows up to which offset it has counted. So the same rows may be counted
//! again after a crash, or by two that sum at once: a page is a function of its partition's rows below its offset.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidegate_agentping::{FeedRow, TeamId};
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
    let change = |agent: &str, customer: Option<&SmolStr>, at: Timestamp, nanos: i64| SpendChange {
        agent: agent.into(),
        customer: customer.cloned(),
        hour: hour_of(at),
        nanos,
    };
    let now = |amount| change(row.agent.as_str(), row.customer_id.as_ref(), row.listed_at(), amount);
    let (cost, before) = (nanos(row.cost), nanos(row.cost_before));
    let mut changes = match &row.moved_from {
        None => vec![now(cost - before)],
        Some(from) => {
            vec![change(from.agent.as_str(), from.customer_id.as_ref(), from.listed_at, -before), now(cost)]
        }
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
            let sum = self.cells.entry(cell).or_default();
            *sum = sum.saturating_add(change.nanos);
        }
        self.cells.retain(|_, nanos| *nanos != 0);
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
