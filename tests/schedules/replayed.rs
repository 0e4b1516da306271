//! The whole log is replayed.

use tidegate_tests::clock;

use crate::watched::{Watched, every_ten_minutes};
use crate::world::World;

/// AC-28: a full replay opens no incident, changes no outcome, and sends nothing.
pub async fn ac_28_the_whole_log_is_replayed(world: &mut World) {
    let watched = Watched::begin(world, "ac-28").await;
    for agent in ["beats", "silent", "fails"] {
        watched.agent(agent, &every_ten_minutes()).await;
    }
    world.until_minute(11).await;
    watched.beat("beats").await;
    watched.run("fails", "failed").await;
    world.until_minute(17).await;
    watched.slots_are("beats", &["ok"]).await;
    watched.slots_are("silent", &["missed"]).await;
    watched.slots_are("fails", &["failed"]).await;
    world.until_minute(21).await;
    watched.run("fails", "success").await;
    watched.beat("beats").await;
    watched.beat("silent").await;
    world.until_minute(28).await;
    let (beats, silent, fails) = (["ok", "ok"], ["missed", "ok"], ["failed", "ok"]);
    let messages = [
        "silent schedule_missed firing",
        "silent schedule_missed resolved",
        "fails run_failed firing",
        "fails run_failed resolved",
    ];
    let incidents = ["silent schedule_missed resolved", "fails run_failed resolved"];
    watched.slots_are("beats", &beats).await;
    watched.slots_are("silent", &silent).await;
    watched.slots_are("fails", &fails).await;
    watched.messages_are(world, &messages, 0).await;

    let (from, folder) = (clock::iso(clock::now_ms() - clock::HOUR_MS), tempfile::tempdir().unwrap());
    let progress = folder.path().join("progress.json").display().to_string();
    let replayed = world.target.manage(&["replay", "--from", &from, "--progress", &progress]).await;
    assert!(replayed["appended_now"].as_u64().is_some_and(|records| records >= 10), "{replayed}");
    world.target.at_rest().await;
    // What comes after it is judged after it.
    world.until_minute(31).await;
    for agent in ["beats", "fails"] {
        watched.beat(agent).await;
    }
    world.until_minute(39).await;
    watched.slots_are("silent", &[&silent[..], &["missed"]].concat()).await;
    watched.slots_are("beats", &[&beats[..], &["ok"]].concat()).await;
    watched.slots_are("fails", &[&fails[..], &["ok"]].concat()).await;
    watched.incidents_are(&[&incidents[..], &["silent schedule_missed open"]].concat()).await;
    watched.messages_are(world, &[&messages[..], &["silent schedule_missed firing"]].concat(), 0).await;
}
