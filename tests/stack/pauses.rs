//! Pauses on every replica of control, and while the store does not answer.

use std::time::{Duration, Instant};

use serde_json::json;
use tidegate_tests::faults::{Mode, Proxy};
use tidegate_tests::stack::{Addresses, Settings};
use tidegate_tests::wait::READABLE;
use tidegate_tests::{Plan, Target, Team, eventually};

use crate::BINARY;

/// For so long an SDK waits for guard.
const SDK_WAITS: Duration = Duration::from_secs(2);

/// Guard's decision on the agent, of one replica, by a key.
async fn decision(team: &Team, control: &str, key: &str) -> String {
    let url = format!("{control}/v1/guard/check");
    let answer = team.client.post(&url).bearer(key).json(&json!({"agent": "daily"})).send().await.expect(200);
    answer.json()["decision"].as_str().unwrap().to_owned()
}

/// Waits until a replica decides so. Each asks for changes twice a second; how long a busy machine takes for it is not
/// judged here.
async fn decides(team: &Team, control: &str, expected: &str) {
    eventually(READABLE, expected, async || match decision(team, control, &team.key).await {
        found if found == expected => Ok(()),
        found => Err(found),
    })
    .await;
}

/// Pauses the agent at a replica, or resumes it.
async fn set_pause(team: &Team, control: &str, is_paused: bool) {
    let (method, status) = if is_paused { ("PUT", 200) } else { ("DELETE", 204) };
    let url = format!("{control}/v1/agents/daily/pause");
    team.client.call(method, &url).bearer(&team.key).json(&json!({})).send().await.expect(status);
}

/// AC-07: a pause, and its end, hold on every replica of control. AC-08: a paused agent is blocked within the time that
/// an SDK waits, while the store does not answer, also by a key that has to be looked up again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ac_07_and_08_a_pause_holds_on_every_replica_and_without_the_store() {
    let store = Proxy::to(&Addresses::found().cql, 0).await;
    // As it is by default: other deployments of tests have more patience.
    let more = vec![("admission", "store_timeout_ms", "1000".to_owned())];
    let settings = Settings { controls: 2, cql: Some(store.address()), more, ..Settings::small() };
    let target = Target::on_the_stack(BINARY, &settings).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    team.heartbeat(&json!({"agent": "daily"})).await.expect(202);
    team.agents_are(&["daily"]).await;
    let [first, second] = target.controls() else { panic!("two replicas: {:?}", target.controls()) };
    for (one, other) in [(first, second), (second, first)] {
        set_pause(&team, one, true).await;
        assert_eq!(decision(&team, one, &team.key).await, "block", "at once where it was set");
        decides(&team, other, "block").await;
        set_pause(&team, one, false).await;
        decides(&team, other, "allow").await;
    }

    set_pause(&team, first, true).await;
    decides(&team, second, "block").await;
    let mut keys = vec![team.key.clone()];
    for _ in 0..2 {
        keys.push(team.another_key().await.token);
    }
    for (mode, begins_ms) in [(Mode::Hang, 10_000), (Mode::Refuse, 40_000)] {
        for key in &keys {
            for control in [first, second] {
                assert_eq!(decision(&team, control, key).await, "block");
            }
        }
        store.set(mode);
        // The fastest of three for each key and replica: one may have waited for a busy machine.
        let mut fastest = vec![Duration::MAX; 2 * keys.len()];
        for round in 0..3 {
            // What was looked up, or could not be, holds for seconds: each key is looked up again in each round.
            target.set_clock_at_once(begins_ms + 10_000 * round).await;
            let asked = keys.iter().flat_map(|key| [(key, first), (key, second)]);
            for ((key, control), least) in asked.zip(&mut fastest) {
                let began = Instant::now();
                assert_eq!(decision(&team, control, key).await, "block", "{mode:?}");
                *least = began.elapsed().min(*least);
            }
        }
        assert!(fastest.iter().all(|took| *took < SDK_WAITS), "{mode:?}: {fastest:?}");
        store.set(Mode::Pass);
    }
}
