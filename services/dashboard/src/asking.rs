//! What pages ask the API of the visitor's team, and what they change by it.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::parts::value::Members;
use crate::problem::Problem;
use crate::visit::Visit;

impl Visit {
    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(StatusCode, Bytes), Problem> {
        self.pages.api.call(self.viewer.session.hash, self.names.clone(), method, path, body).await
    }

    /// What the API answers to a `GET`; `None` for what it does not have.
    ///
    /// # Errors
    /// It refuses otherwise, or answers something else.
    pub async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Problem> {
        let (status, answer) = self.call(Method::GET, path, None).await?;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            status => answered(status, &answer).map(Some),
        }
    }

    /// The same without a form of its own.
    ///
    /// # Errors
    /// As [`Visit::read`].
    pub async fn look(&self, path: &str) -> Result<Option<Value>, Problem> {
        self.read(path).await
    }

    /// Changes something by the API. What it refuses is said on the page.
    ///
    /// # Errors
    /// It refuses.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Problem> {
        let (status, answer) = self.call(method, path, body).await?;
        answered(status, if answer.is_empty() { b"null" } else { &answer })
    }
}

fn answered<T: DeserializeOwned>(status: StatusCode, answer: &[u8]) -> Result<T, Problem> {
    if status.is_success() {
        return Ok(serde_json::from_slice(answer)?);
    }
    let refusal: Value = serde_json::from_slice(answer).unwrap_or_default();
    let message = said(&refusal);
    Err(match status {
        StatusCode::UNAUTHORIZED => Problem::NoSession,
        StatusCode::NOT_FOUND => Problem::Unknown(message),
        StatusCode::FORBIDDEN => Problem::ReadOnly,
        StatusCode::TOO_MANY_REQUESTS => Problem::Busy,
        StatusCode::SERVICE_UNAVAILABLE => Problem::StoreUnavailable { cause: message, retry_after_s: 1 },
        status if status.is_server_error() => Problem::Defect { cause: message },
        _ => Problem::Declined(message),
    })
}

/// What a refusal says: of a file, each of its faults with its line.
fn said(refusal: &Value) -> String {
    let fault = |fault: &Value| format!("line {}: {}", fault.shown("line"), fault.text("message"));
    let faults: Vec<String> = refusal.rows("faults").iter().map(fault).collect();
    if faults.is_empty() { refusal.text("message").to_owned() } else { faults.join("; ") }
}
