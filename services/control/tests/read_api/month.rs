//! `GET /v1/agents`, `/v1/usage` and `/v1/spend`.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_agentping::feed::ModelSpend;
use tidegate_agentping::{FinishStatus, HeartbeatStatus, Start};
use tidegate_agentping_ports::spend_rows::{SPEND_MODELS, month_shard, page_row};
use tidegate_agentping_pulse::spend::ModelPage;
use tidegate_kernel::{Month, Usd};
use tidegate_ports::{Clock, RowKey, RowWrite, Rows};

use crate::house::*;

const STARTED: &str = "2026-05-15T11:00:00.000Z";

#[tokio::test]
async fn agents_are_listed_by_slug() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("zebra", STARTED)).await;
    house.clock.advance_ms(1_500);
    house.tell(team(1), run_id(2), start("ant", STARTED)).await;
    house.tell(team(1), run_id(3), start("zebra", STARTED)).await;
    let agents = house.get("/v1/agents").await.ok()["agents"].clone();
    let later = "2026-05-15T12:00:01.500Z";
    for (agent, slug, first, last) in [(&agents[0], "ant", later, later), (&agents[1], "zebra", NOON, later)] {
        assert_eq!(
            (&agent["agent"], &agent["first_seen"], &agent["last_seen"]),
            (&json!(slug), &json!(first), &json!(last))
        );
        assert!(agent["id"].as_str().unwrap().starts_with("agt_eu_"), "{agent}");
    }
    assert_eq!(agents.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn usage_counts_this_month_against_the_plan() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("finder", STARTED)).await;
    house.tell(team(1), run_id(1), vec![event(1, "log", STARTED, "{}"), event(2, "log", STARTED, "{}")]).await;
    house.tell(team(1), run_id(1), finish(FinishStatus::Success, STARTED)).await;
    let expected = json!({
        "month": "2026-05", "events": 4, "repeats": 0, "plan": "team", "allowance": 1_000_000, "hard_cap": 1_500_000,
        "resets_at": "2026-06-01T00:00:00.000Z",
    });
    assert_eq!(house.get("/v1/usage").await.ok(), expected);
    house.clock.set(at("2026-06-01T00:00:00.000Z"));
    let june = house.get("/v1/usage").await.ok();
    assert_eq!((&june["month"], &june["events"]), (&json!("2026-06"), &json!(0)));
    assert_eq!(june["resets_at"], "2026-07-01T00:00:00.000Z");
}

/// Ids in use again are counted in the month in which that was received, by the team and by the agent.
#[tokio::test]
async fn repeats_are_counted_by_team_and_by_agent() {
    let house = House::open().await;
    let beat = |agent| heartbeat(agent, HeartbeatStatus::Ok);
    let shown = async || -> (Value, Vec<Option<Value>>) {
        let agents = house.get("/v1/agents").await.ok()["agents"].clone();
        let of_each = agents.as_array().unwrap().iter().map(|agent| agent.get("repeats_this_month").cloned()).collect();
        (house.get("/v1/usage").await.ok()["repeats"].clone(), of_each)
    };
    house.tell(team(1), run_id(1), beat("cron")).await;
    house.tell(team(1), run_id(2), beat("good")).await;
    assert_eq!(shown().await, (json!(0), vec![None, None]));
    for night in 1..=16 {
        house.clock.advance_ms(24 * 3_600_000);
        house.tell(team(1), run_id(1), beat("cron")).await;
        assert_eq!(shown().await, (json!(night), vec![Some(json!(night)), None]));
    }
    // The first night of June: May's are May's.
    house.clock.advance_ms(24 * 3_600_000);
    assert_eq!(shown().await, (json!(0), vec![None, None]));
    house.tell(team(1), run_id(1), beat("cron")).await;
    assert_eq!(shown().await, (json!(1), vec![Some(json!(1)), None]));
    assert_eq!(house.get(&format!("/v1/runs/{}", run_id(1))).await.ok()["repeats"]["times"], 17);
    assert_eq!(house.get_as(Some(KEY_B), "/v1/usage").await.ok()["repeats"], 0);
}

#[tokio::test]
async fn no_limit_is_null() {
    let house = House::open().await;
    let usage = house.get_as(Some(KEY_B), "/v1/usage").await.ok();
    let shown: Vec<Option<&Value>> = ["plan", "allowance", "hard_cap"].iter().map(|name| usage.get(name)).collect();
    assert_eq!(shown, [Some(&json!("enterprise")), Some(&Value::Null), Some(&Value::Null)]);
}

