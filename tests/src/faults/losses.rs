//! The store loses what it had acknowledged: it is killed before it has synced, or its listings are truncated.

use std::time::Duration;

use super::catalogue::Given;
use super::scene::Scene;
use super::trial::{Pace, Trial};
use crate::clock;
use crate::stack::Addresses;
use crate::stack::rows::Rows;

const SOME: std::ops::Range<u64> = 100..400;
const KILLS: u32 = 3;
/// By then the team and its keys are synced: they are on no log that could bring them back.
const TEAM_IS_SYNCED: Duration = Duration::from_secs(15);

/// The store acknowledges in this mode and is killed, three times under load. What it lost is read again.
pub async fn killed(given: Given, mode: &str) {
    let scene = given.scene();
    let cassandra = scene.cassandra.as_ref().expect("a store of its own");
    cassandra.lock().await.start_in(mode).await;
    let mut trial = Trial::begin(scene.deployment(), Pace::BUSY, given.random, given.sheet.clone()).await;
    trial.lasts(TEAM_IS_SYNCED).await;
    let before = reread(&scene).await;
    for _ in 0..KILLS {
        trial.acknowledge_some(SOME).await;
        let mut node = cassandra.lock().await;
        node.kill();
        node.start().await;
        drop(node);
        trial.recovers().await;
    }
    trial.ends().await;
    let again = reread(&scene).await - before;
    given.sheet.note(format!("{again} records were read again"));
    assert!(again > 0, "nothing was read again");
}

async fn reread(scene: &Scene) -> u64 {
    scene.target.metrics().await.sum("tidegate_records_reread_total", &[])
}

/// Listings are truncated under the persisters that wrote them, and all is replayed.
pub async fn listings_truncated(given: Given) {
    let scene = given.scene();
    let from = clock::iso(clock::now_ms() - clock::MINUTE_MS);
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet).await;
    trial.acknowledge_some(SOME).await;
    trial.recovers().await;
    let (store, keyspace) =
        (Rows::connect(&Addresses::found().cql).await, scene.target.servers().settings().keyspace());
    let store = store.expect("the real stack's store answers");
    for table in ["run_listing", "run_days"] {
        store.execute(&format!("TRUNCATE {keyspace}.{table}")).await.expect("the store truncates");
    }
    let folder = tempfile::tempdir().expect("a folder for the progress");
    let progress = folder.path().join("progress.json").display().to_string();
    let words = ["replay", "--from", &from, "--rate", "2000", "--progress", &progress, "--json"];
    let replayed = scene.deployment().command(&words).await;
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
    trial.recovers().await;
    trial.ends().await;
}
