//! Records that count as stored are looked up in the store, and missing ones are reported.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use tidegate_agentping::{Finish, FinishStatus, Record, Start};
use tidegate_agentping_inproc::noted_accounts::MemoryNotedAccounts;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::{Note, NotedAccounts, Runs};
use tidegate_agentping_testkit::key;
use tidegate_conservation::Conservation;
use tidegate_control::conservation::{Shown, StoredRuns, routes};
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
use tidegate_kernel::Position;
use tidegate_ports::{Account, Accounts, Append, Clock, Fate, RandomIds};

use crate::house::*;

const DEADLINE: Duration = Duration::from_secs(10);
const BETWEEN: Duration = Duration::from_secs(10);
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A log of one partition, and what a persister made of it.
struct Pipeline {
    log: MemoryLog,
    runs: MemoryRuns,
    accounts: MemoryNotedAccounts,
    clock: Arc<TestClock>,
    account: Account,
}

impl Pipeline {
    fn open() -> Self {
        let clock = Arc::new(TestClock::at(at(NOON)));
        let options = MemoryLogOptions { partitions: 1, ..MemoryLogOptions::default() };
        let log = MemoryLog::new(options, clock.clone());
        let account = Account::opened(1, 0, 0);
        Pipeline { log, runs: MemoryRuns::default(), accounts: MemoryNotedAccounts::default(), clock, account }
    }

    async fn append(&self, run: u128, body: impl IntoBody) -> (Record, Position) {
        let record = record(key(run), self.clock.now(), body);
        let position = self.log.append(record.key().log_key(), record.encode().into()).await.unwrap();
        (record, position)
    }

    /// Takes a record in and stores it, as the persister would.
    async fn store(&mut self, run: u128, body: impl IntoBody) -> Position {
        let (record, position) = self.append(run, body).await;
        persist(&self.runs, [(position, record)]).await.unwrap();
        self.settle(position, Fate::Stored).await;
        position
    }

    /// Takes a record in that is not simply stored.
    async fn note(&mut self, run: u128, body: impl IntoBody, fate: Fate) {
        let (record, position) = self.append(run, body).await;
        let note = Note { position, appended_at: self.clock.now(), key: Some(record.key()), fate };
        self.accounts.note(Arc::new(vec![note])).await.unwrap();
        self.settle(position, fate).await;
    }

    async fn settle(&mut self, position: Position, fate: Fate) {
        self.account.count(position.offset, fate);
        self.accounts.settle(self.account).await.unwrap();
    }

    fn conservation(&self, records: u64) -> Arc<Conservation> {
        let (accounts, log) = (Arc::new(self.accounts.clone()), Arc::new(self.log.clone()));
        let conservation = Conservation::new(accounts.clone(), Some(log), self.clock.clone(), DEADLINE);
        let stored = StoredRuns { accounts, stored: Arc::new(self.runs.clone()), clock: self.clock.clone() };
        Arc::new(conservation.with_samples(Arc::new(stored), Arc::new(RandomIds), records))
    }

