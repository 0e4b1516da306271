//! A route's messages: tests, lists, and one once more. What a sender does is done to the rows here.

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_agentping_alerts::outbox::row;
use tidegate_agentping_alerts::rows::{DELIVERY_PROGRESS, timed_key};
use tidegate_agentping_alerts::{
    Addressees, AlertEvent, AlertOutbox, Delivered, DeliveryProgress, DeliveryState, DeliveryTry, MessageEdge, Messages,
};
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_pulse::incident::Subject;
use tidegate_agentping_pulse::incident::derived_id::incident_id;
use tidegate_agentping_pulse::{AlertKind, AlertSeverity, IncidentOrigin};
use tidegate_agentping_settings::TeamSettings;
use tidegate_agentping_verdicts::IncidentDoc;
use tidegate_mirror::Mirror;
use tidegate_ports::{Clock, Rows};

use crate::house::*;

async fn outbox(house: &House) -> AlertOutbox {
    let clock: Arc<dyn Clock> = house.clock.clone();
    let mirror: Mirror<TeamSettings> = Mirror::read(Arc::new(house.documents.clone()), clock.clone()).await.unwrap();
    AlertOutbox::new(Arc::new(house.rows.clone()), mirror, clock, naming())
}

fn quota(key: u32) -> AlertEvent {
    AlertEvent {
        team: team(1),
        agent: None,
        kind: AlertKind::Quota,
        edge: MessageEdge::Firing,
        severity: AlertSeverity::Warning,
        timestamp: at(NOON),
        incident: None,
        data: json!({"percent": key}).as_object().unwrap().clone(),
        to: Addressees::Subscribed { key: key.to_string() },
    }
}

async fn with_route() -> (House, String) {
    let house = House::open().await;
    let route = json!({"name": "ops", "kind": "webhook", "url": "https://example.com/"});
    let made = house.post("/v1/routes", &route).await.with(201);
    house.patch("/v1/team", &json!({"routes": ["ops"]})).await.ok();
    (house, made["id"].as_str().unwrap().to_owned())
}

/// A try of a message, as a sender notes it.
async fn tried(house: &House, one: &Delivered, state: DeliveryState, status: u16) {
    answered(house, one, state, status, "s0").await;
}

async fn answered(house: &House, one: &Delivered, state: DeliveryState, status: u16, answer: &str) {
    let now = house.clock.now();
    let mut progress = DeliveryProgress { state, rank: one.progress.rank + 1, ..one.progress.clone() };
    let error = (state == DeliveryState::Failed).then(|| format!("status {status}"));
    progress.tried(DeliveryTry { at: now, status: Some(status), error, answer: Some(answer.to_owned()), took_ms: 3 });
    let key = timed_key(&DELIVERY_PROGRESS, &one.doc.route, one.doc.made_at, one.doc.id);
    let write = row(key, &progress, progress.rank).unwrap();
    house.rows.put(Arc::new(vec![write]), now).await.unwrap();
}

