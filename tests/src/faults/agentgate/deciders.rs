//! Deciders that die or are suspended between two writes, or stand still.

use std::time::Duration;

use super::trial::{BUSY, GateTrial, STEADY};
use crate::faults::catalogue::Given;
use crate::servers::Server;
use crate::wait::eventually;

const DECIDERS: [&str; 2] = ["decide-0", "decide-1"];
const SOME: std::ops::Range<u64> = 10..60;
/// How often a point is passed before it counts.
const PASSES: std::ops::Range<u64> = 0..20;
/// How long a decider may take to get to its point.
const GETS_THERE: Duration = Duration::from_secs(120);
/// Much longer than the group's session, so that others own what it still thinks is its own.
const STANDS_STILL: Duration = Duration::from_secs(40);

/// Both deciders die, each at a step of its writes; the next ones decide the same. Each of the four steps once.
pub async fn die(given: Given) {
    let mut trial = GateTrial::begin(&given, BUSY).await;
    for points in [["decider::after_views", "decider::after_facts"], ["decider::after_effects", "decider::after_books"]]
    {
        trial.accepts_some(SOME).await;
        let mut victims = Vec::new();
        for (name, point) in DECIDERS.into_iter().zip(points) {
            victims.push(trial.arm(name, point, "return", PASSES).await);
        }
        // The one that is left has all partitions, and comes to its point, too.
        for victim in &victims {
            trial.dies(victim).await;
        }
        for victim in &victims {
            victim.kill();
            victim.start().await;
        }
        trial.recovers().await;
    }
    trial.ends().await;
}

/// A decider is suspended after this step of its writes until the other one has decided everything, and goes on with the
/// next step.
pub async fn is_suspended(given: Given, point: &str) {
    let mut trial = GateTrial::begin(&given, STEADY).await;
    trial.accepts_some(SOME).await;
    let victim = suspended(&mut trial, point).await;
    // It had a partition with an organization, which the other one serves now.
    trial.load.is_served().await;
    trial.accepts_some(SOME).await;
    victim.go_on();
    trial.recovers().await;
    trial.ends().await;
}

/// One of the deciders, suspended after this step. One that has no organization's partition never gets there: then it is
/// the other one's turn.
async fn suspended(trial: &mut GateTrial, point: &str) -> Server {
    const ENOUGH: u64 = 300;
    for name in DECIDERS.into_iter().cycle().take(8) {
        let victim = trial.arm(name, point, "return(suspend)", 0..5).await;
        let until = trial.load.accepted() + ENOUGH;
        let what = format!("{name} is suspended, or others are served");
        let is_there = eventually(GETS_THERE, &what, async || {
            trial.load.still_going();
            match (victim.is_suspended(), trial.load.accepted()) {
                (false, accepted) if accepted < until => Err(format!("{accepted} of {until}")),
                (is_suspended, _) => Ok(is_suspended),
            }
        })
        .await;
        if is_there {
            return victim;
        }
        assert!(victim.stop().await, "{name} did not stop:\n{}", victim.log());
        victim.start().await;
    }
    panic!("no decider gets to {point}");
}

/// A decider stands still for much longer than its session, at whatever it does, and goes on as if nothing had been.
pub async fn stand_still(given: Given) {
    let mut trial = GateTrial::begin(&given, BUSY).await;
    for name in DECIDERS {
        trial.accepts_some(SOME).await;
        let zombie = trial.server(name);
        zombie.hold();
        trial.lasts(STANDS_STILL).await;
        trial.load.is_served().await;
        zombie.go_on();
        trial.recovers().await;
    }
    trial.ends().await;
}

/// The one process that holds everything dies at each step of the decider's writes.
pub async fn die_alone(given: Given) {
    const POINTS: [&str; 4] =
        ["decider::after_views", "decider::after_facts", "decider::after_effects", "decider::after_books"];
    super::front_doors::one_process_dies_at(given, &POINTS).await;
}
