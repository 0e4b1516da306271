//! What model calls cost.

use serde_json::{Value, json};
use tidegate_tests::team::events;
use tidegate_tests::wait::READABLE;
use tidegate_tests::{Team, eventually, wire};

use crate::team;

/// Sends one event in a run of its own; the cost of the event and of the run, digit by digit.
async fn cost_of(team: &Team, event: Value) -> (String, String) {
    let run = team.run_id();
    team.start(&wire::start(&run, "spender")).await.expect(202);
    team.batch(&run, &[event]).await.expect(202);
    team.run_with_events(&run, 1).await;
    let stored = team.stored(&run).await.unwrap();
    let event_cost = decimal(&events(&stored.json())[0]["cost_usd"]);
    (event_cost, stored.raw("cost_usd").unwrap())
}

fn decimal(cost: &Value) -> String {
    cost.to_string()
}

/// AP-56: (input less cached) at the input rate, cached at the cached rate, output at the output rate; exact.
#[tokio::test]
async fn the_formula() {
    let (_target, team) = team().await;
    team.set_rate("acme", "m1", "3", Some("0.3"), "15").await;
    for (tokens, cost) in [
        ((1_000_000, 0, 0), "3"),
        ((0, 0, 1_000_000), "15"),
        ((1_000_000, 1_000_000, 0), "0.3"),
        ((1_000, 400, 200), "0.00492"),
        ((1, 0, 0), "0.000003"),
        ((1, 1, 0), "0.0000003"),
        ((123_457, 23_456, 7_891), "0.4254048"),
        ((0, 0, 0), "0"),
    ] {
        let call = wire::llm_call(&team.event_id(), "acme", "m1", tokens);
        let (_, run_cost) = cost_of(&team, call).await;
        assert_eq!(run_cost, cost, "{tokens:?}");
    }
}

/// AP-56: one rounding per event, half up, to the nano-dollar; a run is the exact sum of its events.
#[tokio::test]
async fn rounding_and_summing() {
    let (_target, team) = team().await;
    team.set_rate("acme", "tiny", "0.0005", Some("0.0004"), "0.001").await;
    for (tokens, cost) in [((1, 0, 0), "0.000000001"), ((1, 1, 0), "0"), ((3, 0, 0), "0.000000002")] {
        let call = wire::llm_call(&team.event_id(), "acme", "tiny", tokens);
        assert_eq!(cost_of(&team, call).await.1, cost, "{tokens:?}");
    }
    let run = team.run_id();
    team.start(&wire::start(&run, "spender")).await.expect(202);
    let calls: Vec<Value> = (0..30).map(|_| wire::llm_call(&team.event_id(), "acme", "tiny", (100, 0, 100))).collect();
    team.batch(&run, &calls).await.expect(202);
    team.run_with_events(&run, 30).await;
    assert_eq!(team.stored(&run).await.unwrap().raw("cost_usd").as_deref(), Some("0.0000045"));
}

/// AP-56: without a cached rate the input rate holds; more cached than input is clamped (our choice).
#[tokio::test]
async fn cached_input() {
    let (_target, team) = team().await;
    team.set_rate("acme", "plain", "2", None, "4").await;
    team.set_rate("acme", "cached", "2", Some("1"), "4").await;
    let million = 1_000_000;
    for (model, tokens, cost) in [
        ("plain", (million, million, 0), "2"),
        ("cached", (million, 5 * million, 0), "1"),
        ("cached", (0, million, million), "4"),
    ] {
        let call = wire::llm_call(&team.event_id(), "acme", model, tokens);
        assert_eq!(cost_of(&team, call).await.1, cost, "{model} {tokens:?}");
    }
}

/// AP-56: cache writes and reasoning are inside the gross counts; a batch costs half; absent counts are 0.
#[tokio::test]
async fn other_token_members() {
    let (_target, team) = team().await;
    team.set_rate("acme", "m1", "3", Some("0.3"), "15").await;
    let call = || wire::llm_call(&team.event_id(), "acme", "m1", (1_000_000, 0, 1_000_000));
    let extra = wire::with(call(), "data.cache_creation_input_tokens", json!(500_000));
    let extra = wire::with(extra, "data.reasoning_tokens", json!(900_000));
    assert_eq!(cost_of(&team, extra).await.1, "18");
    let batch = wire::with(call(), "data.mode", json!("batch"));
    assert_eq!(cost_of(&team, batch).await.1, "9");
    let failed = json!({"external_id": team.event_id(), "type": "llm_call", "ts": "2026-05-15T14:32:01.123Z",
        "data": {"provider": "acme", "model": "m1", "status": "error", "error": "overloaded"}});
    assert_eq!(cost_of(&team, failed).await.1, "0");
}

