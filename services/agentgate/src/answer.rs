//! What a request is answered with that is not refused.

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use tidegate_door::entry::with_type;
use tidegate_door::{Answered, RequestOutcome};

use crate::rates::RateHeaders;
use crate::refusal::{Refusal, Why};

const JSON: &str = "application/json";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// An answer ready to be sent, and how the request ended.
pub struct Answer {
    outcome: RequestOutcome,
    response: Response,
}

impl Answer {
    /// What was read.
    pub(crate) fn read(body: &impl Serialize) -> Result<Self, Refusal> {
        Ok(Answer::found(json(StatusCode::OK, body)?))
    }

    /// What was read, as a response that holds its permit.
    pub(crate) fn found(response: Response) -> Self {
        Answer { outcome: RequestOutcome::Answered, response }
    }

    /// A command was carried out.
    pub(crate) fn done(status: StatusCode, body: &impl Serialize) -> Result<Self, Refusal> {
        Ok(Answer { outcome: RequestOutcome::Accepted, response: json(status, body)? })
    }

    /// A command was carried out that leaves nothing to say.
    pub(crate) fn gone() -> Self {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        Answer { outcome: RequestOutcome::Accepted, response }
    }

    /// The same as an earlier request with the same idempotency key.
    #[must_use]
    pub(crate) fn replayed(mut self) -> Self {
        self.outcome = RequestOutcome::Repeated;
        self.response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        self
    }

    /// The description of this port.
    pub(crate) fn description(text: Bytes) -> Self {
        Answer::found(with_type(JSON, text))
    }

    /// Puts the rate's headers on.
    #[must_use]
    pub(crate) fn rated(mut self, rate: RateHeaders) -> Self {
        rate.put_on(self.response.headers_mut());
        self
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Result<Response, Refusal> {
    let text = serde_json::to_vec(body).map_err(|error| Why::Defect { cause: error.to_string() })?;
    let mut response = with_type(JSON, text);
    *response.status_mut() = status;
    Ok(response)
}

impl Answered for Answer {
    const OUTCOMES: &'static [RequestOutcome] =
        &[RequestOutcome::Accepted, RequestOutcome::Repeated, RequestOutcome::Answered];

    fn outcome(&self) -> RequestOutcome {
        self.outcome
    }

    fn into_response(self) -> Response {
        self.response
    }
}
