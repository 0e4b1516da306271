//! The store and the log are gone for a while.

use serde_json::json;
use tidegate_tests::faults::{Kafka, Mode};
use tidegate_tests::stack::Settings;
use tidegate_tests::{Plan, Team, eventually};

use crate::watched::{Watched, every_ten_minutes};
use crate::world::{DOORS, PATIENCE, World};

/// The store is gone over a slot: what was accepted meanwhile covers its slot, and what was not there is missed, once.
pub async fn ac_23_the_store_is_gone(world: &mut World) {
    let watched = Watched::begin(world, "store").await;
    for agent in ["beats", "silent"] {
        watched.agent(agent, &every_ten_minutes()).await;
    }
    world.until_minute(9).await;
    world.is_reported(&DOORS).await;
    world.store.set(Mode::Refuse);
    world.until_minute(11).await;
    watched.beat("beats").await;
    world.until_minute(17).await;
    world.judges_show("tidegate_pulse_active", |active| active < 1.0).await;
    world.store.set(Mode::Pass);
    watched.slots_are("beats", &["ok"]).await;
    watched.slots_are("silent", &["missed"]).await;
    watched.incidents_are(&["silent schedule_missed open"]).await;
    watched.messages_are(world, &["silent schedule_missed firing"], 0).await;
}

/// AC-25: Kafka is gone over a slot: runs are refused, and no slot of that time is missed. The next one is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ac_25_the_log_is_gone() {
    let kafka = Kafka::spawn(1, 0).await;
    let settings = Settings { kafka: Some(kafka.addresses()), ..Settings::of_schedules() };
    let mut world = World::with(settings).await;
    let watched = Watched::begin(&world, "log").await;
    for agent in ["beats", "silent"] {
        watched.agent(agent, &every_ten_minutes()).await;
    }
    world.until_minute(9).await;
    world.is_reported(&DOORS).await;
    let failures = world.judges().await.sum("tidegate_pulse_turn_failures_total", &[]);
    kafka.set(Mode::Refuse);
    world.until_minute(11).await;
    let refused = watched.team.heartbeat(&json!({"agent": "beats", "status": "ok"})).await;
    assert_eq!(refused.status, 503, "{refused}");
    world.until_minute(16).await;
    eventually(PATIENCE, "the judge has found no log", async || {
        match world.judges().await.sum("tidegate_pulse_turn_failures_total", &[]) {
            now if now > failures => Ok(()),
            now => Err(format!("{now} turns failed")),
        }
    })
    .await;
    kafka.set(Mode::Pass);
    // Of another team: what is refused to it is no doubt of this one's next slot.
    let other = Team::create(world.target.deployment(), Plan::UNLIMITED).await;
    for door in DOORS {
        eventually(PATIENCE, "records are taken again", async || {
            match other.heartbeat(&json!({"agent": "other"})).await {
                taken if taken.status == 202 => Ok(()),
                refused => Err(format!("{door}: {refused}")),
            }
        })
        .await;
    }
    watched.slots_are("beats", &["unknown front_door"]).await;
    watched.slots_are("silent", &["unknown front_door"]).await;
    world.until_minute(19).await;
    watched.beat("beats").await;
    world.until_minute(27).await;
    watched.slots_are("beats", &["unknown front_door", "ok"]).await;
    watched.slots_are("silent", &["unknown front_door", "missed"]).await;
    watched.incidents_are(&["silent schedule_missed open"]).await;
    watched.messages_are(&world, &["silent schedule_missed firing"], 0).await;
}
