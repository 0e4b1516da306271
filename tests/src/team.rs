//! A team of a test's own, so that tests run side by side and never meet.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::client::{Answer, Call, Client, encode};
use crate::deployment::Deployment;
use crate::ids;
use crate::wait::{READABLE, eventually};

/// A tier, with the numbers that an enterprise team has agreed on; `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    Starter,
    Team,
    Business,
    Enterprise(Agreed),
}

/// An enterprise team's limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreed {
    pub sustained_per_s: Option<u32>,
    pub burst: Option<u32>,
    pub events_per_month: Option<u64>,
    pub agents: Option<u32>,
}

impl Plan {
    /// Enterprise without any limit.
    pub const UNLIMITED: Plan =
        Plan::Enterprise(Agreed { sustained_per_s: None, burst: None, events_per_month: None, agents: None });

    const fn word(self) -> &'static str {
        match self {
            Plan::Starter => "starter",
            Plan::Team => "team",
            Plan::Business => "business",
            Plan::Enterprise(_) => "enterprise",
        }
    }
}

/// A team with one API key, and everything that can be done with it.
#[derive(Clone, Debug)]
pub struct Team {
    pub id: String,
    pub key_id: String,
    pub key: String,
    pub client: Client,
    pub deployment: Arc<Deployment>,
}

/// A ping token and its handle.
#[derive(Clone, Debug)]
pub struct Token {
    pub id: String,
    pub token: String,
}

impl Team {
    /// Makes a team and a key for it.
    pub async fn create(deployment: Arc<Deployment>, plan: Plan) -> Self {
        let name = format!("suite-{}", ids::nonce());
        let made = deployment.manage(&["teams", "create", &name, "--plan", plan.word()]).await;
        let id = text(&made, "team");
        let team = Team { id, key_id: String::new(), key: String::new(), client: Client::default(), deployment };
        if plan != Plan::UNLIMITED && matches!(plan, Plan::Enterprise(_)) {
            team.set_plan(plan).await;
        }
        let made = team.deployment.manage(&["keys", "create", "--team", &team.id]).await;
        Team { key_id: text(&made, "id"), key: text(&made, "key"), ..team }
    }

