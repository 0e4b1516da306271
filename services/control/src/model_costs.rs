//! What the model calls of a run cost, by provider and model.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;
use tidegate_agentping_ports::EventRow;
use tidegate_kernel::usd::decimal;
use tidegate_kernel::{SmolStr, Usd};
use utoipa::ToSchema;

/// What calls of one model cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModelCost {
    pub provider: String,
    pub model: String,
    /// US dollars, exact.
    #[serde(serialize_with = "decimal")]
    #[schema(value_type = f64, minimum = 0)]
    pub cost_usd: Usd,
    /// How many calls.
    pub calls: u64,
    /// How many of them no rate was there for: they cost 0.
    pub unpriced: u64,
}

/// The sums over events, as many as are added.
#[derive(Clone, Debug, Default)]
pub struct ModelCosts(BTreeMap<(SmolStr, SmolStr), Sum>);

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    cost: Usd,
    calls: u64,
    unpriced: u64,
}

impl ModelCosts {
    /// Adds an event, if it is a model call.
    pub fn add(&mut self, row: &EventRow) {
        let Some(call) = &row.event.call else { return };
        let sum = self.0.entry((call.provider.clone(), call.model.clone())).or_default();
        sum.cost = sum.cost.plus(call.cost);
        sum.calls += 1;
        sum.unpriced += u64::from(!call.priced);
    }

    /// Greatest cost first; equal costs by name.
    pub fn rows(self) -> Vec<ModelCost> {
        let mut rows: Vec<ModelCost> = self
            .0
            .into_iter()
            .map(|((provider, model), Sum { cost, calls, unpriced })| ModelCost {
                provider: provider.into(),
                model: model.into(),
                cost_usd: cost,
                calls,
                unpriced,
            })
            .collect();
        rows.sort_by_key(|row| Reverse(row.cost_usd));
        rows
    }
}
