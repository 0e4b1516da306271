//! Webhooks: signatures, retries, order, and what is stored of them.

use serde_json::json;
use tidegate_agentping_alerts::rows::{DELIVERY_PROGRESS, day_of, route_day};
use tidegate_agentping_alerts::signature::signature;
use tidegate_agentping_alerts::{DeliveryTotals, HealthState};
use tidegate_agentping_pulse::Edge;
use tidegate_ports::{Clock, RowScan, Rows, ScanOrder};

use crate::receiver::{OK, Receiver, Reply};
use crate::rig::{NOW, Rig, SECRET, eventually, message, notice, route};

const FAIL: Reply = Reply::Status(500, "", "no");

/// AC-55, AC-56: each try has the same id and body, its own time and signature, and is due by the table.
#[tokio::test]
async fn ac_56_retries_keep_the_id_and_renew_the_signature() {
    let (rig, receiver) = (Rig::new().await, Receiver::start([FAIL]).await);
    rig.webhook(1, receiver.url()).await;
    let _running = rig.start();
    rig.put(&[notice(1, 80)]).await;
    rig.tries(1, 1).await;
    let mut pauses = Vec::new();
    for count in 2..=8 {
        pauses.push(rig.to_next_try(1).await);
        rig.tries(1, count).await;
    }
    for (pause, planned) in pauses.iter().zip([5, 295, 1_800, 6_900, 18_000, 36_000, 50_400]) {
        assert!((planned * 8 / 10 - 1..=planned * 12 / 10 + 1).contains(pause), "{pauses:?}");
    }
    rig.states(1, &["firing failed"]).await;
    let one = rig.all(1).await.remove(0);
    assert_eq!((one.progress.next_try_at, one.progress.tries[0].status), (None, Some(500)));
    assert_eq!(one.progress.tries[0].answer.as_deref(), Some("no"));
    let received = receiver.received();
    assert_eq!(received.len(), 8);
    let id = one.doc.id.to_string();
    let mut times = Vec::new();
    for request in &received {
        assert_eq!((request.header("webhook-id"), &request.body), (id.as_str(), &one.doc.body));
        assert_eq!((request.path.as_str(), request.header("x-own")), ("/hook/s3cret", "v4lue"));
        assert_eq!(request.header("user-agent"), "Tidegate/test");
        let time: i64 = request.header("webhook-timestamp").parse().unwrap();
        let signed = signature(SECRET, &id, time, &request.body).unwrap();
        assert_eq!(request.header("webhook-signature"), signed);
        times.push(time);
    }
    times.dedup();
    assert_eq!(times.len(), 8, "each try has its own time");
}

/// AC-56: `Retry-After` is honoured, and the route's other messages wait as well.
#[tokio::test]
async fn ac_56_a_receiver_that_asks_for_a_pause_gets_it() {
    let slow = Reply::Status(429, "retry-after: 600\r\n", "");
    let (rig, receiver) = (Rig::new().await, Receiver::start([slow, OK]).await);
    rig.webhook(1, receiver.url()).await;
    let _running = rig.start();
    rig.put(&[notice(1, 80)]).await;
    rig.tries(1, 1).await;
    rig.put(&[notice(1, 100)]).await;
    rig.clock.advance_ms(599_000);
    let other = Receiver::start([OK]).await;
    rig.webhook(2, other.url()).await;
    rig.put(&[notice(2, 80)]).await;
    rig.states(2, &["firing sent"]).await;
    assert_eq!(receiver.received().len(), 1, "its route is left alone");
    rig.clock.advance_ms(2_000);
    rig.states(1, &["firing sent", "firing sent"]).await;
    assert_eq!(receiver.received().len(), 3);
}

/// AC-57: none of these is a success, and no redirect is followed.
#[tokio::test]
async fn ac_57_what_is_no_success_is_a_failure() {
    let elsewhere = Receiver::start([OK]).await;
    let location: &'static str = Box::leak(format!("location: {}\r\n", elsewhere.url()).into_boxed_str());
    let rig = Rig::new().await;
    let replies = [
        (Reply::Status(301, location, ""), Some(301)),
        (Reply::Status(307, location, ""), Some(307)),
        (Reply::Status(404, "", ""), Some(404)),
        (Reply::Status(500, "", ""), Some(500)),
        (Reply::Close, None),
        (Reply::Garbage, None),
    ];
    let _running = rig.start();
    let mut receivers = Vec::new();
    for (number, (reply, status)) in (1..).zip(replies) {
        let receiver = Receiver::start([reply.clone()]).await;
        rig.webhook(number, receiver.url()).await;
        rig.put(&[notice(number, 80)]).await;
        rig.tries(number, 1).await;
        let one = rig.all(number).await.remove(0);
        assert_eq!(one.progress.tries[0].status, status, "{reply:?}");
        assert!(one.progress.tries[0].error.is_some() && one.progress.next_try_at.is_some(), "{reply:?}");
        receivers.push(receiver);
    }
    assert!(elsewhere.received().is_empty());
}