    /// What is shown after one turn more.
    async fn after_a_turn(&self, conservation: &Arc<Conservation>) -> Value {
        self.clock.advance_ms(1_000);
        let now = json!(self.clock.now().to_string());
        tokio::time::advance(BETWEEN).await;
        loop {
            let view = shown(conservation.clone()).await;
            if view["sample"]["taken_at"] == now {
                return view;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// What the operations port shows. The time of these tests stands still, so that no further turn comes by itself. So
/// nothing here may wait for a socket.
async fn shown(conservation: Arc<Conservation>) -> Value {
    let shown = Shown { agentping: Some(conservation), apis: Vec::new() };
    let request = Request::get("/v1/conservation").body(Body::empty()).unwrap();
    let answer = TowerToHyperService::new(routes(shown)).call(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

fn started(conservation: &Arc<Conservation>) {
    tokio::spawn(conservation.clone().take_samples(std::future::pending()));
}

fn opening() -> Start {
    start("nightly", NOON)
}

fn closing() -> Finish {
    finish(FinishStatus::Success, NOON)
}

#[tokio::test(start_paused = true)]
async fn a_run_that_the_store_has_lost_is_told_once_a_second_look_does_not_find_it() {
    let mut pipeline = Pipeline::open();
    pipeline.store(1, opening()).await;
    pipeline.store(1, event(1, "log", NOON, "{}")).await;
    let before = pipeline.runs.copied();
    let finished = pipeline.store(1, closing()).await;
    let lost = pipeline.store(2, opening()).await;
    // Not settled yet, so it does not count as stored.
    pipeline.append(3, opening()).await;
    let conservation = pipeline.conservation(64);
    started(&conservation);
    let whole = pipeline.after_a_turn(&conservation).await;
    let expected = json!({"taken_at": pipeline.clock.now().to_string(), "looked_up": 4, "missing": []});
    assert_eq!((&whole["adds_up"], &whole["sample"]), (&json!(true), &expected));

    let after = pipeline.runs.copied();
    pipeline.runs.go_back_to(&before);
    let doubtful = pipeline.after_a_turn(&conservation).await;
    assert_eq!((&doubtful["adds_up"], &doubtful["sample"]["missing"]), (&json!(true), &json!([])));
    let place = |position: Position, run| json!({"generation": 1, "partition": 0, "offset": position.offset, "team": team(1), "run": run_id(run)});
    let told = pipeline.after_a_turn(&conservation).await;
    let expected = json!([place(finished, 1), place(lost, 2)]);
    assert_eq!((&told["adds_up"], &told["sample"]["missing"]), (&json!(false), &expected));
    assert_eq!(told["total"]["difference"], 0, "by the accounts alone all adds up");

    pipeline.runs.go_back_to(&after);
    let healed = pipeline.after_a_turn(&conservation).await;
    assert_eq!((&healed["adds_up"], &healed["sample"]["missing"]), (&json!(true), &json!([])));
}

#[tokio::test(start_paused = true)]
async fn what_may_be_missing_is_no_loss() {
    let mut pipeline = Pipeline::open();
    // An orphan, and one that is opened once it has been purged.
    pipeline.store(1, closing()).await;
    pipeline.store(2, closing()).await;
    pipeline.clock.advance_ms(DAY_MS + 1);
    assert_eq!(pipeline.runs.purge_orphans(pipeline.clock.now(), 10).await, Ok(2));
    pipeline.store(2, opening()).await;
    for (run, fate) in [(3, Fate::Dead), (4, Fate::Conflict), (5, Fate::Duplicate)] {
        pipeline.note(run, opening(), fate).await;
    }
    let conservation = pipeline.conservation(64);
    started(&conservation);
    for _ in 0..3 {
        let view = pipeline.after_a_turn(&conservation).await;
        assert_eq!(view["adds_up"], true, "{view}");
        assert_eq!((&view["sample"]["looked_up"], &view["sample"]["missing"]), (&json!(1), &json!([])), "{view}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_records_are_looked_up_where_that_is_off() {
    let mut pipeline = Pipeline::open();
    pipeline.store(1, opening()).await;
    pipeline.runs.go_back_to(&MemoryRuns::default());
    let conservation = pipeline.conservation(0);
    started(&conservation);
    tokio::task::yield_now().await;
    let view = shown(conservation).await;
    assert_eq!((&view["adds_up"], &view["sample"]), (&json!(true), &Value::Null));
}

#[test]
fn the_metrics_count_what_was_found_and_what_is_missing() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let page = || recorder.handle().render();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let mut pipeline = Pipeline::open();
            pipeline.store(1, opening()).await;
            let before = pipeline.runs.copied();
            pipeline.store(2, opening()).await;
            let conservation = pipeline.conservation(64);
            started(&conservation);
            pipeline.after_a_turn(&conservation).await;
            assert!(page().contains("tidegate_conservation_missing 0\n"), "{}", page());
            pipeline.runs.go_back_to(&before);
            for _ in 0..3 {
                pipeline.after_a_turn(&conservation).await;
            }
        });
    });
    for line in [
        r#"tidegate_conservation_sampled_total{result="missing"} 1"#,
        "tidegate_conservation_missing 1",
        r#"tidegate_job_failures_total{task="conservation_sample"} 0"#,
    ] {
        assert!(page().contains(&format!("{line}\n")), "{line} is not in\n{}", page());
    }
    let found = page().lines().find_map(|line| {
        line.strip_prefix(r#"tidegate_conservation_sampled_total{result="found"} "#)?.parse::<u64>().ok()
    });
    assert!(found >= Some(5), "two and then one a turn: {found:?}");
}
