//! A release that can read no record. The brake stops it before all is dead-lettered; the former release takes over,
//! and what was dead-lettered is replayed.

use std::time::Duration;

use super::catalogue::Given;
use super::trial::{Pace, Trial};
use crate::deployment::metrics_of;
use crate::wait::eventually;

const PERSISTERS: [&str; 2] = ["persist-0", "persist-1"];
const SOME: std::ops::Range<u64> = 40..120;
/// Unreadable records in a row after which a partition is left alone here.
const RUN_LENGTH: u64 = 20;
const BRAKES: Duration = Duration::from_secs(120);
const LASTS: Duration = Duration::from_secs(5);

pub async fn reads_nothing(given: Given) {
    let scene = given.scene();
    let partitions = u64::from(scene.target.servers().settings().partitions);
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet.clone()).await;
    trial.acknowledge_some(SOME).await;
    for name in PERSISTERS {
        let persister = trial.server(name);
        assert!(persister.stop().await, "{name} did not stop:\n{}", persister.log());
        let run_length = RUN_LENGTH.to_string();
        persister.arm(&[
            ("FAILPOINTS", "persister::decode_fails=return"),
            ("TIDEGATE_PERSISTER__BRAKE_RUN_LENGTH", &run_length),
        ]);
    }
    for name in PERSISTERS {
        trial.server(name).start().await;
    }
    // Partitions that a persister owns, those of them that are braked, and the records it dead-lettered.
    let held = async |name: &str| {
        let metrics = metrics_of(trial.server(name).ops()).await;
        let (owned, braked) = ("tidegate_kafka_assigned_partitions", "tidegate_persister_braked");
        let buried = metrics.sum("tidegate_records_total", &[("outcome", "dead_lettered")]);
        (metrics.sum(owned, &[]), metrics.sum(braked, &[]), buried)
    };
    // A new owner of a partition learns by itself, so the two must have shared them out.
    eventually(BRAKES, "the brake holds every partition", async || {
        let [one, other] = [held(PERSISTERS[0]).await, held(PERSISTERS[1]).await];
        let braked = |(owned, braked, _): (u64, u64, u64)| owned > 0 && braked >= owned;
        if one.0 + other.0 == partitions && braked(one) && braked(other) {
            Ok(())
        } else {
            Err(format!("owned, braked, buried: {one:?} and {other:?}"))
        }
    })
    .await;
    let buried = async || held(PERSISTERS[0]).await.2 + held(PERSISTERS[1]).await.2;
    let before = buried().await;
    trial.lasts(LASTS).await;
    let later = buried().await;
    assert_eq!(before, later, "records are dead-lettered behind the brake");
    // A partition may have changed hands meanwhile, once.
    assert!(later <= 2 * RUN_LENGTH * partitions, "{later} records were dead-lettered before the brake held");
    given.sheet.note(format!("the brake held {partitions} partitions after {later} records, which were replayed"));
    for name in PERSISTERS {
        let persister = trial.server(name);
        assert!(persister.stop().await, "{name} did not stop:\n{}", persister.log());
        persister.arm(&[]);
        persister.start().await;
    }
    trial.recovers().await;
    let replayed = scene.deployment().command(&["replay", "--dead-letters"]).await;
    let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(replayed.status.success(), "{}{}", told(&replayed.stdout), told(&replayed.stderr));
    trial.ends().await;
}
