//! A sender that is cut off, and the one after it.

use tidegate_agentping_pulse::Edge;

use crate::receiver::{OK, Receiver, Reply};
use crate::rig::{Rig, eventually, message, notice};

/// AC-70: what was being sent when the process ended is sent by the next one, with the same id.
#[tokio::test]
async fn ac_70_the_next_sender_sends_the_same() {
    let (rig, receiver) = (Rig::new().await, Receiver::start([Reply::Hang, OK]).await);
    rig.webhook(1, receiver.url()).await;
    let running = rig.start();
    rig.put(&[notice(1, 80)]).await;
    eventually("a try", async || receiver.received().len() == 1).await;
    drop(running);
    let _running = rig.start();
    rig.states(1, &["firing sent"]).await;
    let received = receiver.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    assert_eq!(received[0].body, received[1].body);
}

/// AC-70: what was stored while no sender ran, long before, is found: also what waited for others.
#[tokio::test]
async fn ac_70_what_was_stored_before_is_found() {
    let (rig, receiver) = (Rig::new().await, Receiver::start([OK]).await);
    rig.webhook(1, receiver.url()).await;
    rig.put(&[notice(1, 80), message(1, 1, Edge::Firing, 0)]).await;
    rig.clock.advance_ms(30 * 3_600_000);
    rig.put(&[message(1, 1, Edge::Resolved, 60)]).await;
    let _running = rig.start();
    eventually("all three", async || receiver.received().len() == 3).await;
    rig.states(1, &["firing sent", "firing sent", "resolved sent"]).await;
}

/// What was sent is not sent again by a later sender.
#[tokio::test]
async fn what_was_sent_is_not_sent_again() {
    let (rig, receiver) = (Rig::new().await, Receiver::start([OK]).await);
    rig.webhook(1, receiver.url()).await;
    let running = rig.start();
    rig.put(&[notice(1, 1), notice(1, 2)]).await;
    rig.states(1, &["firing sent", "firing sent"]).await;
    drop(running);
    let _running = rig.start();
    rig.put(&[notice(1, 1), notice(1, 3)]).await;
    rig.states(1, &["firing sent", "firing sent", "firing sent"]).await;
    assert_eq!(receiver.received().len(), 3);
}
