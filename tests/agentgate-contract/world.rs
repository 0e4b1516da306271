//! A deployment that all tests of this binary share, and the operator's commands on it.

use serde_json::Value;
use tidegate_tests::process::Extra;
use tidegate_tests::{Program, Target};

use crate::PROGRAM;
use crate::suite::Limited;

/// One front door of the deployment. Each test has organizations of its own.
pub struct World {
    target: Target,
    url: String,
}

impl World {
    pub async fn start() -> World {
        World::of(Target::shared(PROGRAM).await)
    }

    /// While no other test runs on it.
    pub async fn alone() -> World {
        World::of(Target::own(PROGRAM).await)
    }

    fn of(target: Target) -> World {
        let url = target.agentgate().to_owned();
        World { target, url }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Every front door.
    pub fn urls(&self) -> Vec<String> {
        self.target.gates().to_vec()
    }

    pub fn target(&self) -> &Target {
        &self.target
    }

    /// A process of the test's own, with these settings.
    #[allow(dead_code, reason = "one of the two suites does without")]
    pub async fn own(extra: Extra) -> World {
        match PROGRAM {
            Program::Embedded(binary) => World::of(Target::dev_with(binary, extra).await),
            other => panic!("{other:?} is not one process"),
        }
    }

    /// `kill -9`, and a start.
    #[allow(dead_code, reason = "as above")]
    pub async fn kill_and_start(&self) {
        self.target.kill().await;
        self.target.start().await;
    }

    /// A stop: whether it ended well.
    #[allow(dead_code, reason = "as above")]
    pub async fn stopped(&self) -> bool {
        self.target.stop().await
    }

    #[allow(dead_code, reason = "as above")]
    pub async fn started(&self) {
        self.target.start().await;
    }

    pub async fn operate(&self, words: &[&str]) -> Value {
        self.target.manage(&[&["agentgate"], words].concat()).await
    }

    /// A new organization: its id.
    pub async fn organization(&self, limited: Limited) -> String {
        let Limited { billing, included_cents, purchased_cents, concurrency, .. } = limited;
        let numbers = [
            included_cents,
            purchased_cents,
            concurrency.into(),
            limited.requests_per_minute.into(),
            limited.submissions_per_minute.into(),
        ];
        let [included, purchased, concurrency, requests, submissions] = numbers.map(|number: u64| number.to_string());
        let words = [
            "orgs",
            "create",
            "of a test",
            "--included-cents",
            &included,
            "--purchased-cents",
            &purchased,
            "--concurrency",
            &concurrency,
            "--requests-per-minute",
            &requests,
            "--submissions-per-minute",
            &submissions,
            "--billing",
            if billing { "ok" } else { "none" },
        ];
        text(&self.operate(&words).await, "organization")
    }

    /// A new key: its id and the key.
    pub async fn key(&self, org: &str, scopes: &[&str]) -> (String, String) {
        let scopes = if scopes.is_empty() { "none".to_owned() } else { scopes.join(",") };
        made(&self.operate(&["keys", "create", "--org", org, "--scopes", &scopes]).await)
    }

    /// A new worker's key of an organization, or of the fleet.
    pub async fn worker_key(&self, org: Option<&str>) -> (String, String) {
        made(&match org {
            Some(org) => self.operate(&["worker-keys", "create", "--org", org]).await,
            None => self.operate(&["worker-keys", "create", "--fleet"]).await,
        })
    }

    pub async fn revoke(&self, _: &str, key: &str) {
        self.operate(&["keys", "revoke", key]).await;
    }

    pub async fn suspend(&self, org: &str, suspended: bool) {
        self.operate(&["orgs", if suspended { "suspend" } else { "resume" }, org]).await;
    }

    pub async fn credit(&self, org: &str, cents: u64) {
        self.operate(&["orgs", "credit", org, "--cents", &cents.to_string()]).await;
    }
}

fn text(answer: &Value, member: &str) -> String {
    answer[member].as_str().unwrap_or_else(|| panic!("no {member}: {answer}")).to_owned()
}

fn made(answer: &Value) -> (String, String) {
    (text(answer, "id"), text(answer, "key"))
}
