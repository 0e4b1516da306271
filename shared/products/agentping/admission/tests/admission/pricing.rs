//! A team's rates: cached, and there in trouble too.

use tidegate_agentping::{Rate, RateCard};
use tidegate_kernel::Usd;

use crate::world::{TEAM, World};

fn own(input: u64) -> RateCard {
    let mut card = RateCard::default();
    let rate = Rate {
        input_per_million: Usd::from_nanos(input),
        cached_per_million: None,
        output_per_million: Usd::ZERO,
        batch_permille: Rate::DEFAULT_BATCH_PERMILLE,
    };
    card.set("ours", "model", rate);
    card
}

async fn input(world: &World) -> Option<Usd> {
    let rates = world.admission.rates(TEAM).await;
    rates.find("ours", "model").map(|rate| rate.input_per_million)
}

#[tokio::test]
async fn new_rows_hold_within_two_seconds_and_trouble_keeps_the_last_known() {
    let world = World::new();
    assert_eq!(input(&world).await, None);
    world.backend.with(|state| state.own_rates = own(5));
    world.clock.advance_ms(1_999);
    assert_eq!(input(&world).await, None);
    world.clock.advance_ms(1);
    assert_eq!(input(&world).await, Some(Usd::from_nanos(5)));
    world.store_down(true);
    world.clock.advance_ms(60_000);
    assert_eq!(input(&world).await, Some(Usd::from_nanos(5)));
    world.backend.with(|state| state.own_rates = own(6));
    world.store_down(false);
    world.clock.advance_ms(2_000);
    assert_eq!(input(&world).await, Some(Usd::from_nanos(6)));
}

#[tokio::test]
async fn without_any_word_of_the_store_the_shipped_card_holds() {
    let world = World::new();
    world.store_down(true);
    let rates = world.admission.rates(TEAM).await;
    let shipped = RateCard::shipped().rows();
    assert!(!shipped.is_empty());
    for row in shipped {
        assert_eq!(rates.find(&row.provider, &row.model), Some(&row.rate));
    }
}
