//! What the tests stand on: a process, a team, and a browser that is signed in.

use std::time::Duration;

use serde_json::Value;
use tidegate_tests::browser::Browser;
use tidegate_tests::process::Extra;
use tidegate_tests::{Answer, Plan, Target, Team, eventually};

/// The program under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_tidegate-under-test");
/// How long a server may take to show a change.
const PATIENCE: Duration = Duration::from_secs(90);

/// A `tidegate dev` with a team.
pub struct Scene {
    pub target: Target,
    pub team: Team,
}

impl Scene {
    pub async fn begin() -> Self {
        Scene::with(Extra::default()).await
    }

    pub async fn with(extra: Extra) -> Self {
        let target = Target::dev_with(BINARY, extra).await;
        let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
        Scene { target, team }
    }

    /// The same of a team with this name.
    pub async fn of_team(name: &str) -> Self {
        let mut scene = Scene::begin().await;
        let made = scene.target.manage(&["teams", "create", name, "--plan", "enterprise"]).await;
        scene.team.id = made["team"].as_str().unwrap().to_owned();
        let key = scene.target.manage(&["keys", "create", "--team", &scene.team.id]).await;
        scene.team.key = key["key"].as_str().unwrap().to_owned();
        scene
    }

    /// Signs in with a key by the form. Returns the address of the team's pages.
    pub async fn sign_in_as(&self, browser: &Browser, key: &str) -> String {
        browser.open(&format!("{}/", self.target.control)).await;
        browser.fill("API key", key).await;
        browser.press("Sign in").await;
        browser.is_at("/teams/").await;
        browser.url().await
    }

    pub async fn sign_in(&self, browser: &Browser) -> String {
        self.sign_in_as(browser, &self.team.key).await
    }

    /// Sets something by the management API.
    pub async fn set(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.call(method, path, body).await;
        assert!((200..300).contains(&answer.status), "{answer}");
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let url = format!("{}{path}", self.target.control);
        self.team.client.call(method, &url).bearer(&self.team.key).json(body).send().await
    }

    /// Waits until a path of the API answers so.
    pub async fn reads(&self, path: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        eventually(PATIENCE, &format!("{path} {what}"), async || {
            let answer = self.team.read(path).await;
            if answer.status == 200 && holds(&answer.json()) { Ok(answer.json()) } else { Err(answer.text()) }
        })
        .await
    }
}

/// What a shell prints when this is pasted into it.
pub async fn pasted(line: &str) -> String {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", line]).stdin(std::process::Stdio::null());
    let output = tokio::task::spawn_blocking(move || shell.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
