//! What clients do: they submit, submit again, leave it at that, and cancel.

use serde_json::json;

use super::account::{Account, order};
use crate::client::Answer;
use crate::ids;

/// Iterations that a run may take.
const ITERATIONS: u64 = 2;
const PROMPT: &str = "Add a health check.";
const ANOTHER: &str = "Add a metric.";

impl Account {
    /// One turn of a client: most insist on an answer, some leave it at the first one, and some cancel.
    pub(crate) async fn client_turn(&self, turn: u64) {
        let key = ids::nonce();
        if turn % 8 == 7 {
            self.submit_once(self.deployment.agentgate(), &key).await.ok();
        } else if let Some(run) = self.submit(&key).await
            && turn % 5 == 4
        {
            self.cancel(&run).await;
        }
    }

    /// Submits until it is decided: the run, unless the organization lacks credits.
    pub async fn submit(&self, key: &str) -> Option<String> {
        let order = order(key, PROMPT, ITERATIONS);
        self.decided(key, &self.insist(&self.key, "/v1/work-orders", Some(key), &order).await)
    }

    /// Submits another order with a key that was refused: it is free.
    ///
    /// # Panics
    /// If it is not.
    pub async fn submit_another(&self, key: &str) {
        let order = order(key, ANOTHER, ITERATIONS);
        let answer = self.insist(&self.key, "/v1/work-orders", Some(key), &order).await;
        assert_eq!(answer.status, 201, "the key of a refusal is free: {answer}");
        assert_eq!(answer.header("idempotency-replayed"), None, "{answer}");
        self.decided(key, &answer);
    }

    /// Submits once at this front door, and never again: the run, unless it is refused for lack of credits or slots.
    ///
    /// # Errors
    /// What came instead of a decision.
    pub async fn submit_once(&self, door: &str, key: &str) -> Result<Option<String>, String> {
        let order = order(key, PROMPT, ITERATIONS);
        match self.post_to(door, &self.key, "/v1/work-orders", Some(key), &order).await {
            Ok(answer) if answer.status == 503 || answer.status == 429 => {
                self.ledger().refuse(key);
                // The decider said so.
                let is_decided = answer.status == 429 && answer.json()["error"]["code"] == "CONCURRENT_LIMIT";
                if is_decided { Ok(None) } else { Err(answer.to_string()) }
            }
            Ok(answer) if answer.status < 500 => Ok(self.decided(key, &answer)),
            other => {
                self.ledger().leave_unknown(key);
                Err(other.map_or_else(|error| error, |answer| answer.to_string()))
            }
        }
    }

    /// # Panics
    /// If a submission is answered with anything but `201` and `402`.
    fn decided(&self, key: &str, answer: &Answer) -> Option<String> {
        if answer.status == 402 {
            self.ledger().refuse(key);
            return None;
        }
        assert_eq!(answer.status, 201, "{answer}");
        let run = answer.json()["runId"].as_str().unwrap().to_owned();
        self.ledger().accept(key, &run);
        self.tally.one_accepted();
        Some(run)
    }

    /// Cancels a run until it is decided. An earlier try of ours may have been carried out without an answer.
    async fn cancel(&self, run: &str) {
        let answer = self.insist(&self.key, &format!("/v1/runs/{run}/cancel"), None, &json!({})).await;
        match answer.status {
            200 => self.ledger().cancel(run),
            400 if answer.json()["error"]["details"]["status"] == "cancelled" => self.ledger().cancel(run),
            400 => {}
            _ => panic!("{answer}"),
        }
    }
}
