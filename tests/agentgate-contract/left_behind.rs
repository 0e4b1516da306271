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

/// Our choice: a credit that was not decided in time is given again with the key that was printed, and added once.
#[tokio::test]
async fn a_credit_that_is_given_again_with_its_key_is_added_once() {
    let world = World::own(Extra::default()).await;
    let org = world.organization(Limited::default()).await;
    let before = world.operate(&["orgs", "show", &org]).await["purchasedCents"].as_u64().unwrap();
    let server = world.target().servers().named("server");
    server.hold();
    let (done, _, err) = world.target().try_manage(&["agentgate", "orgs", "credit", &org, "--cents", "700"]).await;
    assert!(!done && err.contains("was not decided within"), "{err}");
    let line =
        err.split_once(&format!("`tidegate agentgate orgs credit {org} --cents 700 --idempotency-key ")).unwrap().1;
    let key = line.split([' ', '`']).next().unwrap();
    let again = ["orgs", "credit", &org, "--cents", "700", "--idempotency-key", key];
    server.kill();
    // It waited in the inbox, and is decided before the one that repeats it.
    assert_eq!(world.operate(&again).await["purchasedCents"], before + 700);
    server.start().await;
    assert_eq!(world.operate(&again).await["purchasedCents"], before + 700);
    let (done, _, err) = world
        .target()
        .try_manage(&["agentgate", "orgs", "credit", &org, "--cents", "701", "--idempotency-key", key])
        .await;
    assert!(!done && err.contains("names another command"), "{err}");
}
