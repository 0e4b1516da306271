//! What workers do: they lease runs and finish them.

use serde_json::json;

use super::account::Account;
use super::ledger::End;

impl Account {
    /// One turn of a worker of this name: leases a run, if one waits, and finishes it. How many iterations it says
    /// depends on the grant, so that the ends of two grants differ.
    pub(crate) async fn worker_turn(&self, name: &str) {
        let ask = json!({ "worker": name, "waitSeconds": 1 });
        let answer = self.insist(&self.worker_key, "/worker/v1/leases", None, &ask).await.expect(200);
        let lease = answer.json();
        let (Some(run), Some(token)) = (lease["run"].as_str(), lease["token"].as_u64()) else { return };
        let iterations = 1 + token % 2;
        let end = json!({ "token": token, "status": "succeeded", "iterations": iterations });
        let answer = self.insist(&self.worker_key, &format!("/worker/v1/runs/{run}/finish"), None, &end).await;
        match answer.status {
            200 => {
                self.ledger().end(run, End { token, iterations });
                self.tally.one_finished();
            }
            // It was cancelled, or leased again.
            409 => {}
            _ => panic!("{answer}"),
        }
    }
}
