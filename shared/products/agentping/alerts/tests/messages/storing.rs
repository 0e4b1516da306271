//! Each message is stored once, and all add up.

use serde_json::json;
use tidegate_agentping_alerts::{Addressees, AlertEvent, DeliveryTotals, Outstanding};
use tidegate_agentping_pulse::Edge;
use tidegate_ports::Clock;

use crate::rig::{Rig, TEAM, at, event, message_id, quota};

/// AC-35: a repeat, also a later one, changes nothing.
#[tokio::test]
async fn ac_35_a_repeat_changes_nothing() {
    let rig = Rig::new().await;
    let events = [event(1, Edge::Firing, 0), event(1, Edge::Repeat, 60), quota(80)];
    rig.put(&events).await;
    rig.clock.advance_ms(6_000);
    rig.release().await;
    let once = rig.messages.of_route("ops", None, 100, rig.clock.now()).await.unwrap();
    assert_eq!(rig.listed("ops").await, ["agent-1 repeat waiting", "- firing waiting", "agent-1 firing waiting"]);
    rig.clock.advance_ms(60_000);
    rig.put(&events).await;
    rig.put(&[events[0].clone(), events[0].clone()]).await;
    rig.release().await;
    assert_eq!(rig.messages.of_route("ops", None, 100, rig.clock.now()).await.unwrap(), once);
    assert!(once.iter().any(|one| one.doc.id == message_id(1, Edge::Firing, 0, "ops")));
    assert_eq!(rig.outgoing().await.len(), 3, "each waits once");
}

/// AC-70: whoever repeats an event after a crash between two writes writes what is missing.
#[tokio::test]
async fn ac_70_a_message_without_its_rows_gets_them() {
    let rig = Rig::new().await;
    rig.put(&[quota(80)]).await;
    let [Outstanding::Delivery(one)] = &rig.outgoing().await[..] else { panic!("one waits") };
    // As if the process had ended right after the message itself.
    let other = Rig::new().await;
    let doc = rig.messages.one(TEAM, one.id).await.unwrap().unwrap().doc;
    let key = tidegate_agentping_alerts::rows::delivery_key(one.id);
    let write = tidegate_ports::RowWrite { key, rank: 0, doc: Some(serde_json::to_vec(&doc).unwrap()) };
    tidegate_ports::Rows::insert(&other.rows, std::sync::Arc::new(vec![write]), other.clock.now()).await.unwrap();
    other.clock.advance_ms(30_000);
    other.put(&[quota(80)]).await;
    assert_eq!(other.outgoing().await, [Outstanding::Delivery(one.clone())], "with the time of the first");
    assert_eq!(other.listed("ops").await, ["- firing waiting"]);
}

