//! Processes that find a topic missing, or one with fewer partitions than configured.

use std::time::Duration;

use super::catalogue::Given;
use super::trial::{Pace, Trial};
use crate::wait::eventually;

const SOME: std::ops::Range<u64> = 20..80;
const REFUSES: Duration = Duration::from_secs(120);

/// Restarted with this variable, a front door and a persister each end at start and say this; the others continue, and
/// with their old settings they come back.
pub async fn refused(given: Given, variable: (&str, &str), says: &str) {
    let scene = given.scene();
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet).await;
    for name in ["ingest-0", "persist-0"] {
        trial.acknowledge_some(SOME).await;
        let server = trial.server(name);
        assert!(server.stop().await, "{name} did not stop:\n{}", server.log());
        server.arm(&[variable]);
        let before = server.log().len();
        server.begin();
        eventually(REFUSES, &format!("{name} ends at start"), async || {
            if server.has_ended() { Ok(()) } else { Err("it runs".to_owned()) }
        })
        .await;
        let said = server.log().split_off(before);
        assert!(said.contains(says), "{name} says nothing of '{says}':\n{said}");
        trial.acknowledge_some(SOME).await;
        server.arm(&[]);
        server.kill();
        server.start().await;
        trial.recovers().await;
    }
    trial.ends().await;
}
