//! Rate, quota and agents.

use tidegate_agentping::{Limits, Slug};
use tidegate_agentping_ports::{Ask, Gate, Refused, Seed, Usage, Verdict};
use tidegate_kernel::Month;

use super::{Asker, start};

const OPEN: Limits = Limits { sustained_per_s: None, burst: None, events_per_month: None, agents: None };

pub async fn an_unknown_team_is_to_be_seeded_once(gate: &dyn Gate) {
    let asker = Asker::unknown(gate, OPEN);
    let month = Month::of(asker.now);
    assert!(matches!(asker.claim(vec![]).await, Verdict::NeedsSeed));
    assert_eq!(gate.usage(asker.team, month).await, Ok(None));
    let seed = Seed { usage: Some(Usage { month, events: 7 }), agents: Vec::new() };
    assert_eq!(gate.seed(asker.team, seed).await, Ok(()));
    assert!(matches!(asker.claim(vec![]).await, Verdict::Admitted { .. }));
    assert_eq!(asker.used().await, 7);
}

pub async fn seeding_again_keeps_the_greater_count_and_all_agents(gate: &dyn Gate) {
    let asker = Asker::seeded(gate, Limits { agents: Some(2), ..OPEN }).await;
    let _held = asker.admitted(asker.agent("a", 5)).await;
    let month = Month::of(asker.now);
    for events in [3, 9, 4] {
        let seed = Seed { usage: Some(Usage { month, events }), agents: vec![Slug::parse("b").expect("a slug")] };
        assert_eq!(gate.seed(asker.team, seed).await, Ok(()));
    }
    assert_eq!(asker.used().await, 9);
    assert!(matches!(asker.admit(asker.agent("c", 0)).await, Verdict::Refused(Refused::AgentCap { cap: 2, .. })));
}

pub async fn a_burst_passes_and_then_the_rate_holds(gate: &dyn Gate) {
    let mut asker = Asker::seeded(gate, Limits { sustained_per_s: Some(2), burst: Some(3), ..OPEN }).await;
    for _ in 0..3 {
        assert!(matches!(asker.claim(vec![]).await, Verdict::Admitted { .. }));
    }
    assert_eq!(rate_refusal(&asker).await, Some(1));
    asker.now = asker.now.plus_millis(499);
    assert_eq!(rate_refusal(&asker).await, Some(1));
    asker.now = asker.now.plus_millis(1);
    assert_eq!(rate_refusal(&asker).await, None);
    assert_eq!(rate_refusal(&asker).await, Some(1));
    asker.now = asker.now.plus_millis(60_000);
    for _ in 0..3 {
        assert_eq!(rate_refusal(&asker).await, None, "it fills up to its burst");
    }
    assert_eq!(rate_refusal(&asker).await, Some(1), "and no further");
}

pub async fn teams_do_not_share_a_bucket(gate: &dyn Gate) {
    let one = Asker::seeded(gate, Limits { sustained_per_s: Some(1), burst: Some(1), ..OPEN }).await;
    let two = Asker::seeded(gate, one.limits).await;
    assert_eq!(rate_refusal(&one).await, None);
    assert_eq!(rate_refusal(&one).await, Some(1));
    assert_eq!(rate_refusal(&two).await, None);
}

pub async fn asking_again_for_own_claims_takes_no_token(gate: &dyn Gate) {
    let asker = Asker::seeded(gate, Limits { sustained_per_s: Some(1), burst: Some(1), ..OPEN }).await;
    for _ in 0..5 {
        let again = Ask { charge_rate: false, ..asker.ask(vec![]) };
        assert!(matches!(asker.admit(again).await, Verdict::Admitted { .. }));
    }
    assert_eq!(rate_refusal(&asker).await, None);
    assert_eq!(rate_refusal(&asker).await, Some(1));
}

pub async fn the_quota_line_is_passed_by_one_batch_at_most(gate: &dyn Gate) {
    // 150 % of 7 is 10, rounded down.
    let asker = Asker::seeded(gate, Limits { events_per_month: Some(7), ..OPEN }).await;
    let (_, _ticket) = asker.admitted(Ask { unclaimed_units: 9, ..asker.ask(vec![]) }).await;
    let (_, _ticket) = asker.admitted(Ask { unclaimed_units: 50, ..asker.ask(vec![]) }).await;
    assert_eq!(asker.used().await, 59);
    for units in [0, 1] {
        let ask = Ask { unclaimed_units: units, ..asker.ask(vec![]) };
        assert!(matches!(asker.admit(ask).await, Verdict::Refused(Refused::Quota { used: 59, .. })));
    }
    assert_eq!(asker.used().await, 59);
}

pub async fn a_new_month_counts_from_nothing(gate: &dyn Gate) {
    let mut asker = Asker::seeded(gate, Limits { events_per_month: Some(2), ..OPEN }).await;
    let (_, _ticket) = asker.admitted(Ask { unclaimed_units: 3, ..asker.ask(vec![]) }).await;
    let next = Month::of(asker.now).next().start();
    asker.now = next.plus_millis(-1);
    assert!(matches!(asker.claim(vec![]).await, Verdict::Refused(Refused::Quota { used: 3, .. })));
    asker.now = next;
    let (_, ticket) = asker.admitted(Ask { unclaimed_units: 1, ..asker.ask(vec![]) }).await;
    assert_eq!((ticket.month, asker.used().await), (Month::of(next), 1));
    asker.now = next.plus_millis(-1);
    assert_eq!(asker.used().await, 3, "the month before is still known");
}

