//! The bytes of answers in progress: bounded, waited for, and given back.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use tidegate_agentping::RunKey;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_testkit::{BeforeRead, RunsRead, WatchedRuns};
use tidegate_control::Control;
use tidegate_kernel::Position;
use tidegate_ports::StoreError;
use tokio::sync::Semaphore;

use crate::house::*;

/// A store whose answers about runs wait until they are let go; it says how many wait.
#[derive(Clone)]
struct Gated {
    asked: Arc<Semaphore>,
    let_go: Arc<Semaphore>,
}

#[async_trait]
impl BeforeRead for Gated {
    async fn before(&self, read: RunsRead) -> Result<(), StoreError> {
        if matches!(read, RunsRead::Run(_)) {
            self.asked.add_permits(1);
            self.let_go.acquire().await.unwrap().forget();
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_read_beyond_the_budget_is_refused_and_others_go_on() {
    let runs = MemoryRuns::default();
    let store = Gated { asked: Arc::new(Semaphore::new(0)), let_go: Arc::new(Semaphore::new(0)) };
    let of_agent = record(RunKey { team: team(1), run: run_id(9) }, at(NOON), start("nightly", NOON));
    persist(&runs, [(Position { generation: 0, partition: 0, offset: 0 }, of_agent)]).await.unwrap();
    // As much as the largest answer takes: two reads of runs at once.
    let house = House::on(WatchedRuns { runs, before: store.clone() }, |control| {
        control.with_answer_bytes(Control::ANSWER_BYTES_MIN)
    })
    .await;
    let house = Arc::new(house);
    let made = house.post("/v1/badges", &json!({"label": "jobs"})).await.with(201);
    let badge = format!("/badge/{}.json", made["token"].as_str().unwrap());
    let read = || {
        let house = house.clone();
        tokio::spawn(async move { house.get(&format!("/v1/runs/{}", run_id(1))).await })
    };
    let held = [read(), read()];
    store.asked.acquire_many(2).await.unwrap().forget();
    for path in ["/v1/runs", "/v1/spend"] {
        let answer = house.get(path).await;
        assert_refusal(&answer, 503, "unavailable", None);
        assert!(
            answer.header("retry-after").is_some_and(|seconds| seconds.parse::<u64>().is_ok_and(|s| s >= 1)),
            "{path}"
        );
        assert!(answer.message().starts_with("Too many answers"), "{}", answer.text);
    }
    let seen = house.get_as(None, &badge).await.ok();
    assert_eq!(seen["status"], "unknown", "a badge reads as much as a list of agents, and is never unavailable");
    // Of one size whatever a team has.
    house.get("/v1/usage").await.ok();
    store.let_go.add_permits(2);
    for answer in held {
        assert_refusal(&answer.await.unwrap(), 404, "not_found", None);
    }
    assert_eq!(house.get("/v1/runs").await.ok()["runs"].as_array().unwrap().len(), 1, "all of it came back");
    assert_eq!(house.get_as(None, &badge).await.ok()["status"], "up");
}

/// With the least that can be set every answer finds its permit, one after the other.
#[tokio::test]
async fn the_least_budget_serves_every_read() {
    let house = House::opened_with(|control| control.with_answer_bytes(Control::ANSWER_BYTES_MIN)).await;
    house.tell(team(1), run_id(1), start("finder", NOON)).await;
    for _ in 0..3 {
        for path in
            [format!("/v1/runs/{}", run_id(1)), "/v1/runs".to_owned(), "/v1/spend".to_owned(), "/v1/agents".to_owned()]
        {
            house.get(&path).await.ok();
        }
    }
}
