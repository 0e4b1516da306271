//! Processes that die, stop, stand still, and come and go.

use std::time::Duration;

use super::catalogue::Given;
use super::trial::{Pace, Trial};
use crate::durability::{Phase, Random};

const TIMES: u64 = 4;
const SOME: std::ops::Range<u64> = 20..120;
/// Longer than a persister's session, so that others own what it still thinks is its own.
const STANDS_STILL: Duration = Duration::from_secs(30);
const JOINS: u64 = 10;
const BETWEEN_JOINS: Duration = Duration::from_secs(1);

/// `kill -9` of the one process there is.
pub async fn kill_alone(given: Given) {
    let mut trial = begin(given, Pace::BUSY).await;
    let server = trial.server("server");
    for _ in 0..TIMES {
        trial.acknowledge_some(SOME).await;
        server.kill();
        trial.tell(Phase::Hold);
        server.start().await;
        trial.tell(Phase::Send);
        trial.recovers().await;
    }
    trial.ends().await;
}

/// SIGTERM to the one process there is: it ends by itself, with exit code 0.
pub async fn stop_alone(given: Given) {
    let mut trial = begin(given, Pace::BUSY).await;
    let server = trial.server("server");
    for _ in 0..TIMES {
        trial.acknowledge_some(SOME).await;
        assert!(server.stop().await, "it did not end with exit code 0:\n{}", server.log());
        server.start().await;
        trial.recovers().await;
    }
    trial.ends().await;
}

fn pick<'n>(names: &[&'n str], random: &mut Random) -> &'n str {
    names[usize::try_from(random.within(0..names.len() as u64)).expect("it is small")]
}

/// `kill -9` of one of these; the others continue without it.
pub async fn kill(given: Given, names: &[&str]) {
    let mut trial = begin(given, Pace::BUSY).await;
    for _ in 0..TIMES {
        trial.acknowledge_some(SOME).await;
        let name = pick(names, &mut trial.random);
        let victim = trial.server(name);
        victim.kill();
        trial.acknowledge_some(SOME).await;
        victim.start().await;
        trial.recovers().await;
    }
    trial.ends().await;
}

/// SIGTERM to one of these: it ends by itself, with exit code 0.
pub async fn stop(given: Given, names: &[&str]) {
    let mut trial = begin(given, Pace::BUSY).await;
    for _ in 0..TIMES {
        trial.acknowledge_some(SOME).await;
        let name = pick(names, &mut trial.random);
        let victim = trial.server(name);
        assert!(victim.stop().await, "{} did not end with exit code 0:\n{}", victim.name(), victim.log());
        trial.acknowledge_some(SOME).await;
        victim.start().await;
        trial.recovers().await;
    }
    trial.ends().await;
}

/// `kill -9` of all at once.
pub async fn kill_all(given: Given) {
    let mut trial = begin(given, Pace::BUSY).await;
    for _ in 0..2 {
        trial.acknowledge_some(SOME).await;
        trial.deployment.kill().await;
        trial.tell(Phase::Hold);
        trial.deployment.start().await;
        trial.tell(Phase::Send);
        trial.recovers().await;
    }
    trial.ends().await;
}

/// A persister stands still until others own its partitions, and continues as if nothing had been.
pub async fn zombie(given: Given) {
    let mut trial = begin(given, Pace::STEADY).await;
    for name in ["persist-0", "persist-1"] {
        trial.acknowledge_some(SOME).await;
        let zombie = trial.server(name);
        zombie.hold();
        trial.lasts(STANDS_STILL).await;
        zombie.go_on();
        trial.recovers().await;
    }
    trial.ends().await;
}

/// A persister joins and leaves every second, in turn in order and by `kill -9`.
pub async fn rebalance_storm(given: Given) {
    let mut trial = begin(given, Pace::STEADY).await;
    let spare = trial.server("persist-2");
    for join in 0..JOINS {
        spare.begin();
        trial.lasts(BETWEEN_JOINS).await;
        if join % 2 == 0 {
            spare.kill();
        } else {
            // A group that is being changed may not let it go in time; that it loses nothing is what counts here.
            let _ = spare.stop().await;
        }
        trial.lasts(BETWEEN_JOINS).await;
        trial.sheet.open().times += 1;
    }
    trial.recovers().await;
    trial.ends().await;
}

async fn begin(given: Given, pace: Pace) -> Trial {
    Trial::begin(given.deployment().await, pace, given.random, given.sheet).await
}