pub async fn without_limits_all_is_admitted(gate: &dyn Gate) {
    let asker = Asker::seeded(gate, OPEN).await;
    for n in 0..200 {
        let (_, ticket) = asker.admitted(asker.agent(&format!("agent-{n}"), 1_000)).await;
        gate.confirm(ticket).await;
    }
    assert_eq!(asker.used().await, 200_000);
}

pub async fn at_the_cap_known_agents_go_on(gate: &dyn Gate) {
    let asker = Asker::seeded(gate, Limits { agents: Some(2), ..OPEN }).await;
    for slug in ["a", "b"] {
        let (_, ticket) = asker.admitted(asker.agent(slug, 1)).await;
        assert_eq!(ticket.new_agent.as_ref().map(Slug::as_str), Some(slug));
        gate.confirm(ticket).await;
    }
    assert!(matches!(asker.admit(asker.agent("c", 1)).await, Verdict::Refused(Refused::AgentCap { cap: 2, .. })));
    assert_eq!(asker.used().await, 2);
    let (_, ticket) = asker.admitted(asker.agent("a", 1)).await;
    assert_eq!(ticket.new_agent, None);
    let mut uncapped = asker.agent("c", 1);
    uncapped.agent.as_mut().expect("an agent").capped = false;
    let (_, _ticket) = asker.admitted(uncapped).await;
}

pub async fn a_released_first_use_frees_its_slot_unless_another_holds_it(gate: &dyn Gate) {
    let asker = Asker::seeded(gate, Limits { agents: Some(1), ..OPEN }).await;
    let (_, first) = asker.admitted(asker.agent("a", 1)).await;
    let (_, second) = asker.admitted(asker.agent("a", 1)).await;
    gate.release(first).await;
    assert!(matches!(asker.admit(asker.agent("b", 1)).await, Verdict::Refused(Refused::AgentCap { cap: 1, .. })));
    gate.release(second).await;
    let (_, ticket) = asker.admitted(asker.agent("b", 1)).await;
    gate.confirm(ticket).await;
    assert!(matches!(asker.admit(asker.agent("a", 1)).await, Verdict::Refused(Refused::AgentCap { cap: 1, .. })));
}

pub async fn an_agent_that_is_forgotten_frees_its_slot(gate: &dyn Gate) {
    let asker = Asker::seeded(gate, Limits { agents: Some(2), ..OPEN }).await;
    let agent = |text: &str| Slug::parse(text).expect("a slug");
    let count = async || gate.agents(asker.team).await.expect("the gate is up");
    let forget = async |text: &str| gate.forget_agent(asker.team, agent(text)).await.expect("the gate is up");
    assert_eq!(count().await, Some(0));
    let (_, one) = asker.admitted(asker.agent("one", 1)).await;
    gate.confirm(one).await;
    let (_, two) = asker.admitted(asker.agent("two", 1)).await;
    let (_, two_again) = asker.admitted(asker.agent("two", 1)).await;
    assert_eq!(count().await, Some(2), "requests under way hold their slots");
    let at_cap = async |text: &str| {
        let verdict = asker.admit(asker.agent(text, 1)).await;
        assert!(matches!(verdict, Verdict::Refused(Refused::AgentCap { cap: 2, .. })), "{text}: {verdict:?}");
    };
    at_cap("three").await;
    forget("nobody").await;
    assert_eq!(count().await, Some(2), "there is no such agent");
    forget("one").await;
    assert_eq!(count().await, Some(1));
    let (_, three) = asker.admitted(asker.agent("three", 1)).await;
    gate.confirm(three).await;
    at_cap("one").await;

    // A request in progress confirms what was forgotten meanwhile: the agent has reported, and takes a slot again. A
    // release finds nothing to give back.
    forget("two").await;
    assert_eq!(count().await, Some(1));
    gate.release(two).await;
    assert_eq!(count().await, Some(1));
    gate.confirm(two_again).await;
    assert_eq!(count().await, Some(2));
    at_cap("one").await;

    let unknown = Asker::unknown(gate, OPEN);
    assert_eq!(gate.forget_agent(unknown.team, agent("one")).await, Ok(()));
    assert_eq!(gate.agents(unknown.team).await, Ok(None), "forgetting makes no team");
}

pub async fn the_order_is_rate_quota_agents_claims(gate: &dyn Gate) {
    let limits = Limits { sustained_per_s: Some(1), burst: Some(3), events_per_month: Some(1), agents: Some(0) };
    let asker = Asker::seeded(gate, limits).await;
    let run = asker.run();
    let refused = Ask { claims: vec![start(run, 1)], ..asker.agent("a", 1) };
    assert!(matches!(asker.admit(refused.clone()).await, Verdict::Refused(Refused::AgentCap { cap: 0, .. })));
    let (_, _ticket) = asker.admitted(Ask { unclaimed_units: 1, ..asker.ask(vec![]) }).await;
    assert!(matches!(asker.admit(refused.clone()).await, Verdict::Refused(Refused::Quota { used: 1, .. })));
    assert!(matches!(asker.admit(refused).await, Verdict::Refused(Refused::Rate { .. })));
    let free = Asker { limits: OPEN, ..asker };
    assert_eq!(free.outcome(start(run, 2)).await, super::NEW, "no refusal claimed anything");
}

async fn rate_refusal(asker: &Asker<'_>) -> Option<u64> {
    match asker.claim(vec![]).await {
        Verdict::Admitted { .. } => None,
        Verdict::Refused(Refused::Rate { retry_after_s }) => Some(retry_after_s),
        other => panic!("neither admitted nor refused by rate: {other:?}"),
    }
}
