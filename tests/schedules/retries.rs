//! Receivers in trouble: tries by the table, pauses that are asked for, routes that are disabled, and a sender that
//! dies.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tidegate_tests::clock::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, read_iso};
use tidegate_tests::eventually;
use tidegate_tests::receiver::{Received, Receiver, Reply};
use tidegate_tests::team::text;

use crate::PATIENCE;
use crate::crew::Crew;
use crate::stage::Stage;

/// Seconds between the tries, each by a fifth shorter or longer.
const PAUSES_S: [i64; 7] = [5, 295, 1_800, 6_900, 18_000, 36_000, 50_400];

/// Makes a route of a kind, and an agent of its name whose messages it gets alone; returns the route.
async fn alone(stage: &Stage, crew: &Crew, name: &str, kind: &str) -> Value {
    let route = crew.route(stage, name, json!({"kind": kind, "alerts": ["guard_blocked"]})).await;
    crew.agent(name, json!({ "routes": [name] })).await;
    route
}

/// Whether one of the signatures is of this secret.
fn is_signed(received: &Received, secret: &str) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    let [id, timestamp] = ["webhook-id", "webhook-timestamp"].map(|name| &received.headers[name]);
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(&received.body);
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    received.headers["webhook-signature"].split(' ').any(|one| one == signature)
}

/// When a request was made, by its own word.
fn sent_at(received: &Received) -> i64 {
    received.headers["webhook-timestamp"].parse::<i64>().unwrap() * SECOND_MS
}

/// When a message's last try was made, and when the next one is due.
fn last_and_next(delivery: &Value) -> (i64, i64) {
    let last = delivery["tries"].as_array().unwrap().last().unwrap();
    (read_iso(last["at"].as_str().unwrap()), read_iso(delivery["next_try_at"].as_str().unwrap()))
}

/// Waits until a route's first message was tried so often; returns it.
async fn tried(crew: &Crew, route: &str, times: usize) -> Value {
    let is_so = |one: &Value| one["tries"].as_array().is_some_and(|tries| tries.len() == times);
    crew.first_delivery(route, &format!("{times} tries"), is_so).await
}

/// Waits until a route is disabled; returns the reason.
async fn disabled(crew: &Crew, route: &str) -> String {
    eventually(PATIENCE, "the route is disabled", async || {
        let route = crew.try_get(&format!("/v1/routes/{route}")).await?;
        let health = &route["health"];
        if health["state"] == "disabled" { Ok(text(health, "reason")) } else { Err(route.to_string()) }
    })
    .await
}

/// Waits until the other routes have been sent that this one is disabled.
async fn is_said(stage: &Stage, route: &str) {
    eventually(PATIENCE, "it is said", async || {
        let said = stage.messages("/watch");
        let is_said = said.iter().any(|body| body["type"] == "route.disabled" && body["data"]["route"] == route);
        if is_said { Ok(()) } else { Err(format!("{said:?}")) }
    })
    .await;
}

