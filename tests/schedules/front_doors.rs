//! Front doors that are down.

use serde_json::json;

use crate::watched::{Watched, every_ten_minutes};
use crate::world::{DOORS, World};

/// AC-25, AC-26: no front door was ready over a slot: it is unknown, and a run that was open then is not stuck. One of two
/// that is down is no outage. What is missed or stuck after it is.
pub async fn ac_25_no_front_door_is_ready_over_a_slot(world: &mut World) {
    let watched = Watched::begin(world, "ac-25").await;
    watched.agent("silent", &every_ten_minutes()).await;
    let long = json!({"cron": "0 0 1 1 *", "tolerance_s": 60, "max_runtime_s": 1_200});
    watched.agent("long", &long).await;
    watched.open("long").await;
    world.target.at_rest().await;
    world.until_minute(6).await;
    world.is_reported(&DOORS).await;
    for door in DOORS {
        world.server(door).kill();
    }
    // Both slots' time passes.
    world.until_minute(16).await;
    for door in DOORS {
        world.start(door, &[]).await;
    }
    world.is_reported(&DOORS).await;
    // The next slot ends at the 25th minute, and what this machine takes for all of it counts, too.
    world.until_minute(20).await;
    watched.slots_are("silent", &["unknown front_door"]).await;
    watched.messages_are(world, &[], 0).await;

    // One front door alone is enough.
    watched.open("long").await;
    world.target.at_rest().await;
    world.server(DOORS[0]).kill();
    world.until_minute(26).await;
    watched.slots_are("silent", &["unknown front_door", "missed"]).await;
    world.until_minute(48).await;
    watched.makes("long run_stuck firing").await;
    watched.slots_are("silent", &["unknown front_door", "missed", "missed", "missed"]).await;
    watched.incidents_are(&["silent schedule_missed open", "long run_stuck open"]).await;
    watched.messages_are(world, &["silent schedule_missed firing", "long run_stuck firing"], 0).await;
    world.start(DOORS[0], &[]).await;
}
