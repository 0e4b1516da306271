//! A team whose agents are watched, and what it learns of them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidegate_agentping::{RunKey, TeamId};
use tidegate_tests::team::text;
use tidegate_tests::{Answer, Plan, Team, clock, eventually};

use crate::world::{PATIENCE, World};

pub struct Watched {
    pub team: Team,
    /// The path of its messages at the receiver.
    path: String,
    route: String,
}

/// A run every ten minutes, with five minutes' tolerance.
pub fn every_ten_minutes() -> Value {
    json!({"every_s": 600, "tolerance_s": 300})
}

impl Watched {
    /// A team that gets its messages at a path of the receiver.
    pub async fn begin(world: &World, name: &str) -> Self {
        let team = Team::create(world.target.deployment(), Plan::UNLIMITED).await;
        let path = format!("/{name}");
        let mut watched = Watched { team, path, route: String::new() };
        let url = world.receiver.url(&watched.path);
        let route = json!({"name": "ops", "kind": "webhook", "url": url});
        let made = watched.manage("POST", "/v1/routes", &route).await.expect(201).json();
        watched.route = text(&made, "id");
        watched.manage("PATCH", "/v1/team", &json!({"routes": ["ops"]})).await.expect(200);
        watched
    }

    async fn manage(&self, method: &str, path: &str, body: &Value) -> Answer {
        let url = format!("{}{path}", self.team.deployment.control);
        self.team.client.call(method, &url).bearer(&self.team.key).json(body).send().await
    }

    /// An agent that has run, with this schedule.
    pub async fn agent(&self, agent: &str, schedule: &Value) {
        self.beat(agent).await;
        eventually(PATIENCE, "the agent is known", async || {
            match self.manage("PUT", &format!("/v1/agents/{agent}/schedule"), schedule).await {
                put if put.status == 200 => Ok(()),
                put => Err(put.text()),
            }
        })
        .await;
    }

    pub async fn beat(&self, agent: &str) {
        self.team.heartbeat(&json!({"agent": agent, "status": "ok"})).await.expect(202);
    }

    /// Opens a run, and returns its id.
    pub async fn open(&self, agent: &str) -> String {
        let run = self.team.run_id();
        self.open_as(agent, &run).await;
        run
    }

    async fn open_as(&self, agent: &str, run: &str) {
        let started_at = clock::iso(clock::now_ms());
        self.team.start(&json!({"id": run, "agent": agent, "started_at": started_at})).await.expect(202);
    }

    /// A run from start to end.
    pub async fn run(&self, agent: &str, status: &str) {
        let run = self.open(agent).await;
        self.finish(&run, status).await;
    }

    async fn finish(&self, run: &str, status: &str) {
        let end = json!({"status": status, "finished_at": clock::iso(clock::now_ms())});
        self.team.finish(run, &end).await.expect(202);
    }

    /// A run from start to end whose records are not in partition 0 of so many.
    pub async fn run_elsewhere(&self, agent: &str, status: &str, partitions: u32) {
        let team = TeamId::parse(&self.team.id).unwrap();
        let is_elsewhere =
            |run: &String| RunKey { team, run: run.parse().unwrap() }.log_key().partition(partitions) != 0;
        let run = std::iter::repeat_with(|| self.team.run_id()).find(is_elsewhere).unwrap();
        self.open_as(agent, &run).await;
        self.finish(&run, status).await;
    }

    /// What a path answers. A test asks more often than a team may, and while the store is away.
    async fn read(&self, path: &str) -> Result<Value, String> {
        let answer = self.team.read(path).await;
        if matches!(answer.status, 429 | 503) { Err(answer.text()) } else { Ok(answer.expect(200).json()) }
    }

    /// The outcomes of an agent's slots that are decided, oldest first.
    pub async fn outcomes(&self, agent: &str) -> Result<Vec<String>, String> {
        let slots = self.read(&format!("/v1/agents/{agent}/slots?limit=200")).await?;
        let slots = slots["slots"].as_array().unwrap().iter().rev().map(|slot| match slot["reason"].as_str() {
            Some(reason) => format!("{} {reason}", text(slot, "outcome")),
            None => text(slot, "outcome"),
        });
        Ok(slots.filter(|outcome| outcome != "open").collect())
    }

    /// Waits until these are the outcomes.
    pub async fn slots_are(&self, agent: &str, expected: &[&str]) {
        eventually(PATIENCE, &format!("the slots of {agent} are judged"), async || {
            let found = self.outcomes(agent).await?;
            if found == expected { Ok(()) } else { Err(format!("{found:?} and not {expected:?}")) }
        })
        .await;
    }

    /// Agent, alert and edge of all messages that were made, oldest first.
    pub async fn made(&self) -> Result<Vec<String>, String> {
        let listed = self.read(&format!("/v1/routes/{}/deliveries?limit=200", self.route)).await?;
        let one = |one: &Value| format!("{} {} {}", text(one, "agent"), text(one, "alert"), text(one, "edge"));
        Ok(listed["deliveries"].as_array().unwrap().iter().rev().map(one).collect())
    }

    /// The outcomes of an agent's slots that no run has covered.
    pub async fn uncovered(&self, agent: &str) -> Vec<String> {
        let mut outcomes = eventually(PATIENCE, "the slots are read", async || self.outcomes(agent).await).await;
        outcomes.retain(|outcome| outcome != "ok");
        outcomes
    }

    /// Waits until this message was made.
    pub async fn makes(&self, message: &str) {
        eventually(PATIENCE, message, async || {
            let made = self.made().await?;
            if made.iter().any(|one| one == message) { Ok(()) } else { Err(format!("{made:?}")) }
        })
        .await;
    }

    /// Waits until these are all messages that were made, in any order, and all are sent; then the receiver has each of them
    /// under its id. `again`: one of them may have come a second time.
    pub async fn messages_are(&self, world: &World, expected: &[&str], again: usize) {
        let mut expected: Vec<String> = expected.iter().map(|one| (*one).to_owned()).collect();
        expected.sort();
        eventually(PATIENCE, "the messages are sent", async || {
            let mut made = self.made().await?;
            made.sort();
            if made != expected {
                return Err(format!("{made:?} and not {expected:?}"));
            }
            let listed = self.read(&format!("/v1/routes/{}/deliveries", self.route)).await?;
            if listed["totals"]["sent"] == expected.len() { Ok(()) } else { Err(listed["totals"].to_string()) }
        })
        .await;
        let received = world.receiver.received(&self.path);
        let ids: BTreeSet<&String> = received.iter().map(|one| &one.headers["webhook-id"]).collect();
        assert_eq!(ids.len(), expected.len(), "one id for each message: {received:?}");
        assert!(received.len() <= expected.len() + again, "{} came for {expected:?}", received.len());
    }

    /// Waits until these are agent, kind and status of all incidents, in any order.
    pub async fn incidents_are(&self, expected: &[&str]) {
        let mut expected: Vec<String> = expected.iter().map(|one| (*one).to_owned()).collect();
        expected.sort();
        eventually(PATIENCE, "the incidents are there", async || {
            let incidents = self.read("/v1/incidents?limit=200").await?;
            let one = |one: &Value| format!("{} {} {}", text(one, "agent"), text(one, "kind"), text(one, "status"));
            let mut found: Vec<String> = incidents["incidents"].as_array().unwrap().iter().map(one).collect();
            found.sort();
            if found == expected { Ok(()) } else { Err(format!("{found:?} and not {expected:?}")) }
        })
        .await;
    }
}
