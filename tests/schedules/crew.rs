//! A team that is watched: what it sets, reports and is shown, over HTTP.

use serde_json::{Value, json};
use tidegate_tests::client::encode;
use tidegate_tests::clock::iso;
use tidegate_tests::team::text;
use tidegate_tests::{Answer, Plan, Team, eventually, wire};

use crate::PATIENCE;
use crate::stage::Stage;

pub struct Crew {
    pub team: Team,
}

impl Stage {
    /// A team without limits.
    pub async fn crew(&self) -> Crew {
        self.crew_on(Plan::UNLIMITED).await
    }

    pub async fn crew_on(&self, plan: Plan) -> Crew {
        Crew { team: Team::create(self.target.deployment(), plan).await }
    }
}

impl Crew {
    /// A call to the management API, once there is a place in the team's bucket.
    pub async fn manage(&self, method: &str, path: &str, body: &Value) -> Answer {
        let url = format!("{}{path}", self.team.deployment.control);
        eventually(PATIENCE, path, async || {
            match self.team.client.call(method, &url).bearer(&self.team.key).json(body).send().await {
                answer if answer.status == 429 => Err(answer.to_string()),
                answer => Ok(answer),
            }
        })
        .await
    }

    /// What a path answers. A test asks more often than a team may.
    pub async fn try_get(&self, path: &str) -> Result<Value, String> {
        let answer = self.team.read(path).await;
        if answer.status == 429 { Err(answer.text()) } else { Ok(answer.expect(200).json()) }
    }

    /// The same once there is a place in the team's bucket.
    pub async fn get(&self, path: &str) -> Value {
        eventually(PATIENCE, path, async || self.try_get(path).await).await
    }

    /// Makes a route with these members besides its name and its address, which is the path of its name at the
    /// stage's receiver; returns it.
    pub async fn route(&self, stage: &Stage, name: &str, members: Value) -> Value {
        let mut route = json!({"name": name, "kind": "webhook", "url": stage.receiver.url(&format!("/{name}"))});
        merge(&mut route, members);
        self.manage("POST", "/v1/routes", &route).await.expect(201).json()
    }

    /// Makes webhooks of these names that serve the whole team; returns the first one's id.
    pub async fn serves(&self, stage: &Stage, names: &[&str]) -> String {
        let mut ids = Vec::new();
        for name in names {
            ids.push(text(&self.route(stage, name, json!({})).await, "id"));
        }
        self.manage("PATCH", "/v1/team", &json!({ "routes": names })).await.expect(200);
        ids.swap_remove(0)
    }

    /// Makes an agent ahead of its first run.
    pub async fn agent(&self, name: &str, members: Value) {
        let mut agent = json!({ "agent": name });
        merge(&mut agent, members);
        self.manage("POST", "/v1/agents", &agent).await.expect(201);
    }

    /// Makes an agent with a schedule.
    pub async fn expects(&self, name: &str, schedule: Value) {
        self.agent(name, json!({})).await;
        self.manage("PUT", &format!("/v1/agents/{name}/schedule"), &schedule).await.expect(200);
    }

    /// A heartbeat with these members; returns its run's id.
    pub async fn report(&self, agent: &str, members: Value) -> String {
        let mut beat = json!({ "agent": agent });
        merge(&mut beat, members);
        text(&self.team.heartbeat(&beat).await.expect(202).json(), "id")
    }

    /// A run's start at this instant; returns its id.
    pub async fn start(&self, agent: &str, at_ms: i64, members: Value) -> String {
        let run = self.team.run_id();
        let mut start = json!({"id": run, "agent": agent, "started_at": iso(at_ms)});
        merge(&mut start, members);
        self.team.start(&start).await.expect(202);
        run
    }

    /// A run's end with these members.
    pub async fn finish(&self, run: &str, status: &str, members: Value) {
        let mut end = json!({ "status": status });
        merge(&mut end, members);
        self.team.finish(run, &end).await.expect(202);
    }

    /// An event of a run at this instant.
    pub async fn event(&self, run: &str, kind: &str, at_ms: i64, data: &Value) {
        let mut event = wire::log_event(&self.team.event_id());
        merge(&mut event, json!({"type": kind, "ts": iso(at_ms), "data": data}));
        self.team.batch(run, &[event]).await.expect(202);
    }

