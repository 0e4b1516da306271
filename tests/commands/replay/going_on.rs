//! A replay that is stopped, killed or delayed continues where it was.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidegate_tests::eventually;
use tidegate_tests::stack::{Lines, Settings};

use super::{RECORDS_A_RUN, Scene, origins, place};
use crate::PATIENCE;

/// How many places are done, by the progress file.
async fn done(scene: &Scene) -> Result<i64, String> {
    let text = std::fs::read(scene.progress()).map_err(|error| error.to_string())?;
    let progress: Value = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    let stretches = progress["plan"]["stretches"].as_array().ok_or("no stretches")?;
    let of = |stretch: &Value, member: &str| stretch[member].as_i64().unwrap_or(0);
    Ok(stretches.iter().map(|stretch| of(stretch, "next") - of(stretch, "from")).sum())
}

async fn done_reaches(scene: &Scene, wanted: i64) {
    eventually(PATIENCE, "the progress is noted", async || match done(scene).await? {
        some if some >= wanted => Ok(()),
        some => Err(format!("{some} of {wanted}")),
    })
    .await;
}

/// At one record a second, a replay of them is still under way when a test that was held up meanwhile ends it.
const RUNS: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_and_killed_it_goes_on_and_every_record_is_appended() {
    let scene = Scene::with_runs(Settings::small(), RUNS).await;
    let (before, original) = (scene.read().await, scene.records().await);
    let total = RUNS * RECORDS_A_RUN;
    let words = ["--from", &scene.from, "--rate", "1"];

    let stopped = scene.begin(&words);
    done_reaches(&scene, 2).await;
    stopped.signal("TERM");
    let (code, out, err) = stopped.end().await;
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(err.contains("stopped by SIGTERM") && err.contains("run the same command again"), "{out}{err}");
    assert!(err.contains(&scene.progress()), "{err}");
    let noted = done(&scene).await.unwrap();
    assert!((2..total as i64).contains(&noted), "{noted}");

    let killed = scene.begin(&words);
    done_reaches(&scene, noted + 2).await;
    killed.kill();
    assert!(done(&scene).await.unwrap() < total as i64, "it was killed in the middle");

    // The rate is not part of what is replayed; another selection is.
    let other = scene.begin(&["--dead-letters"]).end().await;
    assert!(other.0 == Some(1) && other.2.contains("belongs to another replay"), "{other:?}");
    let report = scene.replay(&["--from", &scene.from, "--rate", "1000"]).await;
    assert_eq!((&report["resumed"], &report["whole"], &report["total"]), (&json!(true), &json!(true), &json!(total)));
    assert_eq!((&report["done"], &report["appended"]["total"]), (&json!(total), &json!(total)), "{report}");
    assert!(report["appended_now"].as_u64().unwrap() < total as u64, "it went on: {report}");
    assert!(!std::path::Path::new(&scene.progress()).exists());

    scene.applied().await;
    let places: BTreeSet<String> = original.iter().map(place).collect();
    let appended = origins(&scene.records().await);
    assert_eq!(appended.iter().cloned().collect::<BTreeSet<_>>(), places, "at least once each, and nothing else");
    assert_eq!(scene.read().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_waits_for_live_traffic_while_consumers_are_behind() {
    const LINES: Lines = Lines { leave: 5, enter: 10, full: 1_000 };
    let scene = Scene::with_runs(Settings { shed_records: Some(LINES), ..Settings::small() }, 4).await;
    let (before, records) = (scene.read().await, scene.records().await.len());
    let persister = scene.target.servers().named("persist-0");
    assert!(persister.stop().await, "{}", persister.log());

    let held_up = scene.begin(&["--from", &scene.from]);
    held_up.says("live traffic goes first").await;
    let appended = scene.records().await.len() - records;
    assert_eq!(appended as u64, LINES.enter, "up to the line, and not over it");

    persister.start().await;
    let (code, out, err) = held_up.end().await;
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("waiting: the consumers are 10 records") && out.contains("appended 12"), "{out}");
    scene.applied().await;
    assert_eq!(scene.records().await.len(), 2 * records);
    assert_eq!(scene.read().await, before);
}
