//! What depends on time is derived at the clock.

use serde_json::json;
use tidegate_agentping::FinishStatus;

use crate::house::*;

const STARTED: &str = "2026-05-15T11:59:00.000Z";

async fn one_idle_run() -> House {
    let house = House::open().await;
    let opened = start("chat", STARTED).idle(60, FinishStatus::Timeout);
    house.tell(team(1), run_id(1), opened).await;
    house
}

#[tokio::test]
async fn silence_closes_a_run_at_its_last_activity() {
    let house = one_idle_run().await;
    let path = format!("/v1/runs/{}", run_id(1));
    house.clock.advance_ms(59_999);
    let open = house.get(&path).await.ok();
    assert_eq!((&open["status"], open.get("finished_at"), open.get("duration_ms")), (&json!("running"), None, None));
    house.clock.advance_ms(1);
    let closed = house.get(&path).await.ok();
    assert_eq!(closed["status"], "timeout");
    assert_eq!(closed["finished_at"], NOON);
    assert_eq!(closed["duration_ms"], 60_000);
}

#[tokio::test]
async fn an_event_reopens_it() {
    let house = one_idle_run().await;
    let path = format!("/v1/runs/{}", run_id(1));
    house.clock.advance_ms(3_600_000);
    assert_eq!(house.get(&path).await.ok()["status"], "timeout");
    house.tell(team(1), run_id(1), event(1, "log", STARTED, "{}")).await;
    assert_eq!(house.get(&path).await.ok()["status"], "running");
}

#[tokio::test]
async fn listings_filter_by_the_status_at_the_clock() {
    let house = one_idle_run().await;
    let count = async |status: &str| {
        let page = house.get(&format!("/v1/runs?status={status}")).await.ok();
        let runs = page["runs"].as_array().unwrap().clone();
        assert!(runs.iter().all(|run| run["status"] == status), "{page}");
        runs.len()
    };
    assert_eq!((count("running").await, count("timeout").await), (1, 0));
    house.clock.advance_ms(60_000);
    assert_eq!((count("running").await, count("timeout").await), (0, 1));
}

#[tokio::test]
async fn a_run_without_the_rule_never_closes_by_itself() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("chat", STARTED)).await;
    house.clock.advance_ms(400 * 24 * 3_600_000);
    assert_eq!(house.get(&format!("/v1/runs/{}", run_id(1))).await.ok()["status"], "running");
}