/// AC-72: a receiver that answers with what it got puts no secret of the route into what is stored of the try.
#[tokio::test]
async fn ac_72_an_answer_is_kept_without_the_routes_secrets() {
    let (rig, receiver) = (Rig::new().await, Receiver::start([Reply::Echo]).await);
    let url = format!("{}?key=q-s3cret", receiver.url());
    let headers = json!([["Authorization", "Bearer t0ken-of-ops"], ["X-Own", "v4lue"]]);
    rig.route(1, json!({"kind": "webhook", "url": url, "secret": SECRET, "headers": headers})).await;
    let _running = rig.start();
    rig.put(&[notice(1, 80)]).await;
    rig.states(1, &["firing sent"]).await;
    let got = receiver.received().remove(0);
    assert_eq!((got.header("authorization"), got.header("x-own")), ("Bearer t0ken-of-ops", "v4lue"));
    let day = day_of(rig.all(1).await[0].doc.made_at);
    let shard = route_day(&route(1), day);
    let scan = RowScan { table: &DELIVERY_PROGRESS, shard, after: None, order: ScanOrder::Ascending, limit: 10 };
    let rows = rig.rows.scan(&scan).await.unwrap();
    let [row] = &rows[..] else { panic!("{rows:?}") };
    let stored = String::from_utf8(row.doc.clone()).unwrap();
    assert!(stored.contains("x-own") && stored.contains("webhook-id"), "{stored}");
    for secret in ["t0ken-of-ops", "v4lue", "s3cret"] {
        assert!(!stored.contains(secret), "{secret}: {stored}");
    }
}

/// AC-61: a recovery waits for its alert, however long that is tried.
#[tokio::test]
async fn ac_61_a_recovery_never_overtakes_its_alert() {
    let (rig, receiver) = (Rig::new().await, Receiver::start([FAIL]).await);
    rig.webhook(1, receiver.url()).await;
    let _running = rig.start();
    rig.put(&[message(1, 1, Edge::Firing, 0), message(1, 1, Edge::Resolved, 4)]).await;
    rig.clock.advance_ms(5_000);
    rig.states(1, &["resolved waiting", "firing waiting"]).await;
    eventually("a try", async || receiver.received().len() == 1).await;
    // Another incident of the route goes on meanwhile, though its receiver fails.
    rig.put(&[message(1, 2, Edge::Repeat, 1)]).await;
    rig.tried(1, 2).await;
    assert_eq!(receiver.received().len(), 2);
    receiver.answer(OK);
    rig.clock.advance_ms(400_000);
    rig.states(1, &["resolved sent", "firing sent", "repeat sent"]).await;
    let types: Vec<String> = receiver.received().iter().map(|one| one.json()["type"].to_string()).collect();
    let recovery = types.iter().position(|text| text.contains("recovered")).unwrap();
    let last_alert = receiver
        .received()
        .iter()
        .rposition(|one| one.json()["status"] == "firing" && one.json()["agent"] == "agent-1");
    assert!(last_alert.unwrap() < recovery, "{types:?}");
}

/// AC-71: sent, failed, muted and waiting are what was made.
#[tokio::test]
async fn ac_71_messages_add_up_after_sending() {
    let (rig, receiver) = (Rig::new().await, Receiver::start([OK, OK, FAIL]).await);
    rig.webhook(1, receiver.url()).await;
    let _running = rig.start();
    rig.put(&[notice(1, 1)]).await;
    rig.put(&[notice(1, 2)]).await;
    rig.states(1, &["firing sent", "firing sent"]).await;
    rig.clock.advance_ms(1);
    rig.put(&[notice(1, 3)]).await;
    eventually("a try", async || receiver.received().len() == 3).await;
    let until = rig.clock.now().plus_millis(60_000).as_millis();
    rig.set("mute", "", serde_json::json!({"muted_at_ms": 1, "muted_by": "key", "until_ms": until})).await;
    rig.clock.advance_ms(1);
    rig.put(&[notice(1, 4)]).await;
    rig.states(1, &["firing sent", "firing sent", "firing waiting", "firing muted"]).await;
    let totals = rig.messages.totals(&route(1), rig.clock.now()).await.unwrap();
    assert_eq!(totals, DeliveryTotals { made: 4, sent: 2, failed: 0, muted: 1, waiting: 1 });
    eventually("its health", async || {
        let health = rig.messages.health(crate::rig::TEAM, &route(1)).await.unwrap();
        let settings = rig.mirror.get(&crate::rig::TEAM.to_string()).unwrap();
        health.shown(&settings.routes[&route(1)]).0 == HealthState::Failing && health.last_success_at.is_none()
            || health.failing_since.is_some_and(|since| since > NOW)
    })
    .await;
}