#[tokio::test]
async fn spend_is_broken_down_exactly() {
    let house = House::open().await;
    let labelled = |agent: &str, customer: Option<&str>, feature: Option<&str>| Start {
        customer_id: customer.map(Into::into),
        feature: feature.map(Into::into),
        ..start(agent, STARTED)
    };
    let runs = [
        (1, labelled("a", Some("acme"), None), "0.1", Some(FinishStatus::Success)),
        (2, labelled("a", Some("acme"), Some("search")), "0.2", Some(FinishStatus::Failed)),
        (3, labelled("b", None, Some("search")), "1", None),
    ];
    for (number, opened, cost, ended) in runs {
        house.tell(team(1), run_id(number), opened).await;
        house.tell(team(1), run_id(number), call(number, STARTED, "m", Some(cost))).await;
        if let Some(status) = ended {
            house.tell(team(1), run_id(number), finish(status, STARTED)).await;
        }
    }
    house.tell(team(1), run_id(3), call(9, STARTED, "novel", None)).await;
    house.tell(team(1), run_id(4), start("april", "2026-04-30T23:59:59.999Z")).await;
    let line = |name: Option<&str>, cost: f64, runs: u64| json!({"name": name, "cost_usd": cost, "runs": runs});
    let spend = house.get("/v1/spend").await.ok();
    assert_eq!(spend["month"], "2026-05");
    assert_eq!(spend["total_usd"], json!(1.3));
    assert_eq!(spend["successful_usd"], json!(0.1));
    assert_eq!(spend["by_agent"][1], line(Some("a"), 0.3, 2));
    assert_eq!(spend["by_agent"][0]["name"], "b");
    assert_eq!(spend["by_customer"][0]["name"], Value::Null);
    assert_eq!(spend["by_customer"][1], line(Some("acme"), 0.3, 2));
    assert_eq!(spend["by_feature"][0], line(Some("search"), 1.2, 2));
    assert_eq!(spend["by_feature"][1], line(None, 0.1, 1));
    assert_eq!(spend["unpriced"], json!([{"provider": "anthropic", "model": "novel"}]));
    assert_eq!((&spend["by_day"][0]["day"], &spend["by_day"][0]["runs"]), (&json!("2026-05-15"), &json!(3)));
    assert_eq!((&spend["by_day"][0]["cost_usd"], spend["by_day"].as_array().unwrap().len()), (&json!(1.3), 1));
    assert_eq!((&spend["by_model"], &spend["by_model_rest_usd"]), (&json!([]), &json!(1.3)), "no pulse has counted");
    assert_eq!(house.get("/v1/spend?month=2026-05").await.ok(), spend);
    let april = house.get("/v1/spend?month=2026-04").await.ok();
    assert_eq!(april["by_agent"], json!([{"name": "april", "cost_usd": 0, "runs": 1}]));
    assert_eq!(april["unpriced"], json!([]));
}

/// The pages of all partitions are summed; what is not there by model is said.
#[tokio::test]
async fn spend_is_broken_down_by_model() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("a", STARTED)).await;
    house.tell(team(1), run_id(1), call(1, STARTED, "m", Some("4"))).await;
    let page = |partition, models: &[(&str, &str)]| {
        let spend = |(model, usd): &(&str, &str)| ModelSpend {
            provider: "anthropic".into(),
            model: (*model).into(),
            cost: Usd::parse(usd).unwrap(),
        };
        let mut page = ModelPage::default();
        page.count(0, &models.iter().map(spend).collect::<Vec<_>>());
        let shard = month_shard(team(1), Month::of(at(NOON)));
        let key = RowKey { table: &SPEND_MODELS, shard, row: page_row(1, partition, 0) };
        RowWrite { key, rank: 1, doc: Some(page.encode().unwrap()) }
    };
    let pages = vec![page(0, &[("small", "0.5"), ("large", "1")]), page(3, &[("large", "2.25")])];
    house.rows.put(Arc::new(pages), house.clock.now()).await.unwrap();
    let spend = house.get("/v1/spend").await.ok();
    let line = |model: &str, cost: f64| json!({"provider": "anthropic", "model": model, "cost_usd": cost});
    assert_eq!(spend["by_model"], json!([line("large", 3.25), line("small", 0.5)]));
    assert_eq!(spend["by_model_rest_usd"], json!(0.25));
    assert_eq!(house.get_as(Some(KEY_B), "/v1/spend").await.ok()["by_model"], json!([]));
    assert_eq!(house.get("/v1/spend?month=2026-04").await.ok()["by_model"], json!([]));
}