    /// Changes the plan. A running service follows within seconds: wait for the level.
    pub async fn set_plan(&self, plan: Plan) {
        let mut words = vec!["teams".to_owned(), "set-plan".to_owned(), "--team".to_owned(), self.id.clone()];
        words.extend(["--plan".to_owned(), plan.word().to_owned()]);
        if let Plan::Enterprise(agreed) = plan {
            let mut limit = |flag: &str, value: Option<u64>| {
                words.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value.to_string()]));
            };
            limit("--sustained-per-s", agreed.sustained_per_s.map(u64::from));
            limit("--burst", agreed.burst.map(u64::from));
            limit("--events-per-month", agreed.events_per_month);
            limit("--agents", agreed.agents.map(u64::from));
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.deployment.manage(&words).await;
    }

    /// Makes a second key.
    pub async fn another_key(&self) -> Token {
        let made = self.deployment.manage(&["keys", "create", "--team", &self.id]).await;
        Token { id: text(&made, "id"), token: text(&made, "key") }
    }

    /// Makes a ping token for an agent.
    pub async fn token(&self, agent: &str) -> Token {
        let made = self.deployment.manage(&["tokens", "create", "--team", &self.id, "--agent", agent]).await;
        Token { id: text(&made, "id"), token: text(&made, "token") }
    }

    /// Replaces a ping token by a new one; the old one lives on for a day.
    pub async fn rotate(&self, token: &Token) -> Token {
        let made = self.deployment.manage(&["tokens", "rotate", &token.id]).await;
        Token { id: text(&made, "id"), token: text(&made, "token") }
    }

    /// Sets a row of the team's rate card, in dollars per million tokens.
    pub async fn set_rate(&self, provider: &str, model: &str, input: &str, cached: Option<&str>, output: &str) {
        let mut words = vec!["rates", "set", "--team", &self.id, "--provider", provider, "--model", model];
        words.extend(["--input", input, "--output", output]);
        words.extend(cached.into_iter().flat_map(|cached| ["--cached", cached]));
        self.deployment.manage(&words).await;
    }

    pub fn run_id(&self) -> String {
        ids::fresh("run", &self.deployment.region)
    }

    pub fn event_id(&self) -> String {
        ids::fresh("evt", &self.deployment.region)
    }

    /// A call to a front door, without any credential.
    pub fn bare(&self, method: &str, path: &str) -> Call {
        self.client.call(method, &format!("{}{path}", self.deployment.ingest()))
    }

    /// A call to a front door with the team's key.
    pub fn call(&self, method: &str, path: &str) -> Call {
        self.bare(method, path).bearer(&self.key)
    }

    pub async fn start(&self, body: &Value) -> Answer {
        self.call("POST", "/v1/runs").json(body).send().await
    }

    pub async fn events(&self, run: &str, body: &Value) -> Answer {
        self.call("POST", &format!("/v1/runs/{run}/events")).json(body).send().await
    }

    /// Sends these events as one batch.
    pub async fn batch(&self, run: &str, events: &[Value]) -> Answer {
        self.events(run, &json!({ "events": events })).await
    }

    pub async fn finish(&self, run: &str, body: &Value) -> Answer {
        self.call("POST", &format!("/v1/runs/{run}/finish")).json(body).send().await
    }

    pub async fn heartbeat(&self, body: &Value) -> Answer {
        self.call("POST", "/v1/heartbeats").json(body).send().await
    }

    /// `GET /v1/ping` with the key and these parameters in the URL.
    pub async fn ping(&self, parameters: &[(&str, &str)]) -> Answer {
        self.ping_call(parameters).send().await
    }

    /// The same, yet to be sent.
    pub fn ping_call(&self, parameters: &[(&str, &str)]) -> Call {
        self.bare("GET", &ping_path(&self.key, parameters))
    }

    /// A read through control.
    pub async fn read(&self, path: &str) -> Answer {
        self.client.get(&format!("{}{path}", self.deployment.control)).bearer(&self.key).send().await
    }

    /// The run as stored; `None` if there is none to see.
    pub async fn stored(&self, run: &str) -> Option<Answer> {
        let answer = self.read(&format!("/v1/runs/{run}")).await;
        match answer.status {
            404 => None,
            _ => Some(answer.expect(200)),
        }
    }

    /// Waits until the run is stored and `holds`; returns it.
    pub async fn stored_when(&self, run: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        eventually(READABLE, &format!("run {run}: {what}"), async || match self.stored(run).await {
            None => Err("not stored".to_owned()),
            Some(answer) if holds(&answer.json()) => Ok(answer.json()),
            Some(answer) => Err(answer.text()),
        })
        .await
    }

    /// Waits until the run is there to be seen.
    pub async fn stored_run(&self, run: &str) -> Value {
        self.stored_when(run, "is stored", |_| true).await
    }

    /// Waits until the run is closed.
    pub async fn closed_run(&self, run: &str) -> Value {
        self.stored_when(run, "is closed", |run| run["status"] != "running").await
    }

    /// Waits until the run has so many events.
    pub async fn run_with_events(&self, run: &str, count: usize) -> Value {
        let what = format!("has {count} events");
        self.stored_when(run, &what, |run| run["events"].as_array().is_some_and(|events| events.len() == count)).await
    }

    /// Puts one more event at the end of what was sent for the run and waits until it is stored. Records of a run
    /// are stored in the order they were accepted in: whatever is not there then was not accepted before.
    pub async fn settled(&self, run: &str) -> Value {
        let id = self.event_id();
        self.batch(run, &[crate::wire::log_event(&id)]).await.expect(202);
        let has_it = |run: &Value| events(run).iter().any(|event| event["external_id"] == id.as_str());
        let mut settled = self.stored_when(run, "shows the sentinel", has_it).await;
        if let Some(list) = settled["events"].as_array_mut() {
            list.retain(|event| event["external_id"] != id.as_str());
        }
        settled
    }

    /// All runs of a listing, page by page; `query` as in `agent=a&limit=2`.
    pub async fn listed(&self, query: &str) -> Vec<Value> {
        let (mut runs, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let after = cursor.map_or_else(String::new, |cursor| format!("&cursor={}", encode(&cursor)));
            let page = self.read(&format!("/v1/runs?{query}{after}")).await.expect(200).json();
            runs.extend(page["runs"].as_array().expect("a page has runs").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return runs,
            }
        }
    }

    /// Waits until exactly these runs are listed (in any order).
    pub async fn lists_exactly(&self, expected: &[String]) {
        let mut expected = expected.to_vec();
        expected.sort();
        eventually(READABLE, "exactly the expected runs are listed", async || {
            let runs = self.listed("limit=100").await;
            let mut found: Vec<String> = runs.iter().map(|run| text(run, "id")).collect();
            found.sort();
            if found == expected { Ok(()) } else { Err(format!("{found:?}, expected {expected:?}")) }
        })
        .await;
    }

    /// The slugs of the team's agents, sorted.
    pub async fn agents(&self) -> Vec<String> {
        let answer = self.read("/v1/agents?limit=200").await.expect(200).json();
        let agents = answer["agents"].as_array().expect("a list of agents");
        let mut slugs: Vec<String> = agents.iter().map(|agent| text(agent, "agent")).collect();
        slugs.sort();
        slugs
    }

    /// Waits until these are the team's agents, sorted: an agent may be listed a moment after its run can be read.
    pub async fn agents_are(&self, expected: &[&str]) {
        eventually(READABLE, "the team's agents", async || {
            let agents = self.agents().await;
            if agents == expected { Ok(()) } else { Err(format!("{agents:?}, expected {expected:?}")) }
        })
        .await;
    }

    /// Waits until the month's count is `events`.
    pub async fn usage_is(&self, events: u64) {
        eventually(READABLE, &format!("usage is {events}"), async || {
            let usage = self.read("/v1/usage").await.expect(200);
            if usage.json()["events"] == events { Ok(()) } else { Err(usage.text()) }
        })
        .await;
    }

    /// This month's spend.
    pub async fn spend(&self) -> Answer {
        let month = crate::clock::month(crate::clock::now_ms());
        self.read(&format!("/v1/spend?month={month}")).await.expect(200)
    }
}

/// The path of a ping with a credential and parameters in the URL.
pub fn ping_path(credential: &str, parameters: &[(&str, &str)]) -> String {
    let rest: String = parameters.iter().map(|(name, value)| format!("&{name}={}", encode(value))).collect();
    format!("/v1/ping?key={credential}{rest}")
}

/// The events of a run as read.
pub fn events(run: &Value) -> &[Value] {
    run["events"].as_array().map_or(&[], Vec::as_slice)
}

/// A member that must be text.
#[track_caller]
pub fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_else(|| panic!("no text '{member}' in {value}")).to_owned()
}
