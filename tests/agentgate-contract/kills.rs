//! One idempotency key from many clients at once, while a process is killed: one work order, and everybody gets its ids.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tidegate_tests::durability::Random;
use tidegate_tests::{eventually, ids};
use tokio::task::JoinSet;

use crate::clients::{clients, insist};
use crate::suite::git_order;
use crate::{VICTIMS, World};

const CLIENTS: usize = 50;
/// Until some clients have their answer.
const SOON: Duration = Duration::from_secs(120);

/// AG-42: whatever dies in the middle, 50 clients with one key have 50 equal answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_makes_one_work_order_over_kills() {
    let world = World::alone().await;
    let (org, doors) = clients(&world).await;
    let mut random = Random::seeded();
    for victim in VICTIMS {
        let (key, answered) = (ids::nonce(), Arc::<AtomicU64>::default());
        let mut waiting = JoinSet::new();
        for number in 0..CLIENTS {
            let (doors, key, answered) = (doors.clone(), key.clone(), answered.clone());
            waiting.spawn(async move {
                let answer = insist(&doors, number, &key, &git_order()).await;
                answered.fetch_add(1, Ordering::Relaxed);
                answer
            });
        }
        // At once, or when some are answered and others are on their way.
        let first = random.within(0..8);
        eventually(SOON, "clients are answered", async || match answered.load(Ordering::Relaxed) {
            answered if answered >= first => Ok(()),
            answered => Err(format!("{answered} of {first}")),
        })
        .await;
        let server = world.target().servers().named(victim);
        server.kill();
        server.start().await;
        let answers = waiting.join_all().await;
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{victim} died: {answers:?}");
    }
    let made = VICTIMS.len();
    assert_eq!(doors[0].get("/v1/runs").await.expect(200).json()["total"], made);
    let shown = world.target().manage(&["agentgate", "orgs", "show", &org]).await;
    assert_eq!((&shown["openRuns"], &shown["heldCents"]), (&json!(made), &json!(500 * made)), "{shown}");
}
