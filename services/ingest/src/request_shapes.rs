//! The shapes of requests, for the description only: bodies are read by [`parse`](crate::parse), which takes nothing
//! over before it is judged. A test holds the members of both together.

use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// A run's opening.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunStart {
    /// Made by the client.
    #[schema(pattern = "^run_(eu|us)_[0-9a-f]{32}$", example = "run_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6")]
    pub id: String,
    /// The agent's name within the team; a new one is made on first sight.
    #[schema(min_length = 1, max_length = 128, example = "daily-summary")]
    pub agent: String,
    /// RFC 3339, kept to the millisecond.
    #[schema(format = DateTime, example = "2026-05-15T14:32:01.123Z")]
    pub started_at: String,
    #[schema(max_length = 256)]
    pub customer_id: Option<String>,
    #[schema(max_length = 256)]
    pub feature: Option<String>,
    /// Flat: text, numbers, booleans, null. Up to 50 keys of 64 bytes, values of 1,024 bytes, 8 KiB in all.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<serde_json::Value>,
    #[schema(pattern = "^run_(eu|us)_[0-9a-f]{32}$")]
    pub parent_run_id: Option<String>,
    #[schema(max_length = 4096)]
    pub goal: Option<String>,
    /// Closes the run after so much silence.
    #[schema(minimum = 60, maximum = 86400)]
    pub idle_timeout_seconds: Option<u32>,
    /// How the run ends then: `success`, `failed`, `timeout` (if absent) or `cancelled`. Only with the seconds.
    #[schema(pattern = "^(success|failed|timeout|cancelled)$")]
    pub idle_timeout_status: Option<String>,
}

/// Events of one run.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventBatch {
    #[schema(min_items = 1, max_items = 50)]
    pub events: Vec<EventItem>,
}

/// One event.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventItem {
    /// Made by the client. Also taken under the name `id`.
    #[schema(pattern = "^evt_(eu|us)_[0-9a-f]{32}$")]
    pub external_id: String,
    #[serde(rename = "type")]
    #[schema(pattern = "^[a-z][a-z0-9_]{0,63}$", example = "llm_call")]
    pub kind: String,
    /// RFC 3339, kept to the millisecond. Also taken under the name `timestamp`.
    #[schema(format = DateTime)]
    pub ts: String,
    /// Any members. An empty list is read as an empty object.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
    /// Which exchange of a conversation, from 1.
    #[schema(minimum = 1)]
    pub turn: Option<u32>,
    /// Alias of `external_id`.
    pub id: Option<String>,
    /// Alias of `ts`.
    pub timestamp: Option<String>,
}

/// A run's closing.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunFinish {
    /// `success`, `failed`, `timeout` or `cancelled`; `error` is read as `failed`.
    #[schema(pattern = "^(success|failed|timeout|cancelled|error)$")]
    pub status: String,
    /// The time of receipt if absent.
    #[schema(format = DateTime)]
    pub finished_at: Option<String>,
    /// Any JSON.
    #[schema(value_type = Option<Value>)]
    pub output: Option<serde_json::Value>,
    /// Names to finite numbers.
    #[schema(value_type = Option<Object>)]
    pub scores: Option<serde_json::Value>,
    /// As of a run's opening, and merged over it.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<serde_json::Value>,
}

/// A run in one call, or one end of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeartbeatBody {
    /// Made by the server if absent.
    #[schema(pattern = "^run_(eu|us)_[0-9a-f]{32}$")]
    pub id: Option<String>,
    #[schema(min_length = 1, max_length = 128)]
    pub agent: String,
    /// `ok` (if absent), `fail`, `start` or `timeout`; `success`, `failed` and `error` are read as `ok` and `fail`.
    #[schema(pattern = "^(ok|fail|start|timeout|success|failed|error)$")]
    pub status: Option<String>,
    /// The time of receipt if absent.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// The time of receipt if absent.
    #[schema(format = DateTime)]
    pub finished_at: Option<String>,
    #[schema(minimum = 0, maximum = 1000000000)]
    pub cost_usd: Option<f64>,
    /// Taken from the times if absent.
    pub duration_ms: Option<u64>,
    /// As of a run's opening.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<serde_json::Value>,
    /// Any JSON.
    #[schema(value_type = Option<Value>)]
    pub output: Option<serde_json::Value>,
    #[schema(max_length = 256)]
    pub customer_id: Option<String>,
    #[schema(max_length = 256)]
    pub feature: Option<String>,
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
}

/// A ping's query. Unknown parameters are passed over unless they look like a slip of these.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PingParameters {
    /// The agent's name.
    pub agent: String,
    /// `ok` (if absent), `fail`, `start` or `timeout`.
    pub status: Option<String>,
    /// The exit status of the job: 0 is `ok`, any other (of 32 bits) `fail`. A `status` sent along must say the same.
    pub exit_code: Option<i64>,
    /// US dollars.
    pub cost_usd: Option<f64>,
    pub duration_ms: Option<u64>,
    /// The run's id; made by the server if absent.
    pub id: Option<String>,
    /// A note of up to 256 characters.
    pub metadata: Option<String>,
}
