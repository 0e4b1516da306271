//! Judges that are away, killed between two steps, and two of which each takes itself for the one.

use tidegate_tests::eventually;

use crate::watched::{Watched, every_ten_minutes};
use crate::world::{JUDGES, PATIENCE, World};

/// AC-35: `kill -9` after the messages are stored, after the incidents are, and after the receiver has answered: there is one
/// incident and one message, which comes twice only where the answer could not be stored, and then under its id.
pub async fn ac_35_a_judge_dies_between_incident_and_delivery(world: &mut World) {
    for (step, again) in [("after_messages", 0), ("after_incidents", 0), ("after_try", 1)] {
        world.story();
        let watched = Watched::begin(world, step).await;
        watched.agent("silent", &every_ten_minutes()).await;
        world.target.at_rest().await;
        for judge in JUDGES {
            world.stop(judge).await;
        }
        let [dies, other] = JUDGES;
        world.start(dies, &[("FAILPOINTS", &format!("pulse::{step}=return"))]).await;
        world.until_minute(16).await;
        eventually(PATIENCE, "the judge has died", async || {
            if world.server(dies).aborted() { Ok(()) } else { Err(step.to_owned()) }
        })
        .await;
        world.server(dies).kill();
        world.start(other, &[]).await;
        world.start(dies, &[]).await;
        // Its leases are over.
        world.until_minute(17).await;
        watched.slots_are("silent", &["missed"]).await;
        watched.incidents_are(&["silent schedule_missed open"]).await;
        watched.messages_are(world, &["silent schedule_missed firing"], again).await;
    }
}

/// AC-35: a judge is suspended between its messages and its incidents, and goes on when another one has taken its place and
/// has judged further: nothing is made twice, and what is resolved stays so.
pub async fn ac_35_two_judges_at_once(world: &mut World) {
    let watched = Watched::begin(world, "two").await;
    watched.agent("late", &every_ten_minutes()).await;
    world.target.at_rest().await;
    for judge in JUDGES {
        world.stop(judge).await;
    }
    let [zombie, other] = JUDGES;
    world.start(zombie, &[("FAILPOINTS", "pulse::after_messages=1*return(suspend)")]).await;
    world.until_minute(16).await;
    eventually(PATIENCE, "the judge is suspended", async || {
        if world.server(zombie).is_suspended() { Ok(()) } else { Err(String::new()) }
    })
    .await;
    world.start(other, &[]).await;
    world.until_minute(17).await;
    watched.slots_are("late", &["missed"]).await;
    world.until_minute(21).await;
    watched.beat("late").await;
    world.until_minute(27).await;
    watched.slots_are("late", &["missed", "ok"]).await;
    let messages = ["late schedule_missed firing", "late schedule_missed resolved"];
    watched.messages_are(world, &messages, 0).await;

    world.server(zombie).go_on();
    world.set_clocks().await;
    eventually(PATIENCE, "the judge that was suspended knows that it has no lease", async || {
        let active = world.active().await;
        if active == [other] { Ok(()) } else { Err(format!("{active:?}")) }
    })
    .await;
    world.until_minute(37).await;
    watched.slots_are("late", &["missed", "ok", "missed"]).await;
    watched.incidents_are(&["late schedule_missed resolved", "late schedule_missed open"]).await;
    watched.messages_are(world, &[&messages[..], &["late schedule_missed firing"]].concat(), 0).await;
}

/// No judge runs for half an hour: what came meanwhile covers its slots, and what did not is missed, once.
pub async fn ac_23_no_judge_runs(world: &mut World) {
    let watched = Watched::begin(world, "no-judge").await;
    for agent in ["beats", "silent"] {
        watched.agent(agent, &every_ten_minutes()).await;
    }
    for judge in JUDGES {
        world.server(judge).kill();
    }
    for minute in [11, 22, 33] {
        world.until_minute(minute).await;
        watched.beat("beats").await;
    }
    world.until_minute(40).await;
    for judge in JUDGES {
        world.start(judge, &[]).await;
    }
    watched.slots_are("beats", &["ok", "ok", "ok"]).await;
    watched.slots_are("silent", &["missed", "missed", "missed"]).await;
    watched.incidents_are(&["silent schedule_missed open"]).await;
    watched.messages_are(world, &["silent schedule_missed firing"], 0).await;
}