    /// Pauses an agent anew, and asks guard, which sends one message.
    pub async fn blocked(&self, agent: &str) {
        let path = format!("/v1/agents/{agent}/pause");
        self.manage("DELETE", &path, &Value::Null).await.expect(204);
        self.manage("PUT", &path, &json!({})).await.expect(200);
        let asked = self.manage("POST", "/v1/guard/check", &json!({ "agent": agent })).await.expect(200).json();
        assert_eq!(asked["decision"], "block", "{asked}");
    }

    /// All slots of an agent up to now, oldest first.
    pub async fn slots(&self, agent: &str) -> Result<Vec<Value>, String> {
        let mut slots = self.try_get(&format!("/v1/agents/{agent}/slots?limit=200")).await?["slots"].take();
        let slots = slots.as_array_mut().unwrap();
        slots.reverse();
        Ok(std::mem::take(slots))
    }

    /// Waits until these are the outcomes of an agent's slots; returns the slots.
    pub async fn slots_are(&self, agent: &str, expected: &[&str]) -> Vec<Value> {
        eventually(PATIENCE, &format!("the slots of {agent}"), async || {
            let slots = self.slots(agent).await?;
            let is_so = slots.iter().map(|slot| &slot["outcome"]).eq(expected.iter().copied());
            if is_so { Ok(slots) } else { Err(format!("{slots:?} and not {expected:?}")) }
        })
        .await
    }

    /// Waits until the agent's incidents, newest first, have these statuses; returns them.
    pub async fn incidents_are(&self, agent: &str, expected: &[&str]) -> Vec<Value> {
        eventually(PATIENCE, &format!("the incidents of {agent}"), async || {
            let found = self.try_get(&format!("/v1/incidents?agent={}", encode(agent))).await?;
            let found = found["incidents"].as_array().unwrap();
            let is_so = found.iter().map(|one| &one["status"]).eq(expected.iter().copied());
            if is_so { Ok(found.clone()) } else { Err(format!("{found:?} and not {expected:?}")) }
        })
        .await
    }

    /// A route's messages, oldest first.
    pub async fn deliveries(&self, route: &str) -> Result<Vec<Value>, String> {
        let mut listed = self.try_get(&format!("/v1/routes/{route}/deliveries?limit=200")).await?["deliveries"].take();
        let listed = listed.as_array_mut().unwrap();
        listed.reverse();
        Ok(std::mem::take(listed))
    }

    /// Waits until the route's first message is as asked; returns it.
    pub async fn first_delivery(&self, route: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        eventually(PATIENCE, what, async || match self.deliveries(route).await?.first() {
            Some(first) if is_so(first) => Ok(first.clone()),
            first => Err(format!("{first:?}")),
        })
        .await
    }

    /// Waits until these are the numbers of a route's messages, by the names of the totals; then they add up (AC-71).
    pub async fn totals_are(&self, route: &str, expected: &Value) {
        eventually(PATIENCE, &format!("the totals are {expected}"), async || {
            let totals = self.try_get(&format!("/v1/routes/{route}/deliveries")).await?["totals"].take();
            if totals == *expected { Ok(()) } else { Err(totals.to_string()) }
        })
        .await;
        let number = |member: &&str| expected[*member].as_u64().unwrap();
        let parts: u64 = ["sent", "failed", "muted", "waiting"].iter().map(number).sum();
        assert_eq!(number(&"made"), parts, "{expected}");
    }

    /// Waits until these are edge and status of the messages to a route about an agent, in any order.
    pub async fn edges_are(&self, route: &str, agent: &str, expected: &[&str]) {
        eventually(PATIENCE, &format!("the messages about {agent}"), async || {
            let all = self.deliveries(route).await?;
            let of_agent = all.iter().filter(|one| one["agent"] == agent);
            let mut found: Vec<String> =
                of_agent.map(|one| format!("{} {}", text(one, "edge"), text(one, "status"))).collect();
            found.sort();
            if found == expected { Ok(()) } else { Err(format!("{found:?} and not {expected:?}")) }
        })
        .await;
    }
}

/// Adds members to an object, in place of those that have their names.
pub fn merge(object: &mut Value, members: Value) {
    let Value::Object(members) = members else { panic!("{members} is no object") };
    object.as_object_mut().unwrap().extend(members);
}
