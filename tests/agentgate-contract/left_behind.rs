//! What an operator commanded while the process that owned the data folder took nothing up.

use serde_json::json;
use tidegate_tests::process::Extra;

use crate::World;
use crate::suite::Limited;

/// Our choice: it is decided before what is commanded next, and not after it at some later start.
#[tokio::test]
async fn what_is_left_in_the_inbox_comes_before_what_is_commanded_next() {
    let world = World::own(Extra::default()).await;
    let org = world.organization(Limited::default()).await;
    let server = world.target().servers().named("server");
    server.hold();
    let (done, _, err) = world.target().try_manage(&["agentgate", "orgs", "suspend", &org]).await;
    assert!(!done && err.contains("was not decided within"), "{err}");
    server.kill();
    let resumed = world.operate(&["orgs", "resume", &org]).await;
    assert_eq!(resumed["status"], "active");
    server.start().await;
    // Whatever still waited would come before this.
    let changed = world.operate(&["orgs", "set", &org, "--concurrency", "3"]).await;
    assert_eq!((&changed["status"], &changed["concurrency"]), (&json!("active"), &json!(3)));
}
