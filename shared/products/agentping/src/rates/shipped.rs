//! The default rates. Figures in US dollars per million tokens, read from the providers' public price lists;
//! as of 2026-05. A team's own rows (`tidegate rates set`) override them.
use tidegate_kernel::Usd;

use super::{Rate, RateCard};

/// Provider, model, input, cached input, output; in thousandths of a dollar per million tokens.
const RATES: &[(&str, &str, u64, u64, u64)] = &[
    ("anthropic", "claude-opus-4-5", 5_000, 500, 25_000),
    ("anthropic", "claude-opus-4-1", 15_000, 1_500, 75_000),
    ("anthropic", "claude-opus-4-1-20250805", 15_000, 1_500, 75_000),
    ("anthropic", "claude-opus-4-20250514", 15_000, 1_500, 75_000),
    ("anthropic", "claude-sonnet-4-5", 3_000, 300, 15_000),
    ("anthropic", "claude-sonnet-4-5-20250929", 3_000, 300, 15_000),
    ("anthropic", "claude-sonnet-4-20250514", 3_000, 300, 15_000),
    ("anthropic", "claude-3-7-sonnet-20250219", 3_000, 300, 15_000),
    ("anthropic", "claude-haiku-4-5", 1_000, 100, 5_000),
    ("anthropic", "claude-haiku-4-5-20251001", 1_000, 100, 5_000),
    ("anthropic", "claude-3-5-haiku-20241022", 800, 80, 4_000),
    ("openai", "gpt-5", 1_250, 125, 10_000),
    ("openai", "gpt-5-mini", 250, 25, 2_000),
    ("openai", "gpt-5-nano", 50, 5, 400),
    ("openai", "gpt-4.1", 2_000, 500, 8_000),
    ("openai", "gpt-4.1-mini", 400, 100, 1_600),
    ("openai", "gpt-4.1-nano", 100, 25, 400),
    ("openai", "gpt-4o", 2_500, 1_250, 10_000),
    ("openai", "gpt-4o-mini", 150, 75, 600),
    ("openai", "o3", 2_000, 500, 8_000),
    ("openai", "o4-mini", 1_100, 275, 4_400),
];

const NANOS_PER_THOUSANDTH: u64 = 1_000_000;

pub(super) fn card() -> RateCard {
    let mut card = RateCard::default();
    for &(provider, model, input, cached, output) in RATES {
        let usd = |thousandths: u64| Usd::from_nanos(thousandths * NANOS_PER_THOUSANDTH);
        let rate = Rate {
            input_per_million: usd(input),
            cached_per_million: Some(usd(cached)),
            output_per_million: usd(output),
            batch_permille: Rate::DEFAULT_BATCH_PERMILLE,
        };
        card.set(provider, model, rate);
    }
    card
}
