//! AP-56: the price of a model call, exactly.

use std::sync::Arc;

use proptest::prelude::*;
use tidegate_agentping::{Rate, RateCard, TeamRates, TokenUse};
use tidegate_kernel::Usd;

fn usd(text: &str) -> Usd {
    Usd::parse(text).expect("an amount")
}

fn rate(input: &str, cached: Option<&str>, output: &str) -> Rate {
    Rate {
        input_per_million: usd(input),
        cached_per_million: cached.map(usd),
        output_per_million: usd(output),
        batch_permille: Rate::DEFAULT_BATCH_PERMILLE,
    }
}

#[test]
fn cached_tokens_have_their_own_price() {
    let tokens = TokenUse { input: 10_000, cached: 8_000, output: 500, batch: false };
    // 2,000 x 3 + 8,000 x 0.3 + 500 x 15 = 15,900 dollar-tokens per million.
    assert_eq!(rate("3", Some("0.3"), "15").cost(tokens).to_string(), "0.0159");
    assert_eq!(rate("3", None, "15").cost(tokens).to_string(), "0.0375");
    let batch = TokenUse { batch: true, ..tokens };
    assert_eq!(rate("3", Some("0.3"), "15").cost(batch).to_string(), "0.00795");
    let clamped = TokenUse { cached: 99_999, ..tokens };
    assert_eq!(
        rate("3", Some("0.3"), "15").cost(clamped),
        rate("3", Some("0.3"), "15").cost(TokenUse { cached: 10_000, ..tokens })
    );
}

#[test]
fn half_a_nano_rounds_up_once() {
    let one_token = TokenUse { input: 1, ..TokenUse::default() };
    assert_eq!(rate("0.0005", None, "0").cost(one_token), Usd::from_nanos(1));
    assert_eq!(rate("0.000499999", None, "0").cost(one_token), Usd::ZERO);
    // Two halves in one call are one nano-dollar, not two.
    let both = TokenUse { input: 1, output: 1, ..TokenUse::default() };
    assert_eq!(rate("0.0005", None, "0.0005").cost(both), Usd::from_nanos(1));
}

#[test]
fn the_largest_call_fits() {
    let top = Rate::MAX_PER_MILLION;
    let rate =
        Rate { input_per_million: top, cached_per_million: None, output_per_million: top, batch_permille: 1_000 };
    let most = TokenUse { input: TokenUse::MAX_TOKENS, cached: 0, output: TokenUse::MAX_TOKENS, batch: false };
    assert_eq!(rate.cost(most), usd("200000000"));
}

#[test]
fn models_match_exactly_or_without_their_provider() {
    let mut own = RateCard::default();
    own.set("openai", "gpt-x", rate("1", None, "2"));
    let mut shipped = RateCard::default();
    shipped.set("openai", "gpt-x", rate("5", None, "6"));
    shipped.set("openai", "gpt-y", rate("7", None, "8"));
    let card = TeamRates { own, shipped: Arc::new(shipped) };
    assert_eq!(card.find("openai", "gpt-x"), Some(&rate("1", None, "2")));
    assert_eq!(card.find("openai", "openai/gpt-x"), Some(&rate("1", None, "2")));
    assert_eq!(card.find("openai", "gpt-y"), Some(&rate("7", None, "8")));
    for (provider, model) in
        [("openai", "gpt-x-2026-01-01"), ("openai", "GPT-X"), ("azure", "gpt-x"), ("openai", "other/gpt-x")]
    {
        assert_eq!(card.find(provider, model), None, "{provider} {model}");
    }
}

#[test]
fn the_shipped_card_is_sound() {
    let rows = RateCard::shipped().rows();
    assert!(rows.len() > 10);
    for row in rows {
        assert!(row.rate.output_per_million > row.rate.input_per_million, "{}", row.model);
        assert!(row.rate.cached_per_million.is_some_and(|cached| cached < row.rate.input_per_million), "{}", row.model);
    }
}

proptest! {
    /// Against the formula written out in floating point, within its precision.
    #[test]
    fn the_formula_holds(input in 0u64..10_000_000, cached in 0u64..10_000_000, output in 0u64..10_000_000,
                         rates in prop::array::uniform3(0u64..100_000_000_000)) {
        let card = Rate {
            input_per_million: Usd::from_nanos(rates[0]),
            cached_per_million: Some(Usd::from_nanos(rates[1])),
            output_per_million: Usd::from_nanos(rates[2]),
            batch_permille: 500,
        };
        let cost = card.cost(TokenUse { input, cached, output, batch: false }).as_nanos() as f64;
        let cached = cached.min(input);
        let expected = ((input - cached) as f64 * rates[0] as f64 + cached as f64 * rates[1] as f64 + output as f64 * rates[2] as f64) / 1e6;
        prop_assert!((cost - expected).abs() <= 0.5 + expected * 1e-12, "{cost} {expected}");
    }
}
