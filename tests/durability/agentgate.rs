//! AgentGate killed at random moments under load: each submission that was answered with `201` is one run, readable and
//! charged once, and no credit is held or missing at the end.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tidegate_tests::durability::Random;
use tidegate_tests::stack::Settings;
use tidegate_tests::{Program, Target, eventually, ids};
use tokio::task::{JoinHandle, spawn};
use tokio::time::interval;

use crate::BINARY;

const SUBMITTERS: u64 = 6;
const WORKERS: usize = 2;
const INCLUDED_CENTS: u64 = 100_000_000;
/// What a run costs that has one iteration.
const CENTS: u64 = 50;
/// Between tries of a request that was not answered.
const AGAIN: Duration = Duration::from_millis(50);
/// Until everything is finished once nothing is killed any more.
const SOON: Duration = Duration::from_secs(180);

/// What the clients and workers do, and what they were answered.
pub struct Load {
    pub target: Arc<Target>,
    org: String,
    key: String,
    worker_key: String,
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    submitters: Vec<JoinHandle<HashMap<String, String>>>,
    workers: Vec<JoinHandle<()>>,
    done: Arc<AtomicBool>,
}

/// Calls any front door until it is answered, and not with 5xx or 429: what it answers then.
async fn insist(target: &Target, key: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> (u16, Value) {
    let (http, mut tries) = (Client::new(), interval(AGAIN));
    loop {
        tries.tick().await;
        let mut request = http.request(Method::POST, format!("{}{path}", target.agentgate())).bearer_auth(key);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = request.json(body).timeout(Duration::from_secs(20)).send().await;
        if let Ok(response) = sent {
            let status = response.status().as_u16();
            if let (true, Ok(answer)) = (status < 500 && status != 429, response.json().await) {
                return (status, answer);
            }
        }
    }
}

impl Load {
    pub async fn begin(target: Target) -> Load {
        let target = Arc::new(target);
        let included = INCLUDED_CENTS.to_string();
        let words = [
            "agentgate",
            "orgs",
            "create",
            "killed",
            "--included-cents",
            &included,
            "--concurrency",
            "100",
            "--requests-per-minute",
            "100000",
            "--submissions-per-minute",
            "100000",
        ];
        let org = target.manage(&words).await["organization"].as_str().unwrap().to_owned();
        let key = target.manage(&["agentgate", "keys", "create", "--org", &org, "--scopes", "*"]).await;
        let worker_key = target.manage(&["agentgate", "worker-keys", "create", "--org", &org]).await;
        let text = |made: Value| made["key"].as_str().unwrap().to_owned();
        let mut load = Load {
            target,
            org,
            key: text(key),
            worker_key: text(worker_key),
            stop: Arc::default(),
            answered: Arc::default(),
            submitters: Vec::new(),
            workers: Vec::new(),
            done: Arc::default(),
        };
        load.submitters = (0..SUBMITTERS).map(|_| load.submitter()).collect();
        load.workers = (0..WORKERS).map(|number| load.worker(format!("worker-{number}"))).collect();
        load
    }

    /// Submits one order after the other, each with a key of its own, until it is answered: the run of each key.
    fn submitter(&self) -> JoinHandle<HashMap<String, String>> {
        let (target, key) = (self.target.clone(), self.key.clone());
        let (stop, answered) = (self.stop.clone(), self.answered.clone());
        spawn(async move {
            let mut runs = HashMap::new();
            let order = json!({
                "taskPrompt": "Add a health check.", "maxIterations": 2,
                "workspaceSource": { "type": "git", "repository": "https://github.com/example/app" },
            });
            while !stop.load(Ordering::Relaxed) {
                let name = ids::nonce();
                let headers = [("idempotency-key", name.as_str())];
                let (status, answer) = insist(&target, &key, "/v1/work-orders", &headers, &order).await;
                assert_eq!(status, 201, "{answer}");
                runs.insert(name, answer["runId"].as_str().unwrap().to_owned());
                answered.fetch_add(1, Ordering::Relaxed);
            }
            runs
        })
    }

    /// Leases runs and finishes them, until nothing is submitted and nothing is queued any more.
    fn worker(&self, name: String) -> JoinHandle<()> {
        let (target, key, done) = (self.target.clone(), self.worker_key.clone(), self.done.clone());
        spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let ask = json!({ "worker": name, "waitSeconds": 1 });
                let (_, lease) = insist(&target, &key, "/worker/v1/leases", &[], &ask).await;
                let Some(run) = lease["run"].as_str() else { continue };
                let end = json!({ "token": lease["token"], "status": "succeeded", "iterations": 1 });
                let path = format!("/worker/v1/runs/{run}/finish");
                let (status, answer) = insist(&target, &key, &path, &[], &end).await;
                assert!(matches!(status, 200 | 409), "{status} {answer}");
            }
        })
    }

    /// Waits until so many more are answered.
    pub async fn answers(&self, more: u64) {
        let until = self.answered.load(Ordering::Relaxed) + more;
        eventually(SOON, "submissions are answered", async || match self.answered.load(Ordering::Relaxed) {
            answered if answered >= until => Ok(()),
            answered => Err(format!("{answered} of {until}")),
        })
        .await;
    }

    pub async fn shown(&self) -> Value {
        self.target.manage(&["agentgate", "orgs", "show", &self.org]).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = insist(&self.target, &self.key, path, &[], body).await;
        assert_eq!(status, 201, "{path}: {answer}");
        answer
    }

    pub async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.target.agentgate());
        let response = Client::new().get(url).bearer_auth(&self.key).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    /// Lets everything end, and compares what is stored with what was answered.
    pub async fn judge(&mut self) -> String {
        self.stop.store(true, Ordering::Relaxed);
        let mut runs = HashMap::new();
        for submitter in std::mem::take(&mut self.submitters) {
            runs.extend(submitter.await.unwrap());
        }
        eventually(SOON, "every run has ended", async || match self.shown().await {
            shown if shown["openRuns"] == 0 => Ok(()),
            shown => Err(shown.to_string()),
        })
        .await;
        self.done.store(true, Ordering::Relaxed);
        for worker in std::mem::take(&mut self.workers) {
            worker.await.unwrap();
        }
        let distinct: std::collections::HashSet<&String> = runs.values().collect();
        assert_eq!(distinct.len(), runs.len(), "two keys were answered with one run");
        for run in runs.values() {
            let found = self.get(&format!("/v1/runs/{run}")).await;
            assert_eq!(found["status"], "succeeded", "{found}");
            assert_eq!(found["cost"]["credits"], CENTS, "{found}");
        }
        let count = runs.len() as u64;
        assert_eq!(self.get("/v1/runs?limit=1").await["total"], count, "runs that no client was told of");
        let charged = self.get("/v1/credits/usage?type=deduction&limit=1").await;
        assert_eq!(charged["total"], count, "each run is charged once");
        let shown = self.shown().await;
        assert_eq!(shown["heldCents"], 0, "{shown}");
        assert_eq!(shown["availableCents"], INCLUDED_CENTS - CENTS * count, "{shown}");
        format!("{count} runs, each once")
    }
}

