//! A process that is killed between the decision and the sending.

use serde_json::json;
use tidegate_tests::receiver::{Receiver, Reply};
use tidegate_tests::target::reaching_receivers;

use crate::World;
use crate::suite::{Client, Limited};

/// What was decided is sent by whoever is there next, with the same id.
#[tokio::test]
async fn a_delivery_outlives_its_sender() {
    let receiver = Receiver::start().await;
    receiver.reply("/killed", [Reply::Hang]);
    let world = World::own(reaching_receivers()).await;
    let org = world.organization(Limited::default()).await;
    let (_, key) = world.key(&org, &["*"]).await;
    let client = Client::new(world.url(), &key);
    let hook = json!({ "url": receiver.url("/killed"), "events": ["run.created"] });
    client.post("/v1/webhooks", &hook).await.expect(201);
    client.run().await;
    let first = receiver.wait_for("/killed", 1).await.remove(0);
    world.kill_and_start().await;
    let all = receiver.wait_for("/killed", 2).await;
    assert_eq!((all[1].id(), &all[1].body), (first.id(), &first.body));
    // A stop does not wait for a receiver that hangs.
    receiver.always("/killed", Reply::Hang);
    client.run().await;
    receiver.wait_for("/killed", 3).await;
    assert!(world.stopped().await, "it ends well");
    world.started().await;
    receiver.wait_for("/killed", 4).await;
}
