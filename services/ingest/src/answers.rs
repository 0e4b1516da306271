//! What is answered to a request that was taken in (AgentPing: endpoints). Members that are not known are left out.

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use tidegate_admission::Repeat;
use tidegate_agentping::{FinishStatus, HeartbeatStatus, Receipt, RunId, RunStatus, Slug};
use tidegate_door::entry::with_type;
use tidegate_door::{Answered, RequestOutcome};
use tidegate_kernel::timestamp::{iso, iso_option};
use tidegate_kernel::usd::decimal_option;
use tidegate_kernel::{Timestamp, Usd};
use utoipa::ToSchema;

use crate::refusal_table::Problem;

pub(crate) const JSON: &str = "application/json";
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";
const RECEIPT: HeaderName = HeaderName::from_static("x-tidegate-receipt");
const REPEAT: HeaderName = HeaderName::from_static("x-tidegate-repeat");
const IGNORED: HeaderName = HeaderName::from_static("x-tidegate-ignored");

/// An answer ready to be sent.
pub struct Answer {
    /// Whether anything of the request was new.
    pub fresh: bool,
    pub status: StatusCode,
    pub content_type: &'static str,
    pub body: Bytes,
    /// Of the record that was appended.
    pub receipt: Option<HeaderValue>,
    /// What a repeat repeats.
    pub repeat: Option<HeaderValue>,
    /// Parameters of a ping that mean nothing here.
    pub ignored: Option<HeaderValue>,
}

impl Answer {
    /// With the receipt of what was new. A repeat has none, even where it went on the log once more as a sign of life.
    #[must_use]
    pub fn with_receipt(self, receipt: Option<Receipt>) -> Self {
        let receipt = receipt.filter(|_| self.fresh);
        // Its text is ASCII.
        let value = receipt.and_then(|receipt| HeaderValue::from_bytes(receipt.text().as_bytes()).ok());
        Answer { receipt: value, ..self }
    }

    /// Says of a repeat when the call that stands was received, and, where this one says another status, which stands in
    /// the endpoint's own words.
    #[must_use]
    pub fn with_repeat(self, repeat: Option<Repeat>, word: impl Fn(FinishStatus) -> &'static str) -> Self {
        let text = repeat.map(|Repeat { first_received_at, stands_as, .. }| match stands_as {
            None => format!("first seen {first_received_at}"),
            Some(status) => format!("first seen {first_received_at}; status stays {}", word(status)),
        });
        // Its text is ASCII.
        Answer { repeat: text.and_then(|text| HeaderValue::try_from(text).ok()), ..self }
    }

    /// With the names of parameters that mean nothing here.
    #[must_use]
    pub fn with_ignored(self, names: Option<String>) -> Self {
        Answer { ignored: names.and_then(|names| HeaderValue::try_from(names).ok()), ..self }
    }

    /// `202` for what is new, `200` for a repeat.
    pub fn json(fresh: bool, body: &impl Serialize) -> Result<Self, Problem> {
        let status = if fresh { StatusCode::ACCEPTED } else { StatusCode::OK };
        Answer::json_with(fresh, status, body)
    }

    pub fn json_with(fresh: bool, status: StatusCode, body: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(body).map_err(|_| Problem::Panicked)?;
        Ok(Answer::plain(fresh, status, JSON, body.into()))
    }

    /// A ping's `OK`.
    pub fn ok_text(fresh: bool) -> Self {
        Answer::plain(fresh, StatusCode::OK, TEXT, Bytes::from_static(b"OK\n"))
    }

    /// The description of this port.
    pub fn description(text: Bytes) -> Self {
        Answer::plain(true, StatusCode::OK, JSON, text)
    }

    fn plain(fresh: bool, status: StatusCode, content_type: &'static str, body: Bytes) -> Self {
        Answer { fresh, status, content_type, body, receipt: None, repeat: None, ignored: None }
    }
}

impl Answered for Answer {
    const OUTCOMES: &'static [RequestOutcome] = &[RequestOutcome::Accepted, RequestOutcome::Repeated];

    fn outcome(&self) -> RequestOutcome {
        if self.fresh { RequestOutcome::Accepted } else { RequestOutcome::Repeated }
    }

    fn into_response(self) -> Response {
        let mut response = with_type(self.content_type, self.body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        for (name, value) in [(REPEAT, self.repeat), (RECEIPT, self.receipt), (IGNORED, self.ignored)] {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// A run as opened.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenedRun {
    #[schema(value_type = String, example = "run_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6")]
    pub id: RunId,
    #[schema(value_type = String, example = "daily-summary")]
    pub agent: Slug,
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime, example = "2026-05-15T14:32:01.123Z")]
    pub started_at: Timestamp,
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    /// `running`, or how the run ended if it is closed already.
    #[schema(value_type = String, example = "running")]
    pub status: RunStatus,
}

/// An accepted batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct TakenEvents {
    #[schema(value_type = String)]
    pub run_id: RunId,
    /// Events that were new.
    pub accepted: u32,
    /// Events that were stored before.
    pub duplicates: u32,
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
}

/// A run as closed, as far as it is known: a finish may come before its start.
#[derive(Debug, Serialize, ToSchema)]
pub struct FinishedRun {
    #[schema(value_type = String)]
    pub id: RunId,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub agent: Option<Slug>,
    #[schema(value_type = String, example = "success")]
    pub status: RunStatus,
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub received_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    #[serde(serialize_with = "decimal_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub cost_usd: Option<Usd>,
}

/// A heartbeat as taken in. One that only opens its run has neither `finished_at` nor `duration_ms`.
#[derive(Debug, Serialize, ToSchema)]
pub struct TakenHeartbeat {
    #[schema(value_type = String)]
    pub id: RunId,
    #[schema(value_type = String)]
    pub agent: Slug,
    #[schema(value_type = String, example = "ok")]
    pub status: HeartbeatStatus,
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    #[serde(serialize_with = "decimal_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, example = 0.084)]
    pub cost_usd: Option<Usd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// An accepted ping, for clients that ask for JSON.
#[derive(Debug, Serialize, ToSchema)]
pub struct TakenPing {
    #[schema(value_type = String)]
    pub id: RunId,
    #[schema(value_type = String)]
    pub agent: Slug,
    #[schema(value_type = String, example = "ok")]
    pub status: HeartbeatStatus,
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
}

/// The heartbeat word for a run's end.
pub(crate) fn closing_word(status: FinishStatus) -> &'static str {
    HeartbeatStatus::of_finish(status).as_str()
}

/// The word for a run's end.
pub(crate) fn finish_word(status: FinishStatus) -> &'static str {
    RunStatus::from(status).as_str()
}

/// The heartbeat word for how a run stands.
pub(crate) fn heartbeat_word(status: RunStatus) -> HeartbeatStatus {
    match status {
        RunStatus::Running => HeartbeatStatus::Start,
        RunStatus::Success => HeartbeatStatus::Ok,
        RunStatus::Failed | RunStatus::Cancelled => HeartbeatStatus::Fail,
        RunStatus::Timeout => HeartbeatStatus::Timeout,
    }
}
