//! Mutes and maintenance windows.

use serde_json::json;
use tidegate_agentping_alerts::quiet::is_maintained;
use tidegate_agentping_pulse::Edge;
use tidegate_agentping_settings::TeamSettings;
use tidegate_kernel::Timestamp;
use tidegate_ports::Clock;

use crate::rig::{Rig, event, event_to};

/// AC-66: nothing is sent while it is muted, by agent, route or team; at the end there is one message if it is still open.
#[tokio::test]
async fn ac_66_a_mute_withholds_and_says_once_what_is_still_open() {
    for name in ["agent/agent-1", "route/ops", ""] {
        let rig = Rig::new().await;
        rig.mute(name, 600).await;
        rig.put(&[event(1, Edge::Firing, 0), event(1, Edge::Repeat, 5)]).await;
        assert_eq!(rig.listed("ops").await, ["agent-1 firing muted", "agent-1 repeat muted"], "{name}");
        assert!(rig.outgoing().await.is_empty());
        rig.clock.advance_ms(599_999);
        rig.unmute().await;
        assert_eq!((rig.listed("ops").await.len(), rig.withheld().await.len()), (2, 1));
        rig.clock.advance_ms(1);
        rig.unmute().await;
        rig.unmute().await;
        assert_eq!(rig.listed("ops").await[2..], ["agent-1 unmuted waiting"], "{name}");
        assert_eq!((rig.outgoing().await.len(), rig.withheld().await.len()), (1, 0));
        // A repeat of what was muted brings no second one.
        rig.put(&[event(1, Edge::Firing, 0)]).await;
        rig.unmute().await;
        assert_eq!(rig.listed("ops").await.len(), 3, "{name}");
        // What follows is sent, its recovery as well.
        rig.put(&[event(1, Edge::Resolved, 20)]).await;
        assert_eq!(rig.listed("ops").await[3..], ["agent-1 resolved waiting"]);
    }
}

#[tokio::test]
async fn what_was_resolved_while_it_was_muted_is_never_sent() {
    let rig = Rig::new().await;
    rig.mute("", 600).await;
    rig.put(&[event(1, Edge::Firing, 0)]).await;
    rig.put(&[event(1, Edge::Resolved, 5)]).await;
    assert_eq!(rig.listed("ops").await, ["agent-1 firing muted", "agent-1 resolved muted"]);
    rig.clock.advance_ms(600_000);
    rig.unmute().await;
    assert_eq!((rig.listed("ops").await.len(), rig.outgoing().await.len(), rig.withheld().await.len()), (2, 0, 0));
}

/// Of an incident that is flapping nothing more is sent, its end neither: after a mute it is not said to be open.
#[tokio::test]
async fn a_flapping_incident_is_not_open_for_its_route() {
    let rig = Rig::new().await;
    rig.mute("", 600).await;
    rig.put(&[event(1, Edge::Flapping, 0)]).await;
    rig.clock.advance_ms(600_000);
    rig.unmute().await;
    assert_eq!(rig.listed("ops").await, ["agent-1 flapping muted"]);
    assert!(rig.withheld().await.is_empty());
}

/// A mute holds the recovery of what was sent before to its end; at PagerDuty it is not withheld.
#[tokio::test]
async fn a_recovery_waits_for_the_end_of_a_mute() {
    let rig = Rig::new().await;
    rig.route("pager", json!({"kind": "pagerduty", "routing_key": "R0123456789ABCDEF"})).await;
    rig.put(&[event(1, Edge::Firing, 0), event_to("pager", 1, Edge::Firing, 0)]).await;
    rig.release().await;
    rig.mute("agent/agent-1", 600).await;
    rig.put(&[event(1, Edge::Resolved, 5), event_to("pager", 1, Edge::Resolved, 5)]).await;
    assert_eq!(rig.listed("ops").await[1..], ["agent-1 resolved waiting"]);
    assert_eq!((rig.outgoing().await.len(), rig.withheld().await.len()), (3, 1), "two alerts and one recovery");
    // The mute is ended early.
    rig.set("mute", "agent/agent-1", json!(null)).await;
    rig.unmute().await;
    assert_eq!((rig.outgoing().await.len(), rig.withheld().await.len()), (4, 0));
    assert_eq!(rig.listed("ops").await.len(), 2);
}

/// A mute of another agent or route is none.
#[tokio::test]
async fn a_mute_is_of_its_own() {
    let rig = Rig::new().await;
    rig.mute("agent/agent-2", 600).await;
    rig.mute("route/other", 600).await;
    rig.put(&[event(1, Edge::Firing, 0), event(2, Edge::Firing, 0)]).await;
    rig.clock.advance_ms(5_000);
    rig.release().await;
    assert_eq!(rig.listed("ops").await, ["agent-2 firing muted", "agent-1 firing waiting"]);
}

#[test]
fn a_maintenance_window_recurs() {
    let window = json!({"cron": "0 2 * * 0", "duration_s": 3_600, "timezone": "Europe/Berlin"});
    let team = serde_json::from_value(json!({"maintenance": [window]})).unwrap();
    let settings = TeamSettings { team, ..TeamSettings::default() };
    let during = |text: &str| is_maintained(&settings, None, Timestamp::parse(text).unwrap());
    // A Sunday in winter: 02:00 in Berlin is 01:00 UTC.
    let times =
        ["2026-01-11T00:59:59.999Z", "2026-01-11T01:00:00Z", "2026-01-11T01:59:59.999Z", "2026-01-11T02:00:00Z"];
    assert_eq!(times.map(during), [false, true, true, false]);
    assert!(!during("2026-01-12T01:30:00Z"));
    assert!(during("2026-07-12T00:30:00Z"), "in summer it is an hour earlier");
}

/// AC-77: a mute goes on over a rename. What it held back is said with the name of then, and what was sent keeps its text; the
/// route of the new name gets what follows, with the same incident.
#[tokio::test]
async fn ac_77_messages_say_the_name_of_when_they_are_made() {
    let rig = Rig::new().await;
    rig.mute("agent/agent-1", 600).await;
    rig.put(&[event(1, Edge::Firing, 0)]).await;
    let rename = json!({"renames": [{"from": "agent-1", "to": "nightly", "at_ms": 1}]});
    rig.set("names", "", rename).await;
    rig.set("mute", "agent/agent-1", serde_json::Value::Null).await;
    rig.mute("agent/nightly", 600).await;
    rig.unmute().await;
    assert_eq!((rig.listed("ops").await.len(), rig.withheld().await.len()), (1, 1), "it is still muted");
    rig.clock.advance_ms(600_000);
    rig.unmute().await;
    rig.put(&[event(1, Edge::Resolved, 20)]).await;
    let mut all = rig.messages.of_route("ops", None, 10, rig.clock.now()).await.unwrap();
    all.reverse();
    let bodies: Vec<serde_json::Value> = all.iter().map(|one| serde_json::from_str(&one.doc.body).unwrap()).collect();
    let agents: Vec<&str> = bodies.iter().map(|body| body["agent"].as_str().unwrap()).collect();
    assert_eq!(agents, ["agent-1", "nightly", "nightly"]);
    assert!(bodies[1]["url"].as_str().unwrap().ends_with("/agents/nightly"), "{}", bodies[1]);
    assert!(bodies.iter().all(|body| body["incident_id"] == bodies[0]["incident_id"]));
}
