//! A run as readers see it.

use serde::Serialize;
use tidegate_agentping::run::ClockSkew;
use tidegate_agentping::{FinishStatus, Run, RunId, RunStatus, Slug};
use tidegate_kernel::timestamp::{iso, iso_option};
use tidegate_kernel::usd::decimal;
use tidegate_kernel::{FreeJson, Timestamp, Usd};
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
    started_at: Timestamp,
    /// By the client's clock. Of a run closed by silence, when its last activity was received.
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    finished_at: Option<Timestamp>,
    /// When the run's opening was received, by the server's clock.
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    /// As reported, else from `started_at` to `finished_at`. Absent while the run is open, and where it ends before it
    /// starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    duration_ms: Option<u64>,
    /// `finished_at` lies before `started_at`: the clocks that dated them disagree. Absent otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(value_type = bool, required = false)]
    ends_before_start: bool,
    /// The client's clock said of the start, or of the end, what no clock should: more than 24 hours after it was
    /// received (`ahead`), or more than 400 days before (`behind`). What it said stands as it was sent; where it is the
    /// start's, listings and a month's spend go by `received_at`. Absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, pattern = "^(ahead|behind)$")]
    clock_skew: Option<&'static str>,
    /// Calls under this id that close the run again and are no retries: they change nothing. Absent if there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = RepeatedClosings, required = false)]
    repeats: Option<RepeatedClosings>,
    /// US dollars, exact: what its model calls cost, plus what heartbeats reported.
    #[serde(serialize_with = "decimal")]
    #[schema(value_type = f64, minimum = 0)]
    cost_usd: Usd,
    /// Whether the run passed its checks. Absent while it is not judged, where it has none, and where one of them ended in
    /// an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = bool, required = false)]
    pub checks_passed: Option<bool>,
    /// An event reported an error. This is separate from `status`: a run may succeed after a call that failed.
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

/// Calls that close a run which is closed: an id that is in use again.
#[derive(Serialize, ToSchema)]
pub(crate) struct RepeatedClosings {
    /// How many: those that say another status, or come more than ten minutes after the first, and retries that the
    /// front door could not distinguish from new calls.
    times: u64,
    /// By the server's clock.
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    last_received_at: Timestamp,
    /// What the last of those said that said another status than the one that stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Status, required = false)]
    other_status: Option<Status>,
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
    /// The run as seen at `now`; `None` for one without an opening, which is not shown.
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
            ends_before_start: run.ends_before_start(now),
            clock_skew: run.clock_skew().map(|skew| match skew {
                ClockSkew::Ahead => "ahead",
                ClockSkew::Behind => "behind",
            }),
            repeats: run.finish.as_ref().and_then(|finish| finish.repeats.as_ref()).map(|repeats| RepeatedClosings {
                times: repeats.times,
                last_received_at: repeats.last_received_at,
                other_status: repeats.other_status.map(Into::into),
            }),
            cost_usd: run.cost(),
            checks_passed: None,
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