/// AC-70: a message whose rows were missing for long is found among what was stored just now.
#[tokio::test]
async fn ac_70_an_old_message_without_its_rows_is_found_soon() {
    let rig = Rig::new().await;
    rig.put(&[quota(80)]).await;
    let old = rig.outgoing().await;
    rig.clock.advance_ms(3_600_000);
    rig.put(&[quota(80)]).await;
    let found = rig.outgoing().await;
    let [first, Outstanding::Delivery(again)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((std::slice::from_ref(first), again.asked_at), (&old[..], Some(rig.clock.now())));
    assert_eq!(rig.listed("ops").await, ["- firing waiting"]);
}

/// AC-53: a team's routes, an agent's own in their place, or besides them.
#[tokio::test]
async fn ac_53_routes_are_inherited_replaced_and_added() {
    let rig = Rig::new().await;
    rig.route("other", json!({})).await;
    let about_agent = |number: u32| AlertEvent {
        agent: event(1, Edge::Firing, 0).agent,
        to: Addressees::Subscribed { key: number.to_string() },
        ..quota(80)
    };
    let mut expected = (0, 0);
    for (number, routes, [ops, other]) in [
        (1, json!("inherit"), [1, 0]),
        (2, json!({"only": ["other"]}), [0, 1]),
        (3, json!({"only": []}), [0, 0]),
        (4, json!({"add": ["other", "unknown"]}), [1, 1]),
        (5, json!("inherit"), [1, 0]),
    ] {
        rig.set("agent", "agent-1", json!({"routes": routes})).await;
        rig.put(&[about_agent(number)]).await;
        expected = (expected.0 + ops, expected.1 + other);
        let found = (rig.listed("ops").await.len(), rig.listed("other").await.len());
        assert_eq!(found, expected, "{routes}");
    }
}

/// A recovery is made for who got the alert, also if the agent's messages go elsewhere by now; not if it gets none at
/// all.
#[tokio::test]
async fn a_recovery_is_made_for_a_route_that_serves() {
    for (members, expected) in [(json!({}), 2), (json!({"enabled": false}), 1)] {
        let rig = Rig::new().await;
        rig.put(&[event(1, Edge::Firing, 0)]).await;
        rig.release().await;
        rig.set("team", "", json!({"routes": []})).await;
        rig.route("ops", members).await;
        rig.put(&[event(1, Edge::Resolved, 5)]).await;
        assert_eq!(rig.listed("ops").await.len(), expected);
    }
}

#[tokio::test]
async fn a_route_gets_what_it_wants_while_it_serves() {
    let rig = Rig::new().await;
    for (name, members) in [
        ("kinds", json!({"alerts": ["run_failed"]})),
        ("grave", json!({"min_severity": "critical"})),
        ("off", json!({"enabled": false})),
        ("gone", json!({"disabled": {"at_ms": 1, "reason": "410"}})),
        ("mail", json!({"kind": "email", "to": "a@example.com", "token": "t"})),
    ] {
        rig.route(name, members).await;
    }
    rig.set("team", "", json!({"routes": ["kinds", "grave", "off", "gone", "mail", "ops"]})).await;
    rig.put(&[quota(80), quota(150)]).await;
    let mut counts = Vec::new();
    for name in ["kinds", "grave", "off", "gone", "mail", "ops"] {
        counts.push((name, rig.listed(name).await.len()));
    }
    assert_eq!(counts, [("kinds", 0), ("grave", 1), ("off", 0), ("gone", 0), ("mail", 0), ("ops", 2)]);
}

/// AC-71: what was made is what waits and what is muted, before anything is sent.
#[tokio::test]
async fn ac_71_messages_add_up() {
    let rig = Rig::new().await;
    rig.put(&[quota(80), quota(100)]).await;
    rig.mute("", 60).await;
    rig.put(&[quota(150), event(1, Edge::Firing, 0)]).await;
    let totals = rig.messages.totals("ops", rig.clock.now()).await.unwrap();
    assert_eq!(totals, DeliveryTotals { made: 4, muted: 2, waiting: 2, ..DeliveryTotals::default() });
    assert_eq!(rig.messages.totals("other", rig.clock.now()).await.unwrap(), DeliveryTotals::default());
}

#[tokio::test]
async fn a_list_goes_on_over_days_and_another_team_sees_nothing() {
    let rig = Rig::new().await;
    for day in 0..5 {
        rig.clock.set(at(day * 1_440));
        rig.put(&[quota(80 + day as u32), quota(180 + day as u32)]).await;
    }
    let now = rig.clock.now();
    let all = rig.messages.of_route("ops", None, 100, now).await.unwrap();
    assert_eq!(all.len(), 10);
    assert!(all.is_sorted_by_key(|one| std::cmp::Reverse(one.doc.made_at)));
    let mut paged = Vec::new();
    loop {
        let after = paged.last().map(|one: &tidegate_agentping_alerts::Delivered| (one.doc.made_at, one.doc.id));
        let page = rig.messages.of_route("ops", after, 3, now).await.unwrap();
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, all);
    let other = tidegate_agentping::TeamId::from_bits(tidegate_kernel::Region::Eu, 8);
    assert_eq!(rig.messages.one(other, all[0].doc.id).await.unwrap(), None);
    assert_eq!(rig.messages.one(TEAM, all[0].doc.id).await.unwrap().as_ref(), Some(&all[0]));
}