/// AP-56: the model is matched exactly, or without a leading `provider/`; dates are not guessed (our choice).
#[tokio::test]
async fn models_match_exactly() {
    let (_target, team) = team().await;
    team.set_rate("acme", "m1", "3", None, "15").await;
    for (provider, model, cost) in [
        ("acme", "m1", "3"),
        ("acme", "acme/m1", "3"),
        ("acme", "other/m1", "0"),
        ("acme", "m1-20260101", "0"),
        ("acme", "M1", "0"),
        ("other", "m1", "0"),
    ] {
        let call = wire::llm_call(&team.event_id(), provider, model, (1_000_000, 0, 0));
        assert_eq!(cost_of(&team, call).await.1, cost, "{provider} {model}");
    }
}

/// AP-56: a shipped card prices the known providers' models, and a team's own row goes before it.
#[tokio::test]
async fn the_shipped_card() {
    let (_target, team) = team().await;
    let call = || wire::llm_call(&team.event_id(), "anthropic", "claude-sonnet-4-5", (1_000_000, 0, 0));
    let shipped = cost_of(&team, call()).await.1;
    assert_ne!(shipped, "0");
    team.set_rate("anthropic", "claude-sonnet-4-5", "1234", None, "1").await;
    eventually(READABLE, "the own row holds", async || match cost_of(&team, call()).await.1.as_str() {
        "1234" => Ok(()),
        other if other == shipped => Err(other.to_owned()),
        other => panic!("neither the shipped nor the own rate: {other}"),
    })
    .await;
}

/// AP-57: an unpriced model costs 0 and is listed; adding its row prices later events only.
#[tokio::test]
async fn an_unpriced_model_is_listed() {
    let (_target, team) = team().await;
    let run = team.run_id();
    team.start(&wire::start(&run, "spender")).await.expect(202);
    let call = || wire::llm_call(&team.event_id(), "newlab", "n-1", (1_000_000, 0, 0));
    team.batch(&run, &[call()]).await.expect(202);
    team.run_with_events(&run, 1).await;
    assert_eq!(team.stored(&run).await.unwrap().raw("cost_usd").as_deref(), Some("0"));
    eventually(READABLE, "it is listed as unpriced", async || {
        let spend = team.spend().await;
        if spend.json()["unpriced"] == json!([{"provider": "newlab", "model": "n-1"}]) {
            Ok(())
        } else {
            Err(spend.text())
        }
    })
    .await;
    team.set_rate("newlab", "n-1", "7", None, "7").await;
    eventually(READABLE, "the new row prices", async || match cost_of(&team, call()).await.1.as_str() {
        "7" => Ok(()),
        "0" => Err("0".to_owned()),
        other => panic!("neither 0 nor 7: {other}"),
    })
    .await;
    let settled = team.settled(&run).await;
    assert_eq!(settled["cost_usd"], json!(0), "what was stored keeps its cost");
}

/// AP-58: a client's `cost_usd` inside a call's data changes nothing.
#[tokio::test]
async fn a_clients_cost_is_ignored() {
    let (_target, team) = team().await;
    team.set_rate("acme", "m1", "3", None, "15").await;
    let call = wire::llm_call(&team.event_id(), "acme", "m1", (1_000_000, 0, 0));
    let call = wire::with(call, "data.cost_usd", json!(999));
    assert_eq!(cost_of(&team, call).await.1, "3");
    let log = wire::with(wire::log_event(&team.event_id()), "data.cost_usd", json!(999));
    assert_eq!(cost_of(&team, log).await.1, "0", "only calls cost");
}

/// AP-56: the cost stands on the event too, and the run shows it by model.
#[tokio::test]
async fn costs_by_event_and_by_model() {
    let (_target, team) = team().await;
    team.set_rate("acme", "m1", "3", None, "15").await;
    team.set_rate("acme", "m2", "1", None, "1").await;
    let run = team.run_id();
    team.start(&wire::start(&run, "spender")).await.expect(202);
    let call = |model: &str| wire::llm_call(&team.event_id(), "acme", model, (1_000_000, 0, 0));
    team.batch(&run, &[call("m1"), call("m1"), call("m2")]).await.expect(202);
    let stored = team.run_with_events(&run, 3).await;
    assert_eq!(stored["cost_usd"], json!(7));
    let by_event: f64 = events(&stored).iter().map(|event| event["cost_usd"].as_f64().unwrap()).sum();
    assert!((by_event - 7.0).abs() < 1e-9, "{stored}");
    let by_model = stored["cost_by_model"].to_string();
    assert!(by_model.contains("m1") && by_model.contains("m2"), "{by_model}");
    eventually(READABLE, "the month's spend has it", async || {
        let spend = team.spend().await;
        if spend.json()["total_usd"] == json!(7) { Ok(()) } else { Err(spend.text()) }
    })
    .await;
}
