//! The API of a team, asked within the process in the name of a visitor's session: what it checks, limits and notes down for
//! a client it does so for a page. No request leaves the process.

use axum::Router;
use axum::body::{Body, to_bytes};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tidegate_agentping::CredentialHash;

use crate::holders::as_credential;
use crate::problem::Problem;
use crate::visit::Visit;

/// Bytes of an answer at most; lists are pages.
const ANSWER_BYTES: usize = 8 << 20;

/// The API, whose callers are sessions.
pub(crate) struct TeamApi(TowerToHyperService<Router>);

impl TeamApi {
    pub fn new(routes: Router) -> Self {
        TeamApi(TowerToHyperService::new(routes))
    }

    async fn call(
        &self,
        session: CredentialHash,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), Problem> {
        let defect = |cause: String| Problem::Defect { cause };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(AUTHORIZATION, format!("Bearer {}", as_credential(session)))
            .header(CONTENT_TYPE, "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .map_err(|error| defect(error.to_string()))?;
        let Ok(answer) = self.0.call(request).await;
        let status = answer.status();
        let bytes = to_bytes(answer.into_body(), ANSWER_BYTES).await.map_err(|error| defect(error.to_string()))?;
        let value = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? };
        Ok((status, value))
    }
}

impl Visit {
    /// What the API answers to a `GET`; `None` for what it does not have.
    ///
    /// # Errors
    /// It refuses otherwise.
    pub async fn read(&self, path: &str) -> Result<Option<Value>, Problem> {
        let session = self.viewer.session.hash;
        let (status, answer) = self.pages.api.call(session, Method::GET, path, None).await?;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            status => answered(status, answer).map(Some),
        }
    }

    /// Changes something by the API. What it refuses is said on the page.
    ///
    /// # Errors
    /// It refuses.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Problem> {
        let session = self.viewer.session.hash;
        let (status, answer) = self.pages.api.call(session, method, path, body).await?;
        answered(status, answer)
    }
}

fn answered(status: StatusCode, answer: Value) -> Result<Value, Problem> {
    if status.is_success() {
        return Ok(answer);
    }
    let message = answer.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
    Err(match status {
        StatusCode::UNAUTHORIZED => Problem::NoSession,
        StatusCode::NOT_FOUND => Problem::NotFound,
        StatusCode::FORBIDDEN => Problem::ReadOnly,
        StatusCode::TOO_MANY_REQUESTS => Problem::Busy,
        StatusCode::SERVICE_UNAVAILABLE => Problem::StoreUnavailable { cause: message, retry_after_s: 1 },
        status if status.is_server_error() => Problem::Defect { cause: message },
        _ => Problem::Declined(message),
    })
}
