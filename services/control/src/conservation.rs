//! Conservation, for operators: it is of no one team, so it is shown on the operations port. AgentPing's members stand at
//! the top; each API of commands has a member of its name.

mod look_up;
mod verdict;

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Map, Value, json};
use tidegate_conservation::Conservation;
use tidegate_ports::StoreError;

pub use look_up::StoredRuns;

/// What is shown of one API of commands.
#[async_trait]
pub trait ShowConservation: Send + Sync + 'static {
    /// One JSON object.
    ///
    /// # Errors
    /// It cannot be read.
    async fn show(&self) -> Result<Value, StoreError>;
}

/// Everything that `GET /v1/conservation` shows.
#[derive(Clone, Default)]
pub struct Shown {
    /// `None`: this process does not serve AgentPing.
    pub agentping: Option<Arc<Conservation>>,
    /// By their names.
    pub apis: Vec<(&'static str, Arc<dyn ShowConservation>)>,
}

/// `GET /v1/conservation`.
pub fn routes(shown: Shown) -> Router {
    Router::new().route("/v1/conservation", get(show)).with_state(shown)
}

async fn show(State(shown): State<Shown>) -> Response {
    match shown.read().await {
        Ok(view) => Json(view).into_response(),
        Err(error) => {
            let body = json!({ "error": "unavailable", "message": format!("The accounts cannot be read: {error}.") });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}

impl Shown {
    async fn read(&self) -> Result<Value, StoreError> {
        let mut view = match &self.agentping {
            Some(conservation) => conservation.shown().await?,
            None => Value::Object(Map::new()),
        };
        for (name, api) in &self.apis {
            view[*name] = api.show().await?;
        }
        Ok(view)
    }
}
