//! A server that takes heartbeats and nothing else. It keeps what it is sent.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long a test waits for what must come.
const DEADLINE: Duration = Duration::from_secs(60);
pub const TOKEN: &str = "ping_eu_0123456789abcdef0123456789abcdef";

/// How a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Takes,
    /// With this status, and a code and a message.
    Refuses(u16),
    /// Never.
    Hangs,
}

#[derive(Clone)]
pub struct FrontDoor {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    mood: Mutex<Mood>,
    bodies: Mutex<Vec<Value>>,
    count: watch::Sender<usize>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl FrontDoor {
    pub async fn start(mood: Mood) -> Self {
        FrontDoor::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), mood)
    }

    pub fn on(listener: TcpListener, mood: Mood) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Inner {
            mood: Mutex::new(mood),
            bodies: Mutex::default(),
            count: watch::Sender::new(0),
            task: Mutex::default(),
        };
        let door = FrontDoor { url, inner: Arc::new(inner) };
        let routes = Router::new().route("/v1/heartbeats", post(heartbeat)).with_state(door.clone());
        *door.inner.task.lock().unwrap() = Some(tokio::spawn(async move { _ = axum::serve(listener, routes).await }));
        door
    }

    pub fn set(&self, mood: Mood) {
        *self.inner.mood.lock().unwrap() = mood;
    }

    /// What was sent, in the order of its arrival, taken or not.
    pub fn bodies(&self) -> MutexGuard<'_, Vec<Value>> {
        self.inner.bodies.lock().unwrap()
    }

    /// The reports with this status.
    pub fn with_status(&self, status: &str) -> Vec<Value> {
        self.bodies().iter().filter(|body| body["status"] == status).cloned().collect()
    }

    /// Waits until so many reports have come.
    pub async fn until(&self, count: usize) {
        let mut counted = self.inner.count.subscribe();
        let wait = counted.wait_for(|came| *came >= count);
        tokio::time::timeout(DEADLINE, wait).await.unwrap_or_else(|_| panic!("no {count} reports")).unwrap();
    }
}

async fn heartbeat(State(door): State<FrontDoor>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"));
    let mood = *door.inner.mood.lock().unwrap();
    door.bodies().push(body);
    door.inner.count.send_modify(|count| *count += 1);
    match mood {
        Mood::Takes => (StatusCode::ACCEPTED, Json(json!({}))).into_response(),
        Mood::Refuses(status) => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, Json(json!({"error": "the_code", "message": "the message"}))).into_response()
        }
        Mood::Hangs => std::future::pending().await,
    }
}
