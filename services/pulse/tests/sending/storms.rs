//! Storms, seen by receivers.

use tidegate_agentping_pulse::Edge;

use crate::receiver::{OK, Receiver, Reply};
use crate::rig::{Rig, eventually, message};

/// AC-68: 50 agents down in one minute are one request, five seconds after the first; recoveries follow it.
#[tokio::test]
async fn ac_68_fifty_agents_down_are_one_message() {
    let (rig, receiver) = (Rig::new().await, Receiver::start([Reply::Status(500, "", ""), OK]).await);
    rig.webhook(1, receiver.url()).await;
    let _running = rig.start();
    for agent in 1..=50 {
        rig.put(&[message(1, agent, Edge::Firing, 0)]).await;
    }
    rig.put(&[message(1, 7, Edge::Resolved, 2)]).await;
    rig.clock.advance_ms(5_000);
    rig.tried(1, 1).await;
    let body = receiver.received().remove(0).json();
    assert_eq!((body["type"].as_str(), body["data"]["count"].as_u64()), (Some("incidents.grouped"), Some(50)));
    rig.clock.advance_ms(10_000);
    eventually("its recovery", async || receiver.received().len() == 3).await;
    let edges: Vec<String> = receiver.received().iter().map(|one| one.json()["type"].to_string()).collect();
    assert_eq!(edges, ["\"incidents.grouped\"", "\"incidents.grouped\"", "\"schedule.recovered\""]);
}

/// A single opening waits for others, and is then itself.
#[tokio::test]
async fn a_single_opening_is_itself() {
    let (rig, receiver) = (Rig::new().await, Receiver::start([OK]).await);
    rig.webhook(1, receiver.url()).await;
    let _running = rig.start();
    rig.put(&[message(1, 1, Edge::Firing, 0)]).await;
    rig.clock.advance_ms(5_000);
    rig.states(1, &["firing sent"]).await;
    assert_eq!(receiver.received()[0].json()["agent"], "agent-1");
}
