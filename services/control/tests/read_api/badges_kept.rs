//! Badges while they are read anew, and while they cannot be read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;
use tidegate_agentping::RunKey;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_pulse::agent::AgentStanding;
use tidegate_agentping_testkit::{BeforeRead, RunsRead, WatchedRuns};
use tidegate_control::Control;
use tidegate_kernel::Position;
use tidegate_ports::StoreError;
use tokio::sync::Semaphore;

use crate::counted::{RECEIVED, count};
use crate::house::*;

/// A store that counts how often agents are listed, and lists them when it is let go, or fails.
#[derive(Clone)]
struct Counting {
    count: Arc<AtomicUsize>,
    fails: Arc<AtomicBool>,
    asked: Arc<Semaphore>,
    let_go: Arc<Semaphore>,
}

impl Counting {
    fn new() -> Self {
        let (asked, let_go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        Counting { count: Arc::default(), fails: Arc::default(), asked, let_go }
    }

    /// The store, with an agent of team A that has run.
    async fn store(&self) -> WatchedRuns<MemoryRuns, Counting> {
        let runs = MemoryRuns::default();
        let of_agent = record(RunKey { team: team(1), run: run_id(9) }, at(NOON), start("nightly", NOON));
        persist(&runs, [(Position { generation: 0, partition: 0, offset: 0 }, of_agent)]).await.unwrap();
        WatchedRuns { runs, before: self.clone() }
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl BeforeRead for Counting {
    async fn before(&self, read: RunsRead) -> Result<(), StoreError> {
        match read {
            RunsRead::Run(_) => {}
            RunsRead::Agents => {
                self.count.fetch_add(1, Ordering::SeqCst);
                if self.fails.load(Ordering::SeqCst) {
                    return Err(StoreError::Unavailable("down".into()));
                }
            }
            _ => return Ok(()),
        }
        self.asked.add_permits(1);
        self.let_go.acquire().await.unwrap().forget();
        Ok(())
    }
}

async fn badge(house: &House) -> String {
    let made = house.post("/v1/badges", &json!({"label": "jobs"})).await.with(201);
    format!("/badge/{}.txt", made["token"].as_str().unwrap())
}

/// AC-79: of those who ask at once one reads the badge. While it is read anew, the others see what was read before
/// until that is 45 seconds old, and then wait; if it cannot be read, all see it for a minute and a half.
#[tokio::test]
async fn ac_79_one_request_reads_a_badge() {
    let store = Counting::new();
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let house = {
        let _recording = metrics::set_default_local_recorder(&recorder);
        Arc::new(House::on(store.store().await, |control| control).await)
    };
    let file = badge(&house).await;
    let ask = || {
        let (house, file) = (house.clone(), file.clone());
        tokio::spawn(async move { house.get_as(None, &file).await.text })
    };
    // On this one thread, a request that is counted waits for its turn or for the store.
    let entered = async |requests: u64| {
        while count(&metrics, RECEIVED, &["endpoint=\"public_badge\""]) < requests {
            tokio::task::yield_now().await;
        }
    };
    let mut first = vec![ask()];
    store.asked.acquire().await.unwrap().forget();
    first.extend((0..7).map(|_| ask()));
    entered(8).await;
    store.let_go.add_permits(8);
    for answer in first {
        assert_eq!(answer.await.unwrap(), "OK\n");
    }
    assert_eq!(store.count(), 1);
    store.let_go.acquire_many(7).await.unwrap().forget();

    house.stand("nightly", AgentStanding::Down, 1).await;
    house.clock.advance_ms(30_000);
    let reader = ask();
    store.asked.acquire().await.unwrap().forget();
    for _ in 0..3 {
        assert_eq!(house.get_as(None, &file).await.text, "OK\n");
    }
    house.clock.advance_ms(14_999);
    let stale = house.get_as(None, &file).await;
    assert_eq!((stale.text.as_str(), stale.header("cache-control")), ("OK\n", Some("public, max-age=15")));
    house.clock.advance_ms(1);
    let waits = ask();
    entered(14).await;
    assert_eq!(store.count(), 2, "the one that reads");
    store.let_go.add_permits(1);
    assert_eq!(reader.await.unwrap(), "NOT_OK\n");
    assert_eq!(waits.await.unwrap(), "NOT_OK\n", "what it shows is a minute old at most");
    assert_eq!(store.count(), 2);

    house.stand("nightly", AgentStanding::Up, 2).await;
    house.clock.advance_ms(30_000);
    store.let_go.add_permits(1);
    assert_eq!(house.get_as(None, &file).await.text, "OK\n");
    store.fails.store(true, Ordering::SeqCst);
    house.clock.advance_ms(89_999);
    assert_eq!(house.get_as(None, &file).await.text, "OK\n");
    house.clock.advance_ms(1);
    assert_eq!(house.get_as(None, &file).await.text, "NOT_OK\n");
    assert_eq!(store.count(), 5);
}

/// AC-79: a badge for which there is no permit now shows what was read before.
#[tokio::test]
async fn ac_79_without_a_permit_a_badge_shows_what_it_was() {
    let store = Counting::new();
    let house = House::on(store.store().await, |control| control.with_answer_bytes(Control::ANSWER_BYTES_MIN)).await;
    let house = Arc::new(house);
    let file = badge(&house).await;
    store.let_go.add_permits(1);
    assert_eq!(house.get_as(None, &file).await.text, "OK\n");
    store.asked.acquire().await.unwrap().forget();
    house.clock.advance_ms(30_000);
    // Two reads of runs take all that answers may take.
    let read = || {
        let house = house.clone();
        tokio::spawn(async move { house.get(&format!("/v1/runs/{}", run_id(1))).await })
    };
    let held = [read(), read()];
    store.asked.acquire_many(2).await.unwrap().forget();
    assert_eq!(house.get_as(None, &file).await.text, "OK\n");
    assert_eq!(store.count(), 1);
    store.let_go.add_permits(2);
    for answer in held {
        assert_refusal(&answer.await.unwrap(), 404, "not_found", None);
    }
}
