//! The API of a team, asked within the process in the name of a visitor's session: what it checks, limits and notes down for
//! a client it does so for a page. No request leaves the process.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tidegate_agentping::CredentialHash;
use tidegate_control::NamesOnce;

use crate::holders::as_credential;
use crate::problem::Problem;

/// Bytes of an answer at most; lists are pages.
const ANSWER_BYTES: usize = 8 << 20;

/// The API, whose callers are sessions.
pub(crate) struct TeamApi(TowerToHyperService<Router>);

impl TeamApi {
    pub fn new(routes: Router) -> Self {
        TeamApi(TowerToHyperService::new(routes))
    }

    /// Asks it in the name of the session that a key with this hash began. What names mean is handed on.
    ///
    /// # Errors
    /// [`Problem::Defect`]: the answer is not what the API answers.
    pub async fn call(
        &self,
        session: CredentialHash,
        names: Arc<NamesOnce>,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Bytes), Problem> {
        let defect = |cause: String| Problem::Defect { cause };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(AUTHORIZATION, format!("Bearer {}", as_credential(session)))
            .header(CONTENT_TYPE, "application/json")
            .extension(names)
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .map_err(|error| defect(error.to_string()))?;
        let Ok(answer) = self.0.call(request).await;
        let status = answer.status();
        let bytes = to_bytes(answer.into_body(), ANSWER_BYTES).await.map_err(|error| defect(error.to_string()))?;
        Ok((status, bytes))
    }
}
