//! What pages ask the API of the visitor's team, and what they change by it.

use http::{Method, StatusCode};
use serde_json::Value;

use crate::problem::Problem;
use crate::visit::Visit;

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
