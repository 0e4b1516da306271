//! What people ask for: tests, and messages once more.

use serde_json::json;
use tidegate_agentping_alerts::DeliveryState;
use tidegate_agentping_settings::RouteId;
use tidegate_kernel::Region;
use tidegate_ports::RandomIds;

use crate::receiver::{OK, Receiver, Reply};
use crate::rig::{Rig, TEAM, eventually, notice};

const ROUTE: RouteId = RouteId::from_bits(Region::Eu, 1);

/// A test is one try, also of a route that is off or muted, and its failure is no health of the route.
#[tokio::test]
async fn a_test_is_tried_once() {
    let (rig, receiver) = (Rig::new().await, Receiver::start([Reply::Status(500, "", "no"), OK]).await);
    rig.webhook(1, receiver.url()).await;
    rig.set("mute", "", json!({"muted_at_ms": 1, "muted_by": "key", "until_ms": i64::MAX})).await;
    let _running = rig.start();
    for (enabled, state) in [(true, DeliveryState::Failed), (false, DeliveryState::Sent)] {
        rig.route(
            1,
            json!({"kind": "webhook", "url": receiver.url(), "secret": crate::rig::SECRET, "enabled": enabled}),
        )
        .await;
        let id = rig.outbox.test(TEAM, ROUTE, &RandomIds).await.unwrap();
        eventually("its end", async || rig.messages.one(TEAM, id).await.unwrap().unwrap().progress.state == state)
            .await;
        let one = rig.messages.one(TEAM, id).await.unwrap().unwrap();
        assert_eq!((one.progress.tries.len(), one.progress.next_try_at), (1, None));
    }
    assert!(receiver.received()[0].body.starts_with(r#"{"alert":"test","agent":"test","type":"test""#));
    let health = rig.messages.health(TEAM, &crate::rig::route(1)).await.unwrap();
    assert_eq!(health.failing_since, None);
}

/// A message that was given up, sent or muted is sent again under its id, and its table begins anew.
#[tokio::test]
async fn a_message_is_sent_again_under_its_id() {
    let (rig, receiver) = (Rig::new().await, Receiver::start([OK]).await);
    rig.webhook(1, receiver.url()).await;
    let _running = rig.start();
    rig.put(&[notice(1, 80)]).await;
    rig.states(1, &["firing sent"]).await;
    let id = rig.all(1).await[0].doc.id;
    rig.clock.advance_ms(10 * 3_600_000);
    receiver.answer(Reply::Status(500, "", ""));
    let again = rig.outbox.resend(TEAM, id).await.unwrap().unwrap();
    assert_eq!((again.doc.id, again.progress.state), (id, DeliveryState::Waiting));
    rig.tries(1, 2).await;
    let pause = rig.to_next_try(1).await;
    assert!((3..=7).contains(&pause), "the first pause: {pause} s");
    receiver.answer(OK);
    rig.states(1, &["firing sent"]).await;
    let received = receiver.received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|one| one.header("webhook-id") == id.to_string()));
    let other = tidegate_agentping::TeamId::from_bits(Region::Eu, 8);
    assert!(rig.outbox.resend(other, id).await.unwrap().is_none());
    // One that was muted is sent if someone asks for it.
    rig.set("mute", "", json!({"muted_at_ms": 1, "muted_by": "key", "until_ms": i64::MAX})).await;
    rig.put(&[notice(1, 100)]).await;
    rig.states(1, &["firing sent", "firing muted"]).await;
    rig.outbox.resend(TEAM, rig.all(1).await[1].doc.id).await.unwrap();
    rig.states(1, &["firing sent", "firing sent"]).await;
}
