//! AC-77 from outside: an agent with a schedule, an open incident and a ping token is renamed while its job goes on sending
//! under the old name.

use serde_json::{Value, json};
use tidegate_tests::team::{ping_path, text};
use tidegate_tests::{Answer, clock, eventually};

use crate::{PATIENCE, Scene};

impl Scene {
    async fn rename(&self, from: &str, to: &str) -> Answer {
        let url = format!("{}/v1/agents/{from}/rename", self.target.control);
        let (client, body) = (tidegate_tests::Client::default(), json!({"to": to}));
        self.admitted(|| client.call("POST", &url).bearer(&self.team.key).json(&body)).await
    }

    async fn start_run(&self, agent: &str) -> String {
        let run = self.team.run_id();
        let body = json!({"id": run, "agent": agent, "started_at": clock::iso(clock::now_ms())});
        self.team.start(&body).await.expect(202);
        run
    }

    /// The ids of the runs that are listed for an agent.
    async fn runs_of(&self, agent: &str) -> Result<Vec<String>, String> {
        let page = self.read(&format!("/v1/runs?agent={agent}&limit=200")).await?;
        Ok(page["runs"].as_array().unwrap().iter().map(|run| text(run, "id")).collect())
    }

    async fn agent(&self, name: &str) -> Value {
        eventually(PATIENCE, "the agent is there", async || {
            let answer = self.team.read(&format!("/v1/agents/{name}")).await;
            if answer.status == 200 { Ok(answer.json()) } else { Err(answer.text()) }
        })
        .await
    }
}

/// AC-77: rename moves an agent's runs, schedule, tokens and incidents; the old slug then is a new agent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ac_77_a_rename_moves_what_an_agent_has() {
    let scene = Scene::begin(&json!({"every_s": 600, "tolerance_s": 60})).await;
    let token = scene.team.token("job").await.token;
    let before = scene.agent("job").await;
    let open = scene.start_run("job").await;
    scene.team.stored_run(&open).await;
    scene.to_minute(12).await;
    scene.slots_are(&["missed"]).await;
    scene.incidents_are(&[("schedule_missed", "open")]).await;
    let incident = text(&scene.shown("/v1/incidents").await["incidents"][0], "id");

    let renamed = scene.rename("job", "nightly").await.expect(200).json();
    assert_eq!((&renamed["agent"], &renamed["id"]), (&json!("nightly"), &before["id"]));
    assert_eq!(renamed["schedule"], before["schedule"]);
    // From the answer on the old name is free.
    let old = format!("{}/v1/agents/job", scene.target.control);
    scene.admitted(|| scene.team.client.get(&old).bearer(&scene.team.key)).await.expect(404);
    let fresh = scene.start_run("job").await;
    scene.team.stored_run(&fresh).await;
    assert_ne!(scene.agent("job").await["id"], before["id"]);
    assert_eq!(scene.agent("nightly").await["id"], before["id"]);
    assert_eq!(scene.runs_of("job").await.unwrap(), [fresh]);
    scene.rename("nightly", "job").await.expect(409);

    // The job was not touched: its line of cron has the old name and the agent's token.
    scene.to_second(20 * 60).await;
    let ping = ping_path(&token, &[("agent", "job")]);
    scene.team.bare("GET", &ping).send().await.expect(200);
    // One made after the rename, on the command line, is of the agent that has the name now.
    let new_token = scene.team.token("nightly").await.token;
    scene.team.bare("GET", &ping_path(&new_token, &[("agent", "nightly")])).send().await.expect(200);
    eventually(PATIENCE, "both pings are runs of the agent", async || {
        let runs = scene.runs_of("nightly").await?;
        if runs.len() == 4 && runs.contains(&open) { Ok(()) } else { Err(format!("{runs:?}")) }
    })
    .await;
    assert_eq!(scene.runs_of("job").await.unwrap().len(), 1);
    scene.to_minute(22).await;
    // The incident goes on under the new name, and is resolved with the id that it had.
    scene.incidents_are(&[("schedule_missed", "resolved")]).await;
    let resolved = scene.shown("/v1/incidents?agent=nightly").await;
    assert_eq!(text(&resolved["incidents"][0], "id"), incident);
    assert_eq!(scene.shown("/v1/incidents?agent=job").await["incidents"], json!([]));
    eventually(PATIENCE, "the slots go on", async || {
        let slots = scene.read("/v1/agents/nightly/slots").await?;
        let mut slots: Vec<_> = slots["slots"].as_array().unwrap().iter().map(|slot| text(slot, "outcome")).collect();
        slots.reverse();
        if slots == ["missed", "ok"] { Ok(()) } else { Err(format!("{slots:?}")) }
    })
    .await;
    assert_eq!(scene.shown("/v1/agents/job/slots").await["slots"], json!([]));

    // All of it is so after a restart.
    scene.target.at_rest().await;
    scene.target.kill().await;
    scene.target.start().await;
    assert_eq!(scene.agent("nightly").await["id"], before["id"]);
    scene.team.bare("GET", &ping).send().await.expect(200);
    eventually(PATIENCE, "the ping is a run of the agent", async || {
        let runs = scene.runs_of("nightly").await?;
        if runs.len() == 5 { Ok(()) } else { Err(format!("{runs:?}")) }
    })
    .await;
}
