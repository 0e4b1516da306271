//! Sums a month's costs run by run, for adapters that go through the month's runs.

use std::collections::HashMap;

use tidegate_domain::Usd;

use super::{Spend, SpendRow};

/// What one run adds to its month.
#[derive(Clone, Copy, Debug)]
pub struct SpendLine<'a> {
    pub agent: &'a str,
    pub customer_id: Option<&'a str>,
    pub feature: Option<&'a str>,
    pub cost: Usd,
    /// It stands at `success`.
    pub successful: bool,
}

/// The sums so far.
#[derive(Clone, Debug, Default)]
pub struct SpendTally {
    total: Usd,
    successful: Usd,
    by_agent: Breakdown,
    by_customer: Breakdown,
    by_feature: Breakdown,
}

#[derive(Clone, Debug, Default)]
struct Breakdown {
    named: HashMap<String, Sum>,
    unnamed: Sum,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    cost: Usd,
    runs: u64,
}

impl SpendTally {
    pub fn add(&mut self, line: SpendLine<'_>) {
        self.total = self.total.plus(line.cost);
        if line.successful {
            self.successful = self.successful.plus(line.cost);
        }
        self.by_agent.add(Some(line.agent), line.cost);
        self.by_customer.add(line.customer_id, line.cost);
        self.by_feature.add(line.feature, line.cost);
    }

    /// The sums with their rows in order, and `unpriced` as it is.
    pub fn finish(self, unpriced: Vec<(String, String)>) -> Spend {
        Spend {
            total: self.total,
            successful: self.successful,
            by_agent: self.by_agent.rows(),
            by_customer: self.by_customer.rows(),
            by_feature: self.by_feature.rows(),
            unpriced,
        }
    }
}

impl Sum {
    fn add(&mut self, cost: Usd) {
        self.cost = self.cost.plus(cost);
        self.runs += 1;
    }
}

impl Breakdown {
    fn add(&mut self, name: Option<&str>, cost: Usd) {
        match name {
            None => self.unnamed.add(cost),
            Some(name) => match self.named.get_mut(name) {
                Some(sum) => sum.add(cost),
                None => drop(self.named.insert(name.to_owned(), Sum { cost, runs: 1 })),
            },
        }
    }

    fn rows(self) -> Vec<SpendRow> {
        let row = |name, sum: Sum| SpendRow { name, cost: sum.cost, runs: sum.runs };
        let unnamed = (self.unnamed.runs > 0).then(|| row(None, self.unnamed));
        let named = self.named.into_iter().map(|(name, sum)| row(Some(name), sum));
        let mut rows: Vec<SpendRow> = unnamed.into_iter().chain(named).collect();
        rows.sort_by(|a, b| b.cost.cmp(&a.cost).then_with(|| a.name.cmp(&b.name)));
        rows
    }
}