/// A test's answer says what came of it, and it is in the list.
#[tokio::test]
async fn a_test_is_answered_with_its_outcome() {
    let (house, id) = with_route().await;
    let messages = Messages::new(Arc::new(house.rows.clone()));
    for (state, status, ok) in [(DeliveryState::Failed, 500, false), (DeliveryState::Sent, 200, true)] {
        let sending = async {
            loop {
                let all = messages.of_route(&id, None, 10, house.clock.now()).await.unwrap();
                match all.iter().find(|one| !one.progress.state.is_finished()) {
                    Some(one) => return tried(&house, one, state, status).await,
                    None => tokio::task::yield_now().await,
                }
            }
        };
        let path = format!("/v1/routes/{id}/test");
        let asking = house.change(reqwest::Method::POST, &path, &Value::Null);
        let (answer, ()) = tokio::join!(asking, sending);
        let mut answer = answer.ok();
        let delivery = answer.as_object_mut().unwrap().remove("delivery_id").unwrap();
        let error = if ok { Value::Null } else { json!("status 500") };
        assert_eq!(
            (&answer["ok"], &answer["status"], &answer["took_ms"], &answer["error"]),
            (&json!(ok), &json!(status), &json!(3), &error)
        );
        let page = house.get(&format!("/v1/routes/{id}/deliveries")).await.ok();
        let listed = page["deliveries"].as_array().unwrap().iter().find(|one| one["id"] == delivery).unwrap().clone();
        assert_eq!(
            (&listed["edge"], &listed["alert"], &listed["agent"]),
            (&json!("test"), &json!("test"), &json!("test"))
        );
        assert!(listed["body"].as_str().unwrap().starts_with(r#"{"alert":"test","agent":"test","#));
    }
}

/// AC-72: what a former build has stored of an answer is shown without what is secret of the route.
#[tokio::test]
async fn ac_72_a_stored_answer_is_shown_without_secrets() {
    let (house, id) = with_route().await;
    house.patch(&format!("/v1/routes/{id}"), &json!({"headers": {"X-Own": "s3cret-value"}})).await.ok();
    outbox(&house).await.put(&[quota(80)]).await.unwrap();
    let messages = Messages::new(Arc::new(house.rows.clone()));
    let all = messages.of_route(&id, None, 10, house.clock.now()).await.unwrap();
    answered(&house, &all[0], DeliveryState::Sent, 200, "you sent X-Own: s3cret-value").await;
    let page = house.get(&format!("/v1/routes/{id}/deliveries")).await.ok();
    assert_eq!(page["deliveries"][0]["tries"][0]["answer"], "you sent X-Own: …");
}

/// An incident has the messages about it, whichever route they are of; of a route that is gone, without answers.
#[tokio::test]
async fn an_incident_has_the_messages_about_it() {
    let (house, id) = with_route().await;
    let subject = Subject { agent: agent_id(team(1), &slug("nightly")), kind: AlertKind::ScheduleMissed };
    let origin = IncidentOrigin::Slot(at(NOON));
    let incident = incident_id(&subject, origin, at(NOON));
    let doc = IncidentDoc {
        id: incident,
        agent: slug("nightly"),
        kind: AlertKind::ScheduleMissed,
        severity: AlertSeverity::Error,
        opened_at: at(NOON),
        resolved_at: None,
        resolved_by: None,
        origin,
        count: 1,
    };
    house.rows.put(Arc::new(doc.rows(team(1)).to_vec()), at(NOON)).await.unwrap();
    let path = format!("/v1/incidents/{incident}");
    assert_eq!(house.get(&path).await.ok()["deliveries"], json!([]));
    let outbox = outbox(&house).await;
    let event = |key: u32| AlertEvent {
        agent: Some(slug("nightly")),
        kind: AlertKind::ScheduleMissed,
        edge: MessageEdge::Repeat,
        severity: AlertSeverity::Error,
        incident: Some(incident),
        ..quota(key)
    };
    for key in 0..2 {
        outbox.put(&[event(key), quota(key)]).await.unwrap();
        house.clock.advance_ms(1_000);
    }
    let messages = Messages::new(Arc::new(house.rows.clone()));
    let all = messages.of_incident(team(1), incident, 10).await.unwrap();
    tried(&house, &all[0], DeliveryState::Sent, 200).await;
    let shown = house.get(&path).await.ok()["deliveries"].as_array().unwrap().clone();
    let states: Vec<(&str, &str)> =
        shown.iter().map(|one| (one["edge"].as_str().unwrap(), one["status"].as_str().unwrap())).collect();
    assert_eq!(states, [("repeat", "sent"), ("repeat", "waiting")], "the newest first, and no others");
    assert_eq!((&shown[0]["route"], &shown[0]["incident_id"]), (&json!(id), &json!(incident.to_string())));
    assert_eq!(shown[0]["tries"][0]["answer"], "s0");
    assert!(!house.get_as(Some(KEY_READS), &path).await.text.contains("\"answer\""));
    assert_refusal(&house.get_as(Some(KEY_B), &path).await, 404, "not_found", None);
    // AC-72: what was secret of a route is not known any more once that is gone.
    house.delete(&format!("/v1/routes/{id}")).await.is_empty_204();
    let mut without = shown[0].clone();
    without["tries"][0].as_object_mut().unwrap().remove("answer");
    assert_eq!(house.get(&path).await.ok()["deliveries"][0], without);
}

/// AC-71: the list has bodies, tries and totals that add up, in pages.
#[tokio::test]
async fn ac_71_messages_are_listed_with_totals() {
    let (house, id) = with_route().await;
    let outbox = outbox(&house).await;
    for key in 0..5 {
        house.clock.advance_ms(1_000);
        outbox.put(&[quota(key)]).await.unwrap();
    }
    let messages = Messages::new(Arc::new(house.rows.clone()));
    let all = messages.of_route(&id, None, 10, house.clock.now()).await.unwrap();
    tried(&house, &all[0], DeliveryState::Sent, 200).await;
    tried(&house, &all[1], DeliveryState::Failed, 500).await;
    let path = format!("/v1/routes/{id}/deliveries");
    let mut seen: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = house.get(&format!("{path}?limit=2{cursor}")).await.ok();
        assert_eq!(page["totals"], json!({"made": 5, "sent": 1, "failed": 1, "muted": 0, "waiting": 3}));
        seen.extend(page["deliveries"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let bodies: Vec<&str> = seen.iter().map(|one| one["body"].as_str().unwrap()).collect();
    let percents = ["4", "3", "2", "1", "0"];
    assert!(bodies.iter().zip(percents).all(|(body, key)| body.contains(&format!("\"percent\":{key}"))), "{bodies:?}");
    assert_eq!(
        seen[1]["tries"],
        json!([{"at": "2026-05-15T12:00:05.000Z", "status": 500, "error": "status 500", "answer": "s0", "took_ms": 3}])
    );
    assert_eq!((&seen[1]["status"], &seen[1]["agent"]), (&json!("failed"), &Value::Null));
    assert!(
        !house.get_as(Some(KEY_READS), &path).await.text.contains("\"answer\""),
        "it may repeat what only its owner knows"
    );
    // Once more, under the same id.
    let resend = format!("/v1/deliveries/{}/resend", seen[1]["id"].as_str().unwrap());
    let again = house.post(&resend, &json!({})).await.with(202);
    assert_eq!(
        (&again["id"], &again["status"], again["tries"].as_array().unwrap().len()),
        (&seen[1]["id"], &json!("waiting"), 1)
    );
    assert_refusal(&house.post_as(Some(KEY_B), &resend, "{}").await, 404, "not_found", None);
}
