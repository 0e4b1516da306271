//! The bodies of the worker API.

use std::time::Duration;

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Lease, MOST_ID_BYTES, Renewal, USUAL_LEASE};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeaseRequest<'a> {
    pub worker: &'a str,
    pub wait_seconds: u64,
}

/// An answer to a request for a lease. Without a run it has no members.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LeaseAnswer {
    run: Option<String>,
    token: Option<u64>,
    expires_at: Option<String>,
    work_order_id: Option<String>,
    work_order: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct WorkOrderId {
    id: Option<String>,
}

/// Reads the answer to a request for a lease. `date` is the answer's `Date` header: the end of the lease is by the
/// server's clock, so its length is found without ours.
pub fn lease(body: &[u8], date: Option<&str>) -> Result<Option<Lease>, String> {
    let answer: LeaseAnswer = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let Some(run) = answer.run else { return Ok(None) };
    let (Some(token), Some(work_order)) = (answer.token, answer.work_order) else {
        return Err("it has no token or no workOrder".to_owned());
    };
    let inner_id = || serde_json::from_str::<WorkOrderId>(work_order.get()).ok().and_then(|order| order.id);
    let work_order_id = answer.work_order_id.or_else(inner_id);
    for id in [Some(&run), work_order_id.as_ref()].into_iter().flatten() {
        // Ids become parts of paths and of an environment.
        if id.is_empty() || id.len() > MOST_ID_BYTES || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("{id:?} is no id"));
        }
    }
    let length = length(answer.expires_at.as_deref(), date).unwrap_or(USUAL_LEASE);
    Ok(Some(Lease { run, token, length, work_order_id, work_order }))
}

/// The time from `date` (RFC 9110, whole seconds) to `expires_at` (RFC 3339).
fn length(expires_at: Option<&str>, date: Option<&str>) -> Option<Duration> {
    let expires_at = DateTime::parse_from_rfc3339(expires_at?).ok()?;
    let date = DateTime::parse_from_rfc2822(date?).ok()?;
    // Over already, as a short lease may be by whole seconds: it is renewed at once.
    Some(expires_at.signed_duration_since(date).to_std().unwrap_or_default())
}

#[derive(Debug, Serialize)]
pub struct Progress<'a> {
    pub token: u64,
    pub iterations: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<&'a Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProgressAnswer {
    #[serde(default)]
    cancelled: bool,
    expires_at: Option<String>,
}

/// Reads the answer to progress.
pub fn renewal(body: &[u8], date: Option<&str>) -> Result<Renewal, String> {
    let answer: ProgressAnswer = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    Ok(Renewal { is_cancelled: answer.cancelled, length: length(answer.expires_at.as_deref(), date) })
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finish {
    pub token: u64,
    pub status: &'static str,
    pub iterations: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pr_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<RunError>,
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunError {
    pub code: Value,
    pub message: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

/// The error envelope.
#[derive(Deserialize)]
pub struct Problem {
    pub error: ProblemError,
}

#[derive(Deserialize)]
pub struct ProblemError {
    pub code: String,
    #[serde(default)]
    pub message: String,
}
