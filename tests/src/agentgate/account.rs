//! An organization of a test's own, its keys, and the ledger of what it was answered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::kinds::Tally;
use super::ledger::Ledger;
use crate::Deployment;
use crate::client::{Answer, Client};

/// What an iteration costs.
pub const CENTS_PER_ITERATION: u64 = 50;
/// A front door answers within ten seconds, or not at all.
const ANSWERS: Duration = Duration::from_secs(20);
/// Between tries of a request that was not answered.
const AGAIN: Duration = Duration::from_millis(50);

/// What an organization is made with.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    pub included_cents: u64,
    pub concurrency: u64,
}

impl Terms {
    /// More than any load uses.
    pub const AMPLE: Terms = Terms { included_cents: 100_000_000, concurrency: 100 };
    /// Not enough for one iteration: each submission is refused.
    pub const POOR: Terms = Terms { included_cents: CENTS_PER_ITERATION - 1, concurrency: 100 };
}

/// An organization with a key of each kind.
#[derive(Debug)]
pub struct Account {
    pub deployment: Arc<Deployment>,
    pub org: String,
    pub key: String,
    pub worker_key: String,
    client: Client,
    ledger: Mutex<Ledger>,
    pub(crate) tally: Arc<Tally>,
}

impl Account {
    /// Makes it, by the operators' commands.
    pub async fn create(deployment: Arc<Deployment>, terms: Terms) -> Self {
        Account::counted(deployment, terms, Arc::default()).await
    }

    /// The same, with its answers counted there.
    pub(crate) async fn counted(deployment: Arc<Deployment>, terms: Terms, tally: Arc<Tally>) -> Self {
        let numbers = [terms.included_cents, terms.concurrency].map(|number| number.to_string());
        let [included, concurrency] = &numbers;
        let words = ["agentgate", "orgs", "create", "loaded", "--included-cents", included];
        let limits = ["--concurrency", concurrency, "--requests-per-minute", "100000"];
        let words = [&words[..], &limits, &["--submissions-per-minute", "100000"]].concat();
        let text = |made: &Value, member: &str| made[member].as_str().unwrap().to_owned();
        let org = text(&deployment.manage(&words).await, "organization");
        let key = deployment.manage(&["agentgate", "keys", "create", "--org", &org, "--scopes", "*"]).await;
        let worker_key = deployment.manage(&["agentgate", "worker-keys", "create", "--org", &org]).await;
        let ledger = Mutex::new(Ledger { granted_cents: terms.included_cents, ..Ledger::default() });
        let (key, worker_key) = (text(&key, "key"), text(&worker_key, "key"));
        Account { deployment, org, key, worker_key, client: Client::default(), ledger, tally }
    }

    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives it more credits.
    pub async fn credit(&self, cents: u64) {
        self.deployment.manage(&["agentgate", "orgs", "credit", &self.org, "--cents", &cents.to_string()]).await;
        self.ledger().granted_cents += cents;
    }

    /// What operators are shown of it.
    pub async fn shown(&self) -> Value {
        self.deployment.manage(&["agentgate", "orgs", "show", &self.org]).await
    }

    /// Reads as a client, at any front door.
    ///
    /// # Errors
    /// What came instead of `200`.
    pub async fn get(&self, path: &str) -> Result<Value, String> {
        let url = format!("{}{path}", self.deployment.agentgate());
        match self.client.get(&url).bearer(&self.key).try_send().await {
            Ok(answer) if answer.status == 200 => Ok(answer.json()),
            Ok(answer) => Err(answer.to_string()),
            Err(error) => Err(error),
        }
    }

    /// Posts once, to this front door.
    ///
    /// # Errors
    /// No whole answer came.
    pub async fn post_to(
        &self,
        door: &str,
        key: &str,
        path: &str,
        idempotency_key: Option<&str>,
        body: &Value,
    ) -> Result<Answer, String> {
        let mut call = self.client.post(&format!("{door}{path}")).bearer(key);
        if let Some(name) = idempotency_key {
            call = call.header("Idempotency-Key", name);
        }
        let sent = timeout(ANSWERS, call.json(body).try_send()).await;
        let answer = sent.unwrap_or_else(|_| Err(format!("no answer within {ANSWERS:?}")));
        self.tally.count(&answer);
        answer
    }

    /// Posts to any front door until it is answered, and not with 5xx or `429`.
    pub async fn insist(&self, key: &str, path: &str, idempotency_key: Option<&str>, body: &Value) -> Answer {
        let mut tries = interval(AGAIN);
        tries.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tries.tick().await;
            let door = self.deployment.agentgate();
            match self.post_to(door, key, path, idempotency_key, body).await {
                Ok(answer) if answer.status < 500 && answer.status != 429 => return answer,
                _ => {}
            }
        }
    }
}

/// The order of a submission: whoever reads its run finds the idempotency key as its tenant.
pub(crate) fn order(key: &str, prompt: &str, iterations: u64) -> Value {
    json!({
        "taskPrompt": prompt,
        "maxIterations": iterations,
        "workspaceSource": { "type": "git", "repository": "https://github.com/example/app" },
        "tenantContext": { "tenantId": key },
    })
}
