//! A run as readers see it.

use serde::Serialize;
use tidegate_domain::timestamp::{iso, iso_option};
use tidegate_domain::usd::decimal;
use tidegate_domain::{FinishStatus, FreeJson, Run, RunId, RunStatus, Slug, Timestamp, Usd};
use utoipa::ToSchema;

/// A run without its events, as it stands at the time of the answer. Members that are unknown are absent.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunSummary {
    #[schema(value_type = String, example = "run_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5")]
    pub id: RunId,
    /// The agent's slug.
    #[schema(value_type = String, example = "invoice-matcher")]
    agent: Slug,
    status: Status,
    /// By the client's clock.
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// By the client's clock. Of a run closed by silence, when its last activity was received.
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    finished_at: Option<Timestamp>,
    /// When the run's opening was received, by the server's clock.
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    /// As reported, else from `started_at` to `finished_at`. Absent while the run is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    duration_ms: Option<u64>,
    /// US dollars, exact: what its model calls cost, plus what heartbeats reported.
    #[serde(serialize_with = "decimal")]
    #[schema(value_type = f64, minimum = 0)]
    cost_usd: Usd,
    /// An event told of an error. Apart from `status`: a run may succeed after a call that failed.
    errored: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    customer_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    feature: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    parent_run_id: Option<RunId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    goal: Option<String>,
    /// The start's, with the finish's merged over it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    metadata: Option<FreeJson>,
    /// Any JSON value, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value, required = false)]
    output: Option<FreeJson>,
    /// Names to numbers, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    scores: Option<FreeJson>,
    /// As a heartbeat reported it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    input_tokens: Option<u64>,
    /// As a heartbeat reported it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    output_tokens: Option<u64>,
    /// After this much silence the run counts as closed, until it speaks again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u32, required = false)]
    idle_timeout_seconds: Option<u32>,
    /// What it then counts as.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Status, required = false)]
    idle_timeout_status: Option<Status>,
}

/// How a run stands.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Running,
    Success,
    Failed,
    Timeout,
    Cancelled,
}

impl RunSummary {
    /// The run as seen at `now`; `None` for one without an opening, which nobody is shown.
    pub fn of(id: RunId, run: &Run, now: Timestamp) -> Option<Self> {
        let opening = run.opening()?;
        let start = &opening.start;
        Some(RunSummary {
            id,
            agent: start.agent.clone(),
            status: run.status_at(now).into(),
            started_at: start.started_at,
            finished_at: run.finished_at(now),
            received_at: opening.received_at,
            duration_ms: run.duration_ms(now),
            cost_usd: run.cost(),
            errored: run.errored,
            customer_id: start.customer_id.clone().map(Into::into),
            feature: start.feature.clone().map(Into::into),
            parent_run_id: start.parent_run_id,
            goal: start.goal.clone(),
            metadata: run.metadata(),
            output: run.output(),
            scores: run.finish.as_ref().and_then(|finish| finish.scores.clone()),
            input_tokens: run.reported(|reported| reported.input_tokens),
            output_tokens: run.reported(|reported| reported.output_tokens),
            idle_timeout_seconds: start.idle.map(|idle| idle.timeout_s),
            idle_timeout_status: start.idle.map(|idle| idle.status.into()),
        })
    }

    /// How many bytes of free JSON it carries: what makes an answer large.
    pub fn free_json_bytes(&self) -> usize {
        [&self.metadata, &self.output, &self.scores].into_iter().flatten().map(|json| json.as_str().len()).sum()
    }
}

impl From<RunStatus> for Status {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::Running => Status::Running,
            RunStatus::Success => Status::Success,
            RunStatus::Failed => Status::Failed,
            RunStatus::Timeout => Status::Timeout,
            RunStatus::Cancelled => Status::Cancelled,
        }
    }
}

impl From<FinishStatus> for Status {
    fn from(status: FinishStatus) -> Self {
        RunStatus::from(status).into()
    }
}