/// AC-55, AC-56, AC-57, AC-58, AC-63, AC-71.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ac_56_to_58_tries_go_by_the_table_and_end_with_the_route() {
    let stage = Stage::begin().await;
    let crew = stage.crew().await;
    crew.route(&stage, "watch", json!({"alerts": ["route_disabled"]})).await;
    let made = alone(&stage, &crew, "failing", "webhook").await;
    let (failing, secret) = (text(&made, "id"), text(&made, "secret"));
    let slow = text(&alone(&stage, &crew, "slow", "webhook").await, "id");
    let gone = text(&alone(&stage, &crew, "gone", "webhook").await, "id");
    let gone_chat = text(&alone(&stage, &crew, "gone-chat", "slack").await, "id");
    let slow_chat = text(&alone(&stage, &crew, "slow-chat", "slack").await, "id");
    crew.agent("slow-too", json!({"routes": ["slow"]})).await;
    let receiver = &stage.receiver;
    let elsewhere = Reply::Redirect(receiver.url("/elsewhere"));
    receiver.reply("/failing", [elsewhere, Reply::Status(404), Reply::Status(500), Reply::Close]);
    receiver.always("/failing", Reply::Status(500));
    receiver.reply("/slow", [Reply::RetryAfter(429, 600)]);
    receiver.reply("/slow-chat", [Reply::RetryAfter(429, 600)]);
    receiver.always("/gone", Reply::Status(410));
    receiver.always("/gone-chat", Reply::Status(404));
    for agent in ["failing", "slow", "gone", "gone-chat", "slow-chat"] {
        crew.blocked(agent).await;
    }

    // AC-58, AC-63: these are gone at once, and the others say so.
    for (route, name) in [(&gone, "gone"), (&gone_chat, "gone-chat")] {
        assert!(!disabled(&crew, route).await.is_empty());
        is_said(&stage, name).await;
    }
    // AC-56, AC-63: these have asked for ten minutes, in which their routes are left alone.
    for route in [&slow, &slow_chat] {
        let (last, next) = last_and_next(&tried(&crew, route, 1).await);
        assert!(next - last >= 600 * SECOND_MS, "{}", next - last);
    }
    crew.blocked("slow-too").await;
    let began = tables(&stage, &crew, &failing).await;
    receiver.wait_for("/slow", 3).await;
    receiver.wait_for("/slow-chat", 2).await;
    let first = crew.first_delivery(&failing, "it has failed", |one| one["status"] == "failed").await;
    let statuses: Vec<Option<u64>> =
        first["tries"].as_array().unwrap().iter().map(|one| one["status"].as_u64()).collect();
    let fails = Some(500);
    assert_eq!(statuses, [Some(302), Some(404), fails, None, fails, fails, fails, fails], "AC-57");
    assert!(receiver.received("/elsewhere").is_empty(), "AC-57: no redirect is followed");
    let tries = receiver.received("/failing");
    let mut times: Vec<&String> = tries.iter().map(|one| &one.headers["webhook-timestamp"]).collect();
    times.dedup();
    assert_eq!((tries.len(), times.len()), (8, 8), "AC-56: each try has a time of its own");
    for one in &tries {
        assert_eq!(one.headers["webhook-id"], text(&first, "id"), "AC-56");
        assert_eq!(one.body, first["body"].as_str().unwrap().as_bytes());
        assert!(is_signed(one, &secret), "AC-55: {:?}", one.headers);
    }
    worn_out(&stage, &crew, &failing, began).await;
    enabled_again(&stage, &crew, (&failing, &secret), &text(&first, "id")).await;
}

/// AC-56: the pauses of the table. Returns when the first try was made.
async fn tables(stage: &Stage, crew: &Crew, route: &str) -> i64 {
    let mut began = None;
    for (number, planned_s) in (1..).zip(PAUSES_S) {
        let one = tried(crew, route, number).await;
        let (last, next) = last_and_next(&one);
        began.get_or_insert(last);
        let took_ms = one["tries"][number - 1]["took_ms"].as_i64().unwrap();
        let (least, most) = (planned_s * 800, planned_s * 1_200 + took_ms + 10 * SECOND_MS);
        assert!((least..=most).contains(&(next - last)), "try {number}: {} and not {planned_s} s", next - last);
        if number <= 3 {
            // Six minutes have passed at most.
            assert_eq!(stage.receiver.received("/slow").len(), 1, "its route is left alone");
        }
        stage.to_next_try(&one).await;
    }
    began.unwrap()
}

/// AC-58: three days without a success, in which ten messages have failed.
async fn worn_out(stage: &Stage, crew: &Crew, route: &str, began: i64) {
    stage.leap(began + 3 * DAY_MS + HOUR_MS).await;
    for number in 1..10 {
        let agent = format!("failing-{number}");
        crew.agent(&agent, json!({"routes": ["failing"]})).await;
        let health = crew.get(&format!("/v1/routes/{route}")).await["health"].take();
        assert_eq!(health["state"], "failing", "{number} messages: {health}");
        crew.blocked(&agent).await;
    }
    assert!(disabled(crew, route).await.contains("three days"));
    is_said(stage, "failing").await;
    // What waits is given up with its next try.
    stage.leap(stage.now() + 30 * MINUTE_MS).await;
    let failed = json!({"made": 10, "sent": 0, "failed": 10, "muted": 0, "waiting": 0});
    crew.totals_are(route, &failed).await;
}

