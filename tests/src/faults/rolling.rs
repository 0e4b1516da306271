//! A new version is rolled out: every instance of every role is stopped and started, one after another, under load,
//! by clients that take a request without an answer to another front door.

use super::catalogue::Given;
use super::trial::{Pace, Trial};
use crate::durability::load::Habits;

const SOME: std::ops::Range<u64> = 20..80;

pub async fn restarts(given: Given) {
    let scene = given.scene();
    let pace = Pace { habits: Habits { follows: true, ..Pace::BUSY.habits }, ..Pace::BUSY };
    let mut trial = Trial::begin(scene.deployment(), pace, given.random, given.sheet.clone()).await;
    for server in scene.target.servers().all().iter().filter(|server| !server.is_spare()) {
        trial.acknowledge_some(SOME).await;
        assert!(server.stop().await, "{} did not end with exit code 0:\n{}", server.name(), server.log());
        server.start().await;
        trial.recovers().await;
    }
    trial.ends().await;
    let row = given.sheet.open();
    assert_eq!(row.no_answer, 0, "a client found no front door that answers");
    assert!(row.times >= 5, "{} instances are not every one", row.times);
}
