//! Schedules, alerts, spend and checks from outside: `tidegate dev` under a clock that the tests move, killed and started
//! again, asked over HTTP, with receivers of its messages.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

mod checks;
mod crew;
mod digests;
mod expected;
mod flapping;
mod forms;
mod kinds;
mod quiet;
mod renamed;
mod retries;
mod smtp;
mod spend;
mod stage;

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_tests::clock::{MINUTE_MS, SECOND_MS, now_ms};
use tidegate_tests::process::Extra;
use tidegate_tests::{Answer, Call, Plan, Target, Team, eventually};

/// The program under test.
const BINARY: &str = env!("CARGO_BIN_EXE_tidegate-under-test");
/// How long a judgement may take after its time has come, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

struct Scene {
    target: Target,
    team: Team,
    /// When the first run was taken, by the machine's clock.
    began_ms: i64,
}

impl Scene {
    /// A team whose agent `job` has run once, and is expected every ten minutes, with a minute's tolerance.
    async fn begin(schedule: &Value) -> Self {
        Scene::with(Extra::default(), schedule).await
    }

    /// The same, of a process with these settings.
    async fn with(extra: Extra, schedule: &Value) -> Self {
        let target = Target::dev_with(BINARY, extra).await;
        let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
        let mut scene = Scene { target, team, began_ms: 0 };
        scene.target.set_clock(0).await;
        stage::is_reported(&scene.target).await;
        scene.beat().await;
        scene.began_ms = now_ms();
        let path = "/v1/agents/job/schedule";
        eventually(PATIENCE, "the agent is known", async || {
            let url = format!("{}{path}", scene.target.control);
            let put = tidegate_tests::Client::default().call("PUT", &url).bearer(&scene.team.key).json(schedule);
            match put.send().await {
                put if put.status == 200 => Ok(()),
                put => Err(put.text()),
            }
        })
        .await;
        scene
    }

    async fn beat(&self) {
        self.team.heartbeat(&json!({"agent": "job", "status": "ok"})).await.expect(202);
    }

    async fn to_minute(&self, minute: i64) {
        self.target.set_clock(minute * MINUTE_MS).await;
    }

    /// So many seconds after the first run, however long the test took since then.
    async fn to_second(&self, second: i64) {
        self.target.at_rest().await;
        self.target.set_clock_at_once(self.began_ms + second * SECOND_MS - now_ms()).await;
    }

    /// What a path answers. A test asks more often than a team may.
    async fn read(&self, path: &str) -> Result<Value, String> {
        let answer = self.team.read(path).await;
        if answer.status == 429 { Err(answer.text()) } else { Ok(answer.expect(200).json()) }
    }

    /// The same once there is a place in the team's bucket: whoever has waited for something has taken all of them.
    async fn shown(&self, path: &str) -> Value {
        eventually(PATIENCE, "a path is read", async || self.read(path).await).await
    }

    /// A call's answer once there is such a place.
    async fn admitted(&self, call: impl Fn() -> Call) -> Answer {
        eventually(PATIENCE, "a call is admitted", async || match call().send().await {
            answer if answer.status == 429 => Err(answer.to_string()),
            answer => Ok(answer),
        })
        .await
    }

    async fn outcomes(&self) -> Result<Vec<String>, String> {
        let slots = self.read("/v1/agents/job/slots").await?;
        let mut slots: Vec<_> = slots["slots"].as_array().unwrap().iter().map(text_of("outcome")).collect();
        slots.reverse();
        Ok(slots)
    }

    /// Waits until these are the slots' outcomes, oldest first.
    async fn slots_are(&self, expected: &[&str]) {
        eventually(PATIENCE, "the slots are judged", async || {
            let found = self.outcomes().await?;
            if found == expected { Ok(()) } else { Err(format!("{found:?} and not {expected:?}")) }
        })
        .await;
    }

    /// Waits until these are the kinds and statuses of all incidents, newest first.
    async fn incidents_are(&self, expected: &[(&str, &str)]) {
        eventually(PATIENCE, "the incidents are there", async || {
            let incidents = self.read("/v1/incidents").await?;
            let incidents = incidents["incidents"].as_array().unwrap();
            let found: Vec<_> =
                incidents.iter().map(|incident| (text_of("kind")(incident), text_of("status")(incident))).collect();
            let is_found =
                found.iter().map(|(kind, status)| (kind.as_str(), status.as_str())).eq(expected.iter().copied());
            if is_found { Ok(()) } else { Err(format!("{found:?} and not {expected:?}")) }
        })
        .await;
    }
}

fn text_of(member: &str) -> impl Fn(&Value) -> String {
    move |value| value[member].as_str().unwrap_or_else(|| panic!("{member} of {value}")).to_owned()
}

/// AC-18, AC-20, AC-90: in `tidegate dev`, with no other service: late, then missed with one incident; the next run is
/// covered and resolves it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ac_18_a_slot_is_late_then_missed_and_a_run_resolves_it() {
    let scene = Scene::begin(&json!({"every_s": 600, "tolerance_s": 60})).await;
    scene.to_second(10 * 60 + 5).await;
    eventually(PATIENCE, "the agent is late", async || {
        let agent = scene.read("/v1/agents/job").await?;
        if agent["state"] == "late" { Ok(()) } else { Err(agent.to_string()) }
    })
    .await;
    scene.incidents_are(&[]).await;
    scene.to_minute(12).await;
    scene.slots_are(&["missed"]).await;
    scene.incidents_are(&[("schedule_missed", "open")]).await;
    scene.to_second(20 * 60).await;
    scene.beat().await;
    scene.to_minute(22).await;
    scene.slots_are(&["missed", "ok"]).await;
    scene.incidents_are(&[("schedule_missed", "resolved")]).await;
    eventually(PATIENCE, "the agent is up", async || {
        let status = scene.read("/v1/status").await?;
        let is_up = status["agents"][0]["state"] == "up" && status["incidents_open"] == 0;
        if is_up { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
}

/// AC-25: the process was killed and not there over several slots: they are unknown, with no incident; what is missed after
/// it is missed. What was judged before stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ac_25_what_the_process_was_not_there_for_is_unknown() {
    let scene = Scene::begin(&json!({"every_s": 600, "tolerance_s": 60})).await;
    scene.to_minute(12).await;
    scene.slots_are(&["missed"]).await;
    scene.beat().await;
    scene.target.at_rest().await;
    scene.target.kill().await;
    scene.target.start().await;
    scene.to_minute(35).await;
    scene.slots_are(&["missed", "unknown", "unknown"]).await;
    scene.to_minute(55).await;
    scene.slots_are(&["missed", "unknown", "unknown", "missed", "missed"]).await;
    // One goes on.
    scene.incidents_are(&[("schedule_missed", "open")]).await;
}

/// AC-26, AC-33: a run over its longest time is stuck, and one that was open while the process was not there is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ac_33_a_run_is_stuck_unless_its_end_may_be_lost() {
    let schedule = json!({"cron": "0 0 1 1 *", "tolerance_s": 60, "max_runtime_s": 300});
    let scene = Scene::begin(&schedule).await;
    let start = async || {
        let run = scene.team.run_id();
        let body = json!({"id": run, "agent": "job", "started_at": tidegate_tests::clock::iso(tidegate_tests::clock::now_ms())});
        scene.team.start(&body).await.expect(202);
    };
    start().await;
    scene.target.at_rest().await;
    scene.target.kill().await;
    scene.target.start().await;
    scene.to_minute(20).await;
    start().await;
    scene.to_minute(27).await;
    scene.incidents_are(&[("run_stuck", "open")]).await;
}
