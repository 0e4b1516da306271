//! A month's spend by model: what one partition of the log has counted.
//!
//! What a call cost is known where its event is read, so it is counted from the feed's rows, as other sums are. Events that
//! came before their run's start are in no row: their cost is in no page.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidegate_agentping::feed::ModelSpend;
use tidegate_kernel::{SmolStr, Usd};

/// Models of one page. Clients name them, so there may be any number; the cost of more is in no page.
const MODELS_MOST: usize = 1_000;
const VERSION: u16 = 1;

/// A page of sums by provider and model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelPage {
    /// Rows below this offset are counted.
    through: i64,
    sums: BTreeMap<(SmolStr, SmolStr), Usd>,
}

impl ModelPage {
    /// Counts what the row at `offset` says, unless it has counted the row.
    pub fn count(&mut self, offset: i64, models: &[ModelSpend]) {
        if offset < self.through {
            return;
        }
        self.through = offset + 1;
        for ModelSpend { provider, model, cost } in models {
            let is_full = self.sums.len() >= MODELS_MOST;
            match self.sums.get_mut(&(provider.clone(), model.clone())) {
                Some(sum) => *sum = sum.plus(*cost),
                None if is_full => {}
                None => drop(self.sums.insert((provider.clone(), model.clone()), *cost)),
            }
        }
    }

    /// Rows below this offset are counted.
    pub const fn through(&self) -> i64 {
        self.through
    }

    /// Provider, model and cost.
    pub fn sums(&self) -> impl Iterator<Item = (&SmolStr, &SmolStr, Usd)> {
        self.sums.iter().map(|((provider, model), cost)| (provider, model, *cost))
    }

    /// As it is stored.
    ///
    /// # Errors
    /// Never: texts and numbers serialize.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let sums = self.sums().map(|(provider, model, cost)| ModelSpend {
            provider: provider.clone(),
            model: model.clone(),
            cost,
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
        let sums = stored.sums.into_iter().map(|sum| ((sum.provider, sum.model), sum.cost));
        Ok(ModelPage { through: stored.through, sums: sums.collect() })
    }
}

#[derive(Serialize, Deserialize)]
struct StoredPage {
    v: u16,
    through: i64,
    sums: Vec<ModelSpend>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spend(model: &str, nanos: u64) -> ModelSpend {
        ModelSpend { provider: "p".into(), model: model.into(), cost: Usd::from_nanos(nanos) }
    }

    #[test]
    fn a_row_counts_once() {
        let mut page = ModelPage::default();
        page.count(3, &[spend("a", 5), spend("b", 1)]);
        page.count(3, &[spend("a", 5), spend("b", 1)]);
        page.count(7, &[spend("a", 2)]);
        page.count(5, &[spend("a", 100)]);
        let sums: Vec<_> = page.sums().map(|(_, model, cost)| (model.as_str(), cost.as_nanos())).collect();
        assert_eq!((sums, page.through()), (vec![("a", 7), ("b", 1)], 8));
        assert_eq!(ModelPage::decode(&page.encode().unwrap()).unwrap(), page);
        assert!(ModelPage::decode(br#"{"v":2,"through":0,"sums":[]}"#).unwrap_err().to_string().contains("version 2"));
    }

    #[test]
    fn models_are_limited() {
        let mut page = ModelPage::default();
        let many: Vec<ModelSpend> = (0..MODELS_MOST + 10).map(|model| spend(&model.to_string(), 1)).collect();
        page.count(0, &many);
        page.count(1, &many);
        let sums: Vec<u64> = page.sums().map(|(.., cost)| cost.as_nanos()).collect();
        assert_eq!((sums.len(), sums[0]), (MODELS_MOST, 2));
    }
}
