//! An API that answers what a test says, in the shapes of the specification (the control side: 9.3 to 9.5).

use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Value, json};

/// Answers each path with what is given for it, and keeps what was asked.
#[derive(Clone)]
pub struct Spoken {
    answers: Arc<Vec<(&'static str, Value)>>,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Spoken {
    pub fn of(answers: Vec<(&'static str, Value)>) -> (Router, Self) {
        let spoken = Spoken { answers: Arc::new(answers), asked: Arc::default() };
        (Router::new().fallback(answer).with_state(spoken.clone()), spoken)
    }

    /// The body of a call that was made.
    #[track_caller]
    pub fn asked(&self, call: &str) -> Value {
        let asked = self.asked.lock().unwrap();
        let found = asked.iter().find(|(one, _)| one == call);
        found.unwrap_or_else(|| panic!("'{call}' is not among {asked:?}")).1.clone()
    }
}

async fn answer(State(spoken): State<Spoken>, request: Request) -> Response {
    let call = format!("{} {}", request.method(), request.uri().path());
    let (parts, body) = request.into_parts();
    assert!(parts.headers["authorization"].to_str().unwrap().starts_with("Bearer "));
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    spoken.asked.lock().unwrap().push((call.clone(), body));
    match spoken.answers.iter().find(|(one, _)| *one == call) {
        Some((_, answer)) => Json(answer.clone()).into_response(),
        None => {
            let body = Json(json!({"error": "not_found", "message": "There is no such thing."}));
            (axum::http::StatusCode::NOT_FOUND, body).into_response()
        }
    }
}
