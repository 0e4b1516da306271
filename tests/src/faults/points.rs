//! Processes that end at a fail point: between two steps that must not be torn.

use std::time::Duration;

use super::catalogue::Given;
use super::trial::{Pace, Trial};
use crate::wait::eventually;

const TIMES: u64 = 2;
const SOME: std::ops::Range<u64> = 10..60;
/// How often the point is passed before the process ends there.
const PASSES: std::ops::Range<u64> = 0..40;
/// How long the load may take to get there.
const GETS_THERE: Duration = Duration::from_secs(120);

/// One of these processes ends at that point, and is started again.
pub async fn dies_at(given: Given, names: &[&str], point: &str) {
    let mut trial = Trial::begin(given.deployment().await, Pace::BUSY, given.random, given.sheet.clone()).await;
    for turn in 0..TIMES {
        trial.acknowledge_some(SOME).await;
        let victim = trial.server(names[usize::try_from(turn).expect("it is small") % names.len()]);
        assert!(victim.stop().await, "{} did not stop:\n{}", victim.name(), victim.log());
        let passes = trial.random.within(PASSES);
        victim.arm(&[("FAILPOINTS", &format!("{point}={passes}*off->1*return"))]);
        victim.begin();
        eventually(GETS_THERE, &format!("{} ends at {point}", victim.name()), async || {
            if victim.aborted() { Ok(()) } else { Err("it runs".to_owned()) }
        })
        .await;
        victim.arm(&[]);
        victim.kill();
        victim.start().await;
        trial.recovers().await;
    }
    trial.ends().await;
}
