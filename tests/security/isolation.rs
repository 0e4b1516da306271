//! Two teams on one deployment: whatever one of them sends or asks, and however it names what is the other's, it learns
//! nothing of the other and changes nothing of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_agentping::Receipt;
use tidegate_tests::client::{Call, encode};

use tidegate_tests::{Answer, Deployment, Plan, Team, eventually, ids, wire};

use crate::routes::{self, Route};
use crate::{caught_up, loud, raw};

/// A second brings 20 places, and a route takes five: far more than it needs, on a busy machine.
const ADMITTED_WITHIN: Duration = Duration::from_secs(90);

/// One team with everything that a team can have, and another that knows all of its names.
pub struct Scene<'d> {
    deployment: &'d Deployment,
    victim: Team,
    intruder: Team,
    names: Names,
}

/// What of the victim the intruder knows: every name and id, and no credential.
struct Names {
    /// Open, so that a finish would show.
    open: String,
    closed: String,
    event: String,
    agent: String,
    customer: String,
    feature: String,
    model: String,
    cursor: String,
    receipt: Option<String>,
    /// The id of a ping token.
    token_id: String,
    /// The intruder's own agent; a token of it is at hand.
    own_agent: String,
    own_token: String,
}

impl<'d> Scene<'d> {
    pub async fn of(deployment: std::sync::Arc<Deployment>, held: &'d Deployment) -> Scene<'d> {
        let victim = Team::create(deployment.clone(), Plan::UNLIMITED).await;
        let intruder = Team::create(deployment, Plan::UNLIMITED).await;
        let own = |what: &str| format!("{what}-{}", ids::nonce());
        let (agent, customer, feature, model) = (own("agent"), own("customer"), own("feature"), own("model"));
        let (open, closed, event) = (victim.run_id(), victim.run_id(), victim.event_id());
        let start = |run: &str| {
            let start = json!({"id": run, "agent": agent, "customer_id": customer, "feature": feature});
            wire::with(start, "started_at", wire::start(run, &agent)["started_at"].clone())
        };
        let taken = victim.start(&start(&open)).await.expect(202);
        let receipt = taken.header("x-tidegate-receipt").map(str::to_owned);
        victim.start(&start(&closed)).await.expect(202);
        victim.batch(&closed, &[wire::llm_call(&event, "acme", &model, (100, 0, 5))]).await.expect(202);
        victim.finish(&closed, &wire::finish()).await.expect(202);
        victim.stored_run(&open).await;
        victim.closed_run(&closed).await;
        // What follows from the runs is stored, too: from here on nothing of the victim changes by itself.
        held.at_rest().await;
        let page = victim.read("/v1/runs?limit=1").await.expect(200).json();
        let cursor = page["next_cursor"].as_str().expect("two runs are two pages").to_owned();
        let token_id = victim.token(&agent).await.id;
        let path = format!("{}/v1/agents/{}/schedule", victim.deployment.control, encode(&agent));
        let call = victim.client.call("PUT", &path).bearer(&victim.key);
        call.json(&json!({"cron": "7 7 * * *"})).send().await.expect(200);
        let own_agent = own("intruder");
        let own_token = intruder.token(&own_agent).await.token;
        let names = Names {
            open,
            closed,
            event,
            agent,
            customer,
            feature,
            model,
            cursor,
            receipt,
            token_id,
            own_agent,
            own_token,
        };
        Scene { deployment: held, victim, intruder, names }
    }

    /// All that the victim can see of itself. Times of reading aside, it must never change.
    async fn seen_by_the_victim(&self) -> BTreeMap<String, Value> {
        let month = tidegate_tests::clock::month(tidegate_tests::clock::now_ms());
        let mut seen = BTreeMap::new();
        for path in [
            "/v1/runs".to_owned(),
            format!("/v1/runs/{}", self.names.open),
            format!("/v1/runs/{}", self.names.closed),
            "/v1/agents".to_owned(),
            format!("/v1/agents/{}", encode(&self.names.agent)),
            format!("/v1/agents/{}/schedule", encode(&self.names.agent)),
            format!("/v1/agents/{}/tokens", encode(&self.names.agent)),
            "/v1/team".to_owned(),
            "/v1/audit".to_owned(),
            "/v1/usage".to_owned(),
            format!("/v1/spend?month={month}"),
        ] {
            let mut shown = self.victim.read(&path).await.expect(200).json();
            match shown.get_mut("agents").and_then(Value::as_array_mut) {
                Some(agents) => agents.iter_mut().for_each(without_judgement),
                None => without_judgement(&mut shown),
            }
            seen.insert(path, shown);
        }
        seen
    }

    /// An answer that holds nothing of the victim which the intruder did not name itself.
    #[track_caller]
    fn silent(&self, answer: &Answer, named: &[&str]) {
        let text = format!("{:?} {}", answer.headers, answer.text());
        let Names { open, closed, event, agent, customer, feature, model, .. } = &self.names;
        let team = &self.victim.id;
        for told in [open, closed, event, agent, customer, feature, model, team] {
            assert!(named.contains(&told.as_str()) || !text.contains(told.as_str()), "tells of {told}: {answer}");
        }
    }

    /// The intruder gets the same answer for the victim's data as for data that does not exist, except for the name.
    async fn as_if_unknown(&self, path: impl Fn(&str) -> String, theirs: &str, nobodys: &str) {
        let ask = async |name: &str| {
            let answer = self.intruder.read(&path(name)).await;
            (answer.status, answer.text().replace(name, "NAME"))
        };
        assert_eq!(ask(theirs).await, ask(nobodys).await, "{}", path(theirs));
    }

    async fn listed_by_the_intruder(&self, query: &str, named: &[&str]) -> usize {
        let answer = self.intruder.read(&format!("/v1/runs?{query}")).await.expect(200);
        self.silent(&answer, named);
        answer.json()["runs"].as_array().expect("a page").len()
    }
}

/// What the intruder tries at a route.
async fn probe(scene: &Scene<'_>, route: &Route) {
    let Scene { intruder, names, .. } = scene;
    match (route.port.as_str(), route.method.as_str(), route.path.as_str()) {
        // Writing. The same ids are another run, of another team: new, and no conflict.
        ("ingest", "POST", "/v1/runs") => {
            for run in [&names.open, &names.closed] {
                let answer = intruder.start(&wire::start(run, &names.own_agent)).await.expect(202);
                scene.silent(&answer, &[run]);
            }
        }
        ("ingest", "POST", "/v1/runs/{id}/events") => {
            for run in [&names.open, &names.closed] {
                let event = wire::with(wire::log_event(&names.event), "data", json!({"error": "intruding"}));
                let answer = intruder.batch(run, &[event]).await;
                // The event's id is the intruder's own in the first run; in the second it would be in two of them.
                assert!(answer.status == 202 || run == &names.closed && answer.status == 409, "{answer}");
                scene.silent(&answer, &[run, &names.event]);
            }
        }
        ("ingest", "POST", "/v1/runs/{id}/finish") => {
            let failed = wire::with(wire::finish(), "status", json!("failed"));
            let answer = intruder.finish(&names.open, &failed).await.expect(202);
            scene.silent(&answer, &[&names.open]);
        }
        ("ingest", "POST", "/v1/heartbeats") => {
            let run = intruder.run_id();
            let beat = json!({"id": run, "agent": names.agent, "status": "fail"});
            scene.silent(&intruder.heartbeat(&beat).await.expect(202), &[&names.agent]);
            // A token of the intruder's agent does not reach the victim's agent of another name, nor of the same.
            let call = intruder.bare("POST", "/v1/heartbeats").bearer(&names.own_token);
            let answer = call.json(&json!({"agent": names.agent})).send().await;
            scene.silent(&answer.refused(401, "scope_violation", None), &[&names.agent]);
        }
        ("ingest", "GET", "/v1/ping") => {
            let run = intruder.run_id();
            let answer = intruder.ping(&[("agent", &names.agent), ("id", &run), ("status", "fail")]).await.expect(200);
            scene.silent(&answer, &[&names.agent]);
            let path = tidegate_tests::team::ping_path(&names.own_token, &[("agent", &names.agent)]);
            let answer = intruder.bare("GET", &path).send().await.expect(401);
            scene.silent(&answer, &[&names.agent]);
        }
        // Reading.
        ("control", "GET", "/v1/runs") => {
            for (name, value) in
                [("agent", &names.agent), ("customer_id", &names.customer), ("feature", &names.feature)]
            {
                let query = format!("{name}={}", encode(value));
                let own = ["agent"].contains(&name);
                let found = scene.listed_by_the_intruder(&query, &[value, &names.agent]).await;
                assert!(own || found == 0, "the intruder has no run of {value}");
            }
            let named = [names.agent.as_str(), &names.open, &names.closed];
            scene.listed_by_the_intruder("limit=200", &named).await;
            scene.listed_by_the_intruder(&format!("limit=200&cursor={}", names.cursor), &named).await;
        }
        ("control", "GET", "/v1/runs/{id}") => {
            // One that the intruder has no run of the same id of.
            let run = scene.victim.run_id();
            scene.victim.start(&wire::start(&run, &names.agent)).await.expect(202);
            scene.victim.finish(&run, &wire::finish()).await.expect(202);
            scene.victim.closed_run(&run).await;
            scene.as_if_unknown(|run| format!("/v1/runs/{run}"), &run, &intruder.run_id()).await;
        }
        ("control", "GET", "/v1/receipts/{receipt}") => {
            let receipt = names.receipt.as_deref().expect("what is taken in has a receipt");
            let own = intruder.heartbeat(&json!({"agent": names.own_agent})).await.expect(202);
            let own = own.header("x-tidegate-receipt").expect("a receipt").to_owned();
            let answer = intruder.read(&format!("/v1/receipts/{receipt}")).await.expect(404);
            scene.silent(&answer, &[]);
            // The owner reads it, so the refusal was not for another reason; and the victim has none of the intruder's.
            scene.victim.read(&format!("/v1/receipts/{receipt}")).await.expect(200);
            scene.victim.read(&format!("/v1/receipts/{own}")).await.expect(404);
            // Forged: the victim's place under the intruder's name. It may say that a record stands there, and no more.
            let theirs: Receipt = receipt.parse().expect("a receipt");
            let forged = Receipt { team: own.parse::<Receipt>().expect("a receipt").team, ..theirs };
            let answer = intruder.read(&format!("/v1/receipts/{forged}")).await;
            assert!([200, 404].contains(&answer.status), "{answer}");
            scene.silent(&answer, &[]);
            assert!(answer.status == 404 || answer.json().get("run").is_none(), "{answer}");
        }
        ("control", "GET", "/v1/agents") => {
            let answer = intruder.read("/v1/agents").await.expect(200);
            // A name that both use is two agents.
            scene.silent(&answer, &[&names.agent]);
        }
        ("control", "GET", "/v1/usage") => {
            let before = intruder.read("/v1/usage").await.expect(200).json();
            let run = scene.victim.run_id();
            scene.victim.start(&wire::start(&run, &names.agent)).await.expect(202);
            scene.victim.stored_run(&run).await;
            assert_eq!(intruder.read("/v1/usage").await.expect(200).json(), before, "another's run is not counted");
        }
        ("control", "GET", "/v1/spend") => {
            let month = tidegate_tests::clock::month(tidegate_tests::clock::now_ms());
            let answer = intruder.read(&format!("/v1/spend?month={month}")).await.expect(200);
            scene.silent(&answer, &[&names.agent]);
        }
        ("control", "POST", "/v1/schedules/preview") => {
            // It computes, and reads nothing that is anyone's.
            let url = format!("{}{}", scene.deployment.control, route.path);
            let body = json!({"schedule": {"cron": "@daily"}});
            let answer = admitted(|| intruder.client.post(&url).bearer(&intruder.key).json(&body)).await.expect(200);
            scene.silent(&answer, &[]);
        }
        // What a team manages. The intruder may have an agent of the same name by now, which is its own.
        ("control", method, path) if is_managed(path) => {
            let path = path.replace("{slug}", &encode(&names.agent)).replace("{id}", &names.token_id);
            let url = format!("{}{path}", scene.deployment.control);
            for body in [
                json!({}),
                json!({"cron": "@daily"}),
                json!({"until": soon()}),
                json!({"agent": names.agent}),
                json!({"to": names.own_agent}),
            ] {
                let answer = admitted(|| intruder.client.call(method, &url).bearer(&intruder.key).json(&body)).await;
                assert!(answer.status < 500, "{method} {path} {body}: {answer}");
                scene.silent(&answer, &[&names.agent]);
                assert!(!answer.text().contains("7 7 * * *"), "{answer}");
            }
            let named_twice = path.contains("tokens/");
            let answer = admitted(|| intruder.client.call(method, &url).bearer(&intruder.key)).await;
            assert!(!named_twice || answer.status == 404, "the victim's token: {answer}");
        }
        // Links of mails: whoever has one may follow it, and a token that was never given out names nothing.
        ("control", method, path) if !path.starts_with("/v1") => {
            let url = format!("{}{}", scene.deployment.control, path.replace("{token}", &names.token_id));
            let answer = intruder.client.call(method, &url).send().await;
            assert!([400, 404].contains(&answer.status), "{answer}");
            scene.silent(&answer, &[]);
        }
        _ => panic!("{route:?} is a route that nothing here tries to misuse: add what an intruder would do to it"),
    }
}

/// What a judge says of an agent, and what is counted by model, comes by itself, a moment after its runs.
fn without_judgement(shown: &mut Value) {
    let of_agent = ["state", "since", "next_slot", "last_success", "open_incidents"];
    let of_month = ["by_model", "by_model_rest_usd"];
    for later in [&of_agent[..], &of_month[..]] {
        if let Some(members) =
            shown.as_object_mut().filter(|members| later.iter().any(|name| members.contains_key(*name)))
        {
            members.retain(|name, _| !later.contains(&name.as_str()));
        }
    }
}

/// The answer of a call of the management API once the team's bucket has a place for it.
async fn admitted(call: impl Fn() -> Call) -> Answer {
    eventually(ADMITTED_WITHIN, "a place in the team's bucket", async || {
        let answer = call().send().await;
        if answer.status == 429 { Err(answer.to_string()) } else { Ok(answer) }
    })
    .await
}

/// Whether a path is of what teams manage.
fn is_managed(path: &str) -> bool {
    let rooms = [
        "/v1/agents",
        "/v1/audit",
        "/v1/badges",
        "/v1/checks",
        "/v1/config",
        "/v1/deliveries",
        "/v1/guard",
        "/v1/incidents",
        "/v1/keys",
        "/v1/metrics",
        "/v1/mute",
        "/v1/pause",
        "/v1/routes",
        "/v1/runs/{id}/checks",
        "/v1/status",
        "/v1/team",
        "/v1/tokens",
    ];
    rooms.iter().any(|room| path.starts_with(room))
}

/// In an hour.
fn soon() -> String {
    let at = tidegate_kernel::Timestamp::from_millis(tidegate_tests::clock::now_ms() + 3_600_000);
    at.to_string()
}

/// Every route that is described: it refuses who has no credential or another region's, and keeps two teams apart.
pub async fn holds(scene: &Scene<'_>) {
    let before = scene.seen_by_the_victim().await;
    for route in routes::of_agentping() {
        if route.path.starts_with("/v1") {
            strangers_are_refused(scene, &route).await;
        }
        // Whoever names the victim's ids sees no more of it, and the next look shows the victim as it was.
        if !route.path.contains("usage") && route.path != "/v1/runs/{id}" {
            probe(scene, &route).await;
        }
    }
    // All that the intruder sent is stored before the victim looks again.
    caught_up(scene.deployment, &scene.intruder).await;
    let own = scene.intruder.listed("limit=200").await;
    assert!(own.len() >= 5, "the intruder's own runs are stored: {own:?}");
    assert_eq!(scene.seen_by_the_victim().await, before, "the intruder changed what is the victim's");
    // These make the victim act, so they come last.
    for route in
        routes::of_agentping().iter().filter(|route| route.path.contains("usage") || route.path == "/v1/runs/{id}")
    {
        probe(scene, route).await;
    }
}

/// Without a credential, with an unknown one, with one of the other region.
async fn strangers_are_refused(scene: &Scene<'_>, route: &Route) {
    let address = if route.port == "ingest" { scene.deployment.ingest() } else { &scene.deployment.control };
    let path = route.path.replace("{id}", &scene.names.open).replace("{receipt}", "rcp_eu_0").replace("{slug}", "a");
    let region = &scene.deployment.region;
    let far = ids::fresh("apk", scene.deployment.other_region());
    for header in [
        String::new(),
        format!("Authorization: Bearer {}\r\n", ids::fresh("apk", region)),
        format!("Authorization: Bearer {}\r\n", ids::fresh("ping", region)),
        format!("Authorization: Bearer {far}\r\n"),
        format!("Authorization: Bearer {}\r\n", scene.victim.key_id),
        format!("Authorization: Bearer {}\r\n", scene.victim.id),
    ] {
        let request = format!(
            "{} {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: 2\r\n{header}\r\n{{}}",
            route.method
        );
        let answer = raw::said(address, request.as_bytes()).await;
        assert_eq!(raw::status(&answer), 401, "{route:?} with '{header}': {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_keeps_two_teams_apart() {
    let target = loud("json").await;
    let scene = Scene::of(target.deployment(), &target).await;
    holds(&scene).await;
}
