//! Work orders for AgentGate, so that its queue has something.

use http::Method;
use serde_json::json;

use crate::calls::{Calls, DemoError};

/// What is ordered; the last one is cancelled again.
const PROMPTS: [&str; 5] = [
    "Fix the flaky test in tests/checkout.spec.ts",
    "Upgrade axios to 1.8 and run the test suite",
    "Add an index for the slow query on orders.created_at",
    "Translate the German error messages",
    "Remove the unused feature flag new-checkout",
];

/// Orders the same every time, under the same idempotency keys, with an AgentGate key. Returns how many there are.
///
/// # Errors
/// What was refused, or did not answer.
pub async fn order(agentgate_url: &str, key: &str) -> Result<usize, DemoError> {
    let calls = Calls::to(agentgate_url, key)?;
    for (number, prompt) in PROMPTS.iter().enumerate() {
        let body = json!({
            "taskPrompt": prompt,
            "workspaceSource": { "type": "git", "repository": "https://github.com/octocat/Hello-World" },
        });
        let answer = calls.order(&body, &format!("tidegate-demo-{number}")).await?;
        let is_cancelled = number + 1 == PROMPTS.len() && answer["status"] == "pending";
        if let Some(run) = answer["runId"].as_str().filter(|_| is_cancelled) {
            // A run that was cancelled before stays so; that it has ended meanwhile is no error of the demo.
            _ = calls.manage(&Method::POST, &format!("/v1/runs/{run}/cancel"), None).await;
        }
    }
    Ok(PROMPTS.len())
}
