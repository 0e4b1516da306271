//! The rate card: prices of model calls (AgentPing: spend).

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_kernel::Usd;

/// The prices of one model, in dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    pub input_per_million: Usd,
    /// The price of cache reads; the input price if absent.
    #[serde(default)]
    pub cached_per_million: Option<Usd>,
    pub output_per_million: Usd,
    /// The factor of a call with `mode:"batch"`, in thousandths.
    #[serde(default = "half")]
    pub batch_permille: u32,
}

const fn half() -> u32 {
    500
}

/// The tokens of one call. `cached` is part of `input`, as SDKs report it gross.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUse {
    pub input: u64,
    pub cached: u64,
    pub output: u64,
    pub batch: bool,
}

impl TokenUse {
    /// Tokens of one kind in a single call at most; a larger count is refused as a mistake.
    pub const MAX_TOKENS: u64 = 10_000_000_000;
}

impl Rate {
    pub const DEFAULT_BATCH_PERMILLE: u32 = half();
    /// The highest price: ten thousand dollars per million tokens. With [`TokenUse::MAX_TOKENS`] a cost fits in
    /// [`Usd`].
    pub const MAX_PER_MILLION: Usd = Usd::from_nanos(10_000_000_000_000);

    /// The cost in whole nano-dollars: exact integer arithmetic, rounded half up once. A cached count above the
    /// input is clamped to it.
    pub fn cost(&self, tokens: TokenUse) -> Usd {
        let cached = tokens.cached.min(tokens.input);
        let priced = |count: u64, rate: Usd| u128::from(count) * u128::from(rate.as_nanos());
        let nanos_per_million = priced(tokens.input - cached, self.input_per_million)
            + priced(cached, self.cached_per_million.unwrap_or(self.input_per_million))
            + priced(tokens.output, self.output_per_million);
        let permille = if tokens.batch { self.batch_permille } else { 1_000 };
        let divisor = 1_000_000u128 * 1_000;
        let nanos = (nanos_per_million * u128::from(permille) + divisor / 2) / divisor;
        Usd::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// Rates by exact provider and model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateCard {
    rates: HashMap<String, HashMap<String, Rate>>,
}

/// One row of a rate card, in the form of files and listings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateRow {
    pub provider: String,
    pub model: String,
    #[serde(flatten)]
    pub rate: Rate,
}

impl RateCard {
    pub fn set(&mut self, provider: &str, model: &str, rate: Rate) {
        self.rates.entry(provider.to_owned()).or_default().insert(model.to_owned(), rate);
    }

    /// The rate of exactly this model, else of the same text without a leading `provider/`. No date-suffix guessing.
    pub fn find(&self, provider: &str, model: &str) -> Option<&Rate> {
        let models = self.rates.get(provider)?;
        models.get(model).or_else(|| {
            let bare = model.strip_prefix(provider)?.strip_prefix('/')?;
            models.get(bare)
        })
    }

    /// The card's rows, ordered by provider and model.
    pub fn rows(&self) -> Vec<RateRow> {
        let mut rows: Vec<RateRow> = self
            .rates
            .iter()
            .flat_map(|(provider, models)| {
                models.iter().map(|(model, rate)| RateRow {
                    provider: provider.clone(),
                    model: model.clone(),
                    rate: *rate,
                })
            })
            .collect();
        rows.sort_by(|a, b| (&a.provider, &a.model).cmp(&(&b.provider, &b.model)));
        rows
    }

    /// The card that ships with Tidegate (`rates/shipped.rs`), compiled from public price lists with their date.
    pub fn shipped() -> Self {
        shipped::card()
    }
}

impl FromIterator<RateRow> for RateCard {
    fn from_iter<I: IntoIterator<Item = RateRow>>(rows: I) -> Self {
        let mut card = RateCard::default();
        for row in rows {
            card.set(&row.provider, &row.model, row.rate);
        }
        card
    }
}

mod shipped;

/// A team's rates: its own rows first, then the shipped card.
#[derive(Clone, Debug, Default)]
pub struct TeamRates {
    pub own: RateCard,
    pub shipped: Arc<RateCard>,
}

impl TeamRates {
    pub fn find(&self, provider: &str, model: &str) -> Option<&Rate> {
        self.own.find(provider, model).or_else(|| self.shipped.find(provider, model))
    }
}
