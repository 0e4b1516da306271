//! What a former build wrote, kept as files: a data folder, a topic, a keyspace, and what clients were answered then. A build
//! of now must open them, answer the same, and continue.
//!
//! `write-former-build BINARY` writes the files again by that binary: once after a release, never to make a test pass.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::{iso, now_ms};
use crate::deployment::Deployment;
use crate::{Client, Plan, Team, eventually, ids, wait};

mod keyspace;
mod topic;

pub use keyspace::Keyspace;
pub use topic::Topic;

/// Where the files are.
pub fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("durability/former")
}

/// A team's calls, and what it was answered.
#[derive(Debug, Deserialize, Serialize)]
pub struct Answers {
    pub key: String,
    pub sent: Vec<Sent>,
    pub reads: Vec<Read>,
}

/// A call that was accepted.
#[derive(Debug, Deserialize, Serialize)]
pub struct Sent {
    pub path: String,
    pub body: Value,
}

/// A question to the read API, and its answer.
#[derive(Debug, Deserialize, Serialize)]
pub struct Read {
    pub path: String,
    pub answer: Value,
}

impl Answers {
    /// Reads them from a file.
    ///
    /// # Panics
    /// If there are none.
    pub fn of(file: &str) -> Self {
        let path = files().join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap()
    }

    /// Writes them to a file.
    pub fn write(&self, file: &str) {
        std::fs::write(files().join(file), serde_json::to_string_pretty(self).unwrap() + "\n").unwrap();
    }

    /// Sends one of everything by a team of its own, waits until it can be read, and reads it.
    pub async fn asked(deployment: Arc<Deployment>) -> Self {
        let team = Team::create(deployment, Plan::UNLIMITED).await;
        let mut sent = Vec::new();
        for (path, body) in story(&team) {
            let answer = team.call("POST", &path).json(&body).send().await;
            assert!(matches!(answer.status, 200 | 202), "{path}: {}", answer.text());
            sent.push(Sent { path, body });
        }
        let paths: Vec<String> = runs_of(&sent).into_iter().map(|run| format!("/v1/runs/{run}")).collect();
        for path in &paths {
            eventually(wait::READABLE, path, async || match team.read(path).await {
                answer if answer.status == 200 => Ok(()),
                answer => Err(answer.text()),
            })
            .await;
        }
        team.deployment.at_rest().await;
        let month = &iso(now_ms())[..7];
        let listings = ["/v1/runs?limit=50".to_owned(), "/v1/agents".to_owned(), format!("/v1/spend?month={month}")];
        let mut reads = Vec::new();
        for path in paths.into_iter().chain(listings) {
            let answer = team.read(&path).await.json();
            reads.push(Read { path, answer });
        }
        Answers { key: team.key, sent, reads }
    }

    /// What was answered then is answered now, and what was sent then and is sent again is a repeat.
    ///
    /// # Panics
    /// If not.
    pub async fn assert_still_answered(&self, deployment: &Deployment) {
        let client = Client::default();
        for Read { path, answer } in &self.reads {
            let url = format!("{}{path}", deployment.control);
            let what = format!("{path} is answered as it was");
            eventually(wait::READABLE, &what, async || {
                let now = client.get(&url).bearer(&self.key).send().await;
                match now.status {
                    200 if holds(&now.json(), answer) => Ok(()),
                    status => Err(format!("{status}: {}, not {answer}", now.text())),
                }
            })
            .await;
        }
        for Sent { path, body } in &self.sent {
            let url = format!("{}{path}", deployment.ingest());
            let now = client.post(&url).bearer(&self.key).json(body).send().await;
            assert_eq!(now.status, 200, "{path} is a repeat: {}", now.text());
        }
    }

    /// New calls are taken in and can be read.
    ///
    /// # Panics
    /// If not.
    pub async fn assert_goes_on(&self, deployment: &Deployment) {
        let client = Client::default();
        let run = ids::fresh("run", "eu");
        let opened = json!({ "id": run, "agent": "nightly", "started_at": iso(now_ms()) });
        let closed = json!({ "status": "success", "finished_at": iso(now_ms()) });
        for (path, body) in [("/v1/runs".to_owned(), opened), (format!("/v1/runs/{run}/finish"), closed)] {
            let url = format!("{}{path}", deployment.ingest());
            let answer = client.post(&url).bearer(&self.key).json(&body).send().await;
            assert_eq!(answer.status, 202, "{path}: {}", answer.text());
        }
        let url = format!("{}/v1/runs/{run}", deployment.control);
        eventually(wait::READABLE, "a new run is stored beside the old ones", async || {
            let answer = client.get(&url).bearer(&self.key).send().await;
            match answer.status {
                200 if answer.json()["status"] == "success" => Ok(()),
                status => Err(format!("{status}: {}", answer.text())),
            }
        })
        .await;
    }
}

/// One of everything that a client sends: a full run, one that is closed before it is opened, an open one, heartbeats.
fn story(team: &Team) -> Vec<(String, Value)> {
    let at = |seconds: i64| iso(now_ms() + seconds * 1_000);
    let [full, early, open, beat] = std::array::from_fn(|_| team.run_id());
    let [call, line, error] = std::array::from_fn(|_| team.event_id());
    let of = |run: &str, call: &str| format!("/v1/runs/{run}/{call}");
    vec![
        (
            "/v1/runs".to_owned(),
            json!({
                "id": full, "agent": "nightly", "started_at": at(-60), "customer_id": "Müller & Söhne",
                "feature": "triage", "metadata": { "b": 1.50, "a": "é" }, "goal": "to find out",
            }),
        ),
        (
            of(&full, "events"),
            json!({ "events": [
                {
                    "external_id": call, "type": "llm_call", "ts": at(-50),
                    "data": { "provider": "openai", "model": "gpt-5-mini", "input_tokens": 1_200, "output_tokens": 300 },
                },
                { "external_id": line, "type": "log", "ts": at(-40), "data": { "message": "a line" } },
            ] }),
        ),
        (
            of(&full, "finish"),
            json!({ "status": "success", "finished_at": at(-5), "output": { "pages": 3 }, "scores": { "quality": 0.75 } }),
        ),
        (of(&early, "finish"), json!({ "status": "failed", "finished_at": at(-4) })),
        ("/v1/runs".to_owned(), json!({ "id": early, "agent": "nightly", "started_at": at(-20) })),
        ("/v1/runs".to_owned(), json!({ "id": open, "agent": "weekly", "started_at": at(-10) })),
        (
            of(&open, "events"),
            json!({ "events": [{ "external_id": error, "type": "error", "ts": at(-9), "data": { "message": "it broke" } }] }),
        ),
        (
            "/v1/heartbeats".to_owned(),
            json!({ "id": beat, "agent": "beats", "status": "ok", "duration_ms": 1_200, "cost_usd": 0.084 }),
        ),
    ]
}

fn runs_of(sent: &[Sent]) -> Vec<String> {
    let mut runs: Vec<String> =
        sent.iter().filter_map(|sent| Some(sent.body.get("id")?.as_str()?.to_owned())).collect();
    runs.sort();
    runs.dedup();
    runs
}

/// Whether an answer says all that it said then; members that came since are nothing to complain of.
fn holds(now: &Value, then: &Value) -> bool {
    match (now, then) {
        (Value::Object(now), Value::Object(then)) => {
            then.iter().all(|(name, then)| now.get(name).is_some_and(|now| holds(now, then)))
        }
        (Value::Array(now), Value::Array(then)) => {
            now.len() == then.len() && now.iter().zip(then).all(|(now, then)| holds(now, then))
        }
        (now, then) => now == then,
    }
}
