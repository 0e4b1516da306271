//! Mutes, seen by receivers.

use serde_json::json;
use tidegate_agentping_pulse::Edge;
use tidegate_ports::Clock;

use crate::receiver::{OK, Receiver};
use crate::rig::{Rig, message, notice};

/// AC-66: nothing is sent while muted; at the end one message for what is still open, and none for what is not.
#[tokio::test]
async fn ac_66_one_message_at_the_end_of_a_mute() {
    let (rig, receiver, other) = (Rig::new().await, Receiver::start([OK]).await, Receiver::start([OK]).await);
    rig.webhook(1, receiver.url()).await;
    rig.webhook(2, other.url()).await;
    let _running = rig.start();
    let until = rig.clock.now().plus_millis(600_000).as_millis();
    rig.set(
        "mute",
        &format!("route/{}", crate::rig::route(1)),
        json!({"muted_at_ms": 1, "muted_by": "k", "until_ms": until}),
    )
    .await;
    let open = |edge, minute| message(1, 1, edge, minute);
    rig.put(&[
        open(Edge::Firing, 0),
        open(Edge::Repeat, 1),
        message(1, 2, Edge::Firing, 0),
        message(1, 2, Edge::Resolved, 1),
    ])
    .await;
    rig.put(&[notice(2, 80)]).await;
    rig.states(2, &["firing sent"]).await;
    assert!(receiver.received().is_empty());
    rig.clock.advance_ms(600_000);
    rig.put(&[notice(1, 80)]).await;
    let muted = ["firing muted", "repeat muted", "firing muted", "resolved muted"];
    crate::rig::eventually("the end of the mute", async || receiver.received().len() == 2).await;
    let all = rig.all(1).await;
    assert_eq!(all.iter().filter(|one| one.progress.state.as_str() == "muted").count(), muted.len());
    let unmuted = all.iter().find(|one| one.doc.edge.as_str() == "unmuted").unwrap();
    assert_eq!(unmuted.doc.agent.as_ref().unwrap().as_str(), "agent-1");
    let sent = receiver.received().into_iter().find(|one| one.json()["alert"] == "schedule_missed").unwrap().json();
    assert_eq!((&sent["agent"], &sent["status"]), (&json!("agent-1"), &json!("firing")));
    rig.put(&[open(Edge::Resolved, 20)]).await;
    crate::rig::eventually("its recovery", async || receiver.received().len() == 3).await;
}
