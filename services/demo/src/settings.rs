//! What the team sets: schedules, checks, a guard rule and a route by one file, and a pause.

use std::time::Duration;

use http::Method;
use serde_json::json;
use tokio::time::sleep;

use crate::calls::{Calls, DemoError};

/// The names end in `.invalid`, which leads nowhere: nothing is ever sent to anyone.
const FILE: &str = include_str!("settings.yaml");

/// How long guard may need to count what was sent.
const GUARD_TRIES: u32 = 20;
const GUARD_EVERY: Duration = Duration::from_millis(500);

/// Applies the file: the same again changes nothing.
pub(crate) async fn apply(calls: &Calls) -> Result<(), DemoError> {
    let body = json!({ "yaml": FILE, "env": { "DEMO_OPS_URL": "https://alerts.demo.invalid/hook" } });
    calls.manage(&Method::PUT, "/v1/config", Some(&body)).await.map(drop)
}

/// An operator has paused one of the agents. It is there once it has reported.
pub(crate) async fn pause(calls: &Calls) -> Result<(), DemoError> {
    let body = json!({ "note": "The CRM's token has expired; back on Monday" });
    calls.manage(&Method::PUT, "/v1/agents/sales-outreach/pause", Some(&body)).await.map(drop)
}

/// Whether guard blocks the agent that spends too much.
pub(crate) async fn is_blocked(calls: &Calls) -> Result<bool, DemoError> {
    let body = json!({ "agent": "research-agent" });
    for _ in 0..GUARD_TRIES {
        let answer = calls.manage(&Method::POST, "/v1/guard/check", Some(&body)).await?;
        if answer["decision"] == "block" {
            return Ok(true);
        }
        sleep(GUARD_EVERY).await;
    }
    Ok(false)
}