/// The process that holds front door, decider and store, killed at random moments.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_of_the_one_process_charge_each_run_once() {
    let mut load = Load::begin(Target::own(Program::Embedded(BINARY)).await).await;
    let mut random = Random::seeded();
    for _ in 0..8 {
        load.answers(random.within(10..120)).await;
        load.target.kill().await;
        load.target.start().await;
    }
    load.answers(20).await;
    println!("{}", load.judge().await);
}

/// Deciders and front doors in turn, and a decider that is stopped until its partitions are another's, and continues.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_of_deciders_and_front_doors_charge_each_run_once() {
    let mut load = Load::begin(Target::on_the_stack(BINARY, &Settings::of_agentgate()).await).await;
    let mut random = Random::seeded();
    for victim in ["decide-0", "agentgate-0", "decide-1", "agentgate-1"] {
        load.answers(random.within(10..60)).await;
        let server = load.target.servers().named(victim);
        server.kill();
        load.answers(5).await;
        server.start().await;
    }
    // Whichever has the organization's partition: its session ends, the other one decides, and it continues.
    for zombie in ["decide-0", "decide-1"] {
        let server = load.target.servers().named(zombie);
        server.hold();
        load.answers(60).await;
        server.go_on();
        load.answers(20).await;
    }
    println!("{}", load.judge().await);
}
