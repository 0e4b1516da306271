//! A month's spend, as the API answers it.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tidegate_kernel::Usd;

#[derive(Deserialize)]
pub(crate) struct MonthView {
    pub total_usd: Exact,
    pub successful_usd: Exact,
    /// Absent where no run succeeded.
    #[serde(default)]
    pub cost_per_successful_run: Option<Exact>,
    pub by_agent: Vec<Line>,
    #[serde(default)]
    pub by_agent_rest: Option<Rest>,
    pub by_customer: Vec<Line>,
    #[serde(default)]
    pub by_customer_rest: Option<Rest>,
    pub by_feature: Vec<Line>,
    #[serde(default)]
    pub by_feature_rest: Option<Rest>,
    #[serde(default)]
    pub by_day: Vec<DayLine>,
    #[serde(default)]
    pub by_model: Vec<ModelLine>,
    /// What is not there by model.
    #[serde(default)]
    pub by_model_rest_usd: Option<Exact>,
    pub unpriced: Vec<UnpricedModel>,
}

/// A day on which runs began.
#[derive(Deserialize)]
pub(crate) struct DayLine {
    /// `2026-05-15`.
    pub day: String,
    pub cost_usd: Exact,
    pub runs: u64,
}

/// What the calls of a model cost.
#[derive(Deserialize)]
pub(crate) struct ModelLine {
    pub provider: String,
    pub model: String,
    pub cost_usd: Exact,
}

/// A row of a breakdown; without a name, the runs that have no such label.
#[derive(Deserialize)]
pub(crate) struct Line {
    pub name: Option<String>,
    pub cost_usd: Exact,
    pub runs: u64,
}

/// The rows that a breakdown leaves out.
#[derive(Clone, Copy, Deserialize)]
pub(crate) struct Rest {
    pub cost_usd: Exact,
    pub runs: u64,
}

#[derive(Deserialize)]
pub(crate) struct UnpricedModel {
    pub provider: String,
    pub model: String,
}

/// Dollars as they are written, without a rounding on the way.
#[derive(Clone, Copy)]
pub(crate) struct Exact(pub Usd);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Usd::parse(raw.get()).map(Exact).map_err(D::Error::custom)
    }
}

impl MonthView {
    /// How many runs began in the month.
    pub fn runs(&self) -> u64 {
        self.by_agent.iter().map(|row| row.runs).sum::<u64>() + self.by_agent_rest.map_or(0, |rest| rest.runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_not_rounded() {
        let exact: Exact = serde_json::from_str("12345678.123456789").unwrap();
        assert_eq!(exact.0.to_string(), "12345678.123456789");
        assert!(serde_json::from_str::<Exact>("\"1\"").is_err());
    }
}