/// AC-58: a route that is enabled again is sent nothing old, unless someone asks for it, under its id. AC-55: both
/// secrets sign after a rotation.
async fn enabled_again(stage: &Stage, crew: &Crew, (route, secret): (&str, &str), first: &str) {
    let before = stage.receiver.received("/failing").len();
    stage.receiver.always("/failing", Reply::Status(204));
    crew.manage("PATCH", &format!("/v1/routes/{route}"), &json!({"enabled": true})).await.expect(200);
    let rotated =
        crew.manage("POST", &format!("/v1/routes/{route}/rotate-secret"), &json!({})).await.expect(200).json();
    crew.blocked("failing").await;
    let sent = json!({"made": 11, "sent": 1, "failed": 10, "muted": 0, "waiting": 0});
    crew.totals_are(route, &sent).await;
    let new = stage.receiver.received("/failing").split_off(before);
    assert_eq!(new.len(), 1, "{new:?}");
    let fresh = text(&rotated, "secret");
    for secret in [secret, fresh.as_str()] {
        assert!(is_signed(&new[0], secret), "AC-55: {:?}", new[0].headers);
    }
    let again = crew.manage("POST", &format!("/v1/deliveries/{first}/resend"), &json!({})).await.expect(202).json();
    assert_eq!(again["id"], first);
    let new = stage.receiver.wait_for("/failing", before + 2).await.split_off(before);
    assert_eq!(new[1].headers["webhook-id"], first);
    let sent = json!({"made": 11, "sent": 2, "failed": 9, "muted": 0, "waiting": 0});
    crew.totals_are(route, &sent).await;
}

/// AC-60: receivers that hang or flood delay no other one. AC-61: a recovery waits for its alert. AC-70: what was
/// being sent when the process was killed is sent by the next one, under its id.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ac_60_61_and_70_an_alert_is_sent_whatever_happens() {
    let (stage, bad) = (Stage::begin().await, Receiver::start().await);
    let crew = stage.crew().await;
    for (name, reply) in [("hangs", Reply::Hang), ("floods", Reply::Endless)] {
        let path = format!("/{name}");
        crew.route(&stage, name, json!({"url": bad.url(&path), "alerts": ["guard_blocked"]})).await;
        crew.agent(name, json!({ "routes": [name] })).await;
        bad.always(&path, reply);
        crew.blocked(name).await;
        bad.wait_for(&path, 1).await;
    }
    let ops = text(&alone(&stage, &crew, "ops", "webhook").await, "id");
    crew.blocked("ops").await;
    crew.totals_are(&ops, &json!({"made": 1, "sent": 1, "failed": 0, "muted": 0, "waiting": 0})).await;

    let own = text(&crew.route(&stage, "own", json!({})).await, "id");
    crew.agent("fails", json!({"routes": ["own"]})).await;
    stage.receiver.always("/own", Reply::Hang);
    crew.report("fails", json!({"status": "fail"})).await;
    let first = stage.receiver.wait_for("/own", 1).await.remove(0);
    stage.target.at_rest().await;
    stage.target.kill().await;
    // What hangs is tried again after a while: it may have come more than once by now.
    stage.receiver.always("/own", Reply::RetryAfter(503, 1_800));
    stage.target.start().await;
    stage.to("12:10").await;
    let restarted = stage.at("12:10");
    let second = eventually(PATIENCE, "the next process tries", async || {
        let all = stage.receiver.received("/own");
        all.iter().find(|one| sent_at(one) >= restarted).cloned().ok_or_else(|| format!("{} tries", all.len()))
    })
    .await;
    assert_eq!(first.headers["webhook-id"], second.headers["webhook-id"], "AC-70");
    assert_eq!(first.body, second.body);

    let is_refused = |one: &Value| {
        let last = one["tries"].as_array().and_then(|tries| tries.last());
        last.is_some_and(|last| last["status"] == 503 && read_iso(last["at"].as_str().unwrap()) >= restarted)
    };
    let waits = crew.first_delivery(&own, "the next process's try", is_refused).await;
    crew.report("fails", json!({})).await;
    crew.incidents_are("fails", &["resolved"]).await;
    crew.edges_are(&own, "fails", &["firing waiting", "resolved waiting"]).await;
    stage.receiver.always("/own", Reply::Status(204));
    stage.to_next_try(&waits).await;
    crew.edges_are(&own, "fails", &["firing sent", "resolved sent"]).await;
    let mut ends: Vec<String> = stage.messages("/own").iter().map(|body| text(body, "status")).collect();
    assert_eq!(ends.iter().filter(|status| *status == "resolved").count(), 1, "AC-61: {ends:?}");
    ends.dedup();
    assert_eq!(ends, ["firing", "resolved"], "AC-61");
}
