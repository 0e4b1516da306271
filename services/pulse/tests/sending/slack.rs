//! Slack and PagerDuty over HTTP.

use serde_json::json;
use tidegate_agentping::Slug;
use tidegate_agentping_alerts::AlertEvent;
use tidegate_agentping_pulse::Edge;

use crate::receiver::{OK, Receiver, Reply};
use crate::rig::{Rig, TEAM, eventually, message, notice, route};

/// AC-62: what arrives has a text, and no name of an agent mentions anyone.
#[tokio::test]
async fn ac_62_slack_gets_its_own_form() {
    let (rig, slack) = (Rig::new().await, Receiver::start([OK]).await);
    rig.slack(1, slack.url()).await;
    let _running = rig.start();
    let hostile = Slug::parse("<!channel> *x* <https://evil.test|y>").unwrap();
    rig.put(&[AlertEvent { agent: Some(hostile), ..message(1, 1, Edge::Repeat, 0) }]).await;
    rig.states(1, &["repeat sent"]).await;
    let request = slack.received().remove(0);
    let body = request.json();
    assert!(body["text"].as_str().unwrap().starts_with("&lt;!channel&gt;"), "{body}");
    assert!(!request.body.contains("<!") && body["blocks"].is_array() && body.get("alert").is_none());
    assert_eq!(request.header("webhook-signature"), "");
}

/// A message to people names what else is down at their route, and a message to programs does not.
#[tokio::test]
async fn slack_names_what_else_is_down() {
    let (rig, slack, hook) = (Rig::new().await, Receiver::start([OK, OK]).await, Receiver::start([OK, OK]).await);
    rig.slack(1, slack.url()).await;
    rig.webhook(2, hook.url()).await;
    let _running = rig.start();
    for (number, receiver) in [(1, &slack), (2, &hook)] {
        rig.put(&[message(number, 1, Edge::Repeat, 0)]).await;
        rig.states(number, &["repeat sent"]).await;
        rig.clock.advance_ms(1_000);
        rig.put(&[message(number, 2, Edge::Repeat, 1)]).await;
        eventually("the second one", async || receiver.received().len() == 2).await;
    }
    let [first, second] = &slack.received()[..] else { panic!("two messages") };
    assert!(!first.body.contains("Also down") && second.body.contains("Also down"), "{}", second.body);
    assert!(hook.received().iter().all(|request| !request.body.contains("also_down")));
}

/// AC-63: 404 disables the route; 429 waits.
#[tokio::test]
async fn ac_63_404_disables_and_429_waits() {
    let rig = Rig::new().await;
    let (gone, slow) = (
        Receiver::start([Reply::Status(404, "", "no_service")]).await,
        Receiver::start([Reply::Status(429, "retry-after: 30\r\n", ""), OK]).await,
    );
    rig.slack(1, gone.url()).await;
    rig.slack(2, slow.url()).await;
    let _running = rig.start();
    rig.put(&[notice(1, 80)]).await;
    rig.states(1, &["firing failed"]).await;
    let disabled = || rig.mirror.get(&TEAM.to_string()).unwrap().routes[&route(1)].disabled.is_some();
    eventually("it is disabled", async || disabled()).await;
    // The message to the other route about the first one waits as well.
    eventually("429", async || slow.received().len() == 1).await;
    rig.states(2, &["firing waiting"]).await;
    assert_eq!(rig.to_next_try(2).await, 30);
    rig.states(2, &["firing sent"]).await;
}

/// One message a second.
#[tokio::test]
async fn slack_gets_one_message_a_second() {
    let (rig, slack) = (Rig::new().await, Receiver::start([OK]).await);
    rig.slack(1, slack.url()).await;
    let _running = rig.start();
    rig.put(&(0..3).map(|key| notice(1, key)).collect::<Vec<_>>()).await;
    for count in 1..=3 {
        eventually("one more", async || {
            let sent = rig.all(1).await.iter().filter(|one| !one.progress.tries.is_empty()).count();
            sent == count
        })
        .await;
        assert_eq!(slack.received().len(), count);
        rig.clock.advance_ms(1_000);
    }
}

/// AC-65: trigger and resolve reach PagerDuty with one key, and a mute withholds no resolve.
#[tokio::test]
async fn ac_65_pagerduty_gets_trigger_and_resolve() {
    let (rig, pager) = (Rig::new().await, Receiver::start([Reply::Status(202, "", "")]).await);
    rig.route(1, json!({"kind": "pagerduty", "routing_key": "R0123456789ABCDEF", "url": pager.url()})).await;
    let _running = rig.start();
    rig.put(&[message(1, 1, Edge::Firing, 0), message(1, 2, Edge::Firing, 0)]).await;
    rig.states(1, &["firing sent", "firing sent"]).await;
    rig.set("mute", "", json!({"muted_at_ms": 1, "muted_by": "key", "until_ms": i64::MAX})).await;
    rig.clock.advance_ms(1);
    rig.put(&[message(1, 1, Edge::Resolved, 3)]).await;
    rig.states(1, &["firing sent", "firing sent", "resolved sent"]).await;
    let all: Vec<_> = pager.received().iter().map(|one| one.json()).collect();
    assert_eq!(all[2]["event_action"], "resolve");
    let triggers: Vec<_> = all[..2].iter().filter(|event| event["dedup_key"] == all[2]["dedup_key"]).collect();
    assert_eq!((triggers.len(), &triggers[0]["event_action"]), (1, &json!("trigger")));
    assert!(all.iter().all(|event| event["routing_key"] == "R0123456789ABCDEF"));
}
