//! Sums a month's costs run by run, for adapters that go through the month's runs.

use std::collections::{BTreeMap, HashMap};

use tidegate_kernel::{Timestamp, Usd};

use super::{DaySpend, Spend, SpendRest, SpendRow};

/// Rows of one breakdown: those of the greatest cost.
pub const SPEND_ROWS_MAX: usize = 1_000;
/// Models without a rate that are listed of a month.
pub const UNPRICED_MAX: usize = 1_000;
/// The most names that one breakdown distinguishes while it is summed: clients choose labels, and memory is limited.
const NAMES_MAX: usize = 20_000;

/// A day in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// What one run adds to its month.
#[derive(Clone, Copy, Debug)]
pub struct SpendLine<'a> {
    pub agent: &'a str,
    pub customer_id: Option<&'a str>,
    pub feature: Option<&'a str>,
    pub listed_at: Timestamp,
    pub cost: Usd,
    /// Its status is `success`.
    pub successful: bool,
}

/// The sums so far.
#[derive(Clone, Debug, Default)]
pub struct SpendTally {
    total: Usd,
    successful: Usd,
    successful_runs: u64,
    by_agent: Breakdown,
    by_customer: Breakdown,
    by_feature: Breakdown,
    /// By days since 1970.
    by_day: BTreeMap<i64, Sum>,
}

#[derive(Clone, Debug, Default)]
struct Breakdown {
    named: HashMap<String, Sum>,
    unnamed: Sum,
    /// Of the names beyond [`NAMES_MAX`].
    rest: Sum,
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
            self.successful_runs += 1;
        }
        self.by_agent.add(Some(line.agent), line.cost);
        self.by_customer.add(line.customer_id, line.cost);
        self.by_feature.add(line.feature, line.cost);
        self.by_day.entry(line.listed_at.as_millis().div_euclid(DAY_MS)).or_default().add(line.cost);
    }

    /// The sums with their rows in order, and `unpriced` as it is.
    pub fn finish(self, mut unpriced: Vec<(String, String)>) -> Spend {
        unpriced.truncate(UNPRICED_MAX);
        let (total, successful, successful_runs) = (self.total, self.successful, self.successful_runs);
        let (by_agent, agents_rest) = self.by_agent.rows();
        let (by_customer, customers_rest) = self.by_customer.rows();
        let (by_feature, features_rest) = self.by_feature.rows();
        let day = |(day, sum): (i64, Sum)| DaySpend {
            day: Timestamp::from_millis(day * DAY_MS),
            cost: sum.cost,
            runs: sum.runs,
        };
        let by_day = self.by_day.into_iter().map(day).collect();
        Spend {
            total,
            successful,
            successful_runs,
            by_agent,
            agents_rest,
            by_customer,
            customers_rest,
            by_feature,
            features_rest,
            by_day,
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
        let is_full = self.named.len() >= NAMES_MAX;
        match name {
            None => self.unnamed.add(cost),
            Some(name) => match self.named.get_mut(name) {
                Some(sum) => sum.add(cost),
                None if is_full => self.rest.add(cost),
                None => drop(self.named.insert(name.to_owned(), Sum { cost, runs: 1 })),
            },
        }
    }

    fn rows(self) -> (Vec<SpendRow>, SpendRest) {
        let row = |name, sum: Sum| SpendRow { name, cost: sum.cost, runs: sum.runs };
        let unnamed = (self.unnamed.runs > 0).then(|| row(None, self.unnamed));
        let named = self.named.into_iter().map(|(name, sum)| row(Some(name), sum));
        let mut rows: Vec<SpendRow> = unnamed.into_iter().chain(named).collect();
        rows.sort_by(|a, b| b.cost.cmp(&a.cost).then_with(|| a.name.cmp(&b.name)));
        let mut rest = SpendRest { cost: self.rest.cost, runs: self.rest.runs };
        for row in rows.drain(SPEND_ROWS_MAX.min(rows.len())..) {
            rest.cost = rest.cost.plus(row.cost);
            rest.runs += row.runs;
        }
        (rows, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breakdown_has_its_greatest_rows_and_the_sum_of_the_rest() {
        let mut tally = SpendTally::default();
        let names: Vec<String> = (0..NAMES_MAX + 500).map(|n| format!("customer {n:06}")).collect();
        for (n, name) in names.iter().enumerate() {
            // Later names cost more, up to where names are not distinguished any more.
            let cost = Usd::from_nanos(1 + n as u64);
            let listed_at = Timestamp::from_millis(n as i64 % 3 * DAY_MS + 7);
            tally.add(SpendLine {
                agent: "a",
                customer_id: Some(name),
                feature: None,
                listed_at,
                cost,
                successful: true,
            });
        }
        let spend = tally.finish(vec![(String::new(), String::new()); UNPRICED_MAX + 1]);
        let (rows, rest) = (&spend.by_customer, &spend.customers_rest);
        assert_eq!((rows.len(), rows[0].name.as_ref()), (SPEND_ROWS_MAX, Some(&names[NAMES_MAX - 1])));
        assert_eq!(rest.runs, (names.len() - SPEND_ROWS_MAX) as u64);
        let sum = rows.iter().fold(rest.cost, |sum, row| sum.plus(row.cost));
        assert_eq!(sum, spend.total, "nothing is left out of the sums");
        let days: Vec<i64> = spend.by_day.iter().map(|day| day.day.as_millis()).collect();
        assert_eq!(days, [0, DAY_MS, 2 * DAY_MS]);
        assert_eq!(spend.by_day.iter().map(|day| day.cost).sum::<Usd>(), spend.total);
        assert_eq!((&spend.agents_rest, &spend.features_rest), (&SpendRest::default(), &SpendRest::default()));
        assert_eq!(spend.unpriced.len(), UNPRICED_MAX);
    }
}
