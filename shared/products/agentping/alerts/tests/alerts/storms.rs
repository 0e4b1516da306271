//! Many openings of one route and minute are one message.

use serde_json::{Value, json};
use tidegate_agentping_alerts::{AlertEvent, Outstanding};
use tidegate_agentping_pulse::Edge;
use tidegate_ports::Clock;

use crate::rig::{Rig, TEAM, event, event_to, message_id};

fn openings(count: u128) -> Vec<AlertEvent> {
    (1..=count).map(|agent| event(agent, Edge::Firing, 0)).collect()
}

/// AC-68: 50 agents down in one minute are one message, and their recoveries are one each.
#[tokio::test]
async fn ac_68_a_storm_is_one_message() {
    let rig = Rig::new().await;
    for part in openings(50).chunks(7) {
        rig.put(part).await;
    }
    assert_eq!(rig.listed("ops").await, [""; 0], "they wait for each other");
    rig.clock.advance_ms(5_000);
    rig.release().await;
    assert_eq!(rig.listed("ops").await, ["- group waiting"]);
    let group = rig.messages.of_route("ops", None, 10, rig.clock.now()).await.unwrap().remove(0).doc;
    let body: Value = serde_json::from_str(&group.body).unwrap();
    assert_eq!((&body["alert"], &body["agent"]), (&json!("schedule_missed"), &Value::Null));
    assert_eq!((&body["data"]["count"], body["data"]["incidents"].as_array().unwrap().len()), (&json!(50), 50));
    assert!(body.get("incident_id").is_none());
    let [Outstanding::Delivery(one)] = &rig.outgoing().await[..] else { panic!("only the group waits") };
    assert_eq!((one.id, one.incidents.len()), (group.id, 50));
    // Whoever repeats the events changes nothing, and no member is in a list.
    rig.put(&openings(50)).await;
    rig.release().await;
    assert_eq!((rig.listed("ops").await.len(), rig.outgoing().await.len()), (1, 1));
    assert_eq!(rig.messages.one(TEAM, message_id(3, Edge::Firing, 0, "ops")).await.unwrap(), None);
    rig.put(&[event(3, Edge::Resolved, 9)]).await;
    assert_eq!(rig.listed("ops").await[1..], ["agent-3 resolved waiting"]);
}

#[tokio::test]
async fn five_openings_are_five_messages() {
    let rig = Rig::new().await;
    rig.put(&openings(5)).await;
    rig.release().await;
    assert_eq!(rig.listed("ops").await.len(), 5);
    assert!(rig.outgoing().await.iter().all(|outgoing| matches!(outgoing, Outstanding::Delivery(_))));
    assert_eq!(rig.outgoing().await.len(), 5);
}

/// What comes after a group of its minute is sent as well, and a process that ended between two steps of grouping goes on.
#[tokio::test]
async fn nothing_is_lost_after_a_group() {
    let rig = Rig::new().await;
    rig.put(&openings(8)).await;
    rig.release().await;
    rig.put(&[event(9, Edge::Firing, 0)]).await;
    rig.release().await;
    assert_eq!(rig.listed("ops").await, ["- group waiting", "agent-9 firing waiting"]);
    let more: Vec<AlertEvent> = (20..40).map(|agent| event(agent, Edge::Firing, 0)).collect();
    rig.put(&more).await;
    rig.release().await;
    let groups = rig.messages.of_route("ops", None, 10, rig.clock.now()).await.unwrap();
    let members: Vec<usize> = groups.iter().map(|one| one.doc.members.len()).filter(|members| *members > 0).collect();
    assert_eq!(groups.len(), 3);
    assert_eq!(members.iter().sum::<usize>(), 28);
}

/// Each write of a release fails once; the next one ends as if none had.
#[tokio::test]
async fn a_release_goes_on_where_it_was_cut_off() {
    let whole = Rig::new().await;
    whole.put(&openings(12)).await;
    whole.release().await;
    for cut in 0..8 {
        let rig = Rig::new().await;
        rig.put(&openings(12)).await;
        let staged = rig.outgoing().await.into_iter().filter_map(|outgoing| match outgoing {
            Outstanding::Staged(doc) => Some(*doc),
            Outstanding::Delivery(_) => None,
        });
        let staged: Vec<_> = staged.collect();
        let failing = crate::rig::failing(&rig, cut);
        _ = failing.release(staged).await;
        rig.release().await;
        assert_eq!(rig.listed("ops").await, whole.listed("ops").await, "cut at write {cut}");
        assert_eq!(rig.outgoing().await, whole.outgoing().await, "cut at write {cut}");
    }
}

/// Routes do not share a storm, and at PagerDuty each incident is resolved on its own.
#[tokio::test]
async fn a_storm_is_of_one_route() {
    let rig = Rig::new().await;
    rig.route("other", json!({})).await;
    rig.route("pager", json!({"kind": "pagerduty", "routing_key": "R0123456789ABCDEF"})).await;
    let all: Vec<AlertEvent> = ["ops", "other", "pager"]
        .into_iter()
        .flat_map(|route| (1..=4).map(move |agent| event_to(route, agent, Edge::Firing, 0)))
        .chain((5..=9).map(|agent| event_to("pager", agent, Edge::Firing, 0)))
        .collect();
    rig.put(&all).await;
    rig.release().await;
    let counts = [rig.listed("ops").await.len(), rig.listed("other").await.len(), rig.listed("pager").await.len()];
    assert_eq!(counts, [4, 4, 9]);
}
