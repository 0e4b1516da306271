//! A server that has the worker API and nothing else. It keeps what it is sent.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long a test waits for what must come.
pub const DEADLINE: Duration = Duration::from_secs(60);
pub const KEY: &str = "agw_live_for_tests";

/// What the server was sent, and how it answers.
#[derive(Default)]
pub struct Seen {
    /// Work orders that wait for a lease, with their run.
    pub queue: VecDeque<(String, Value)>,
    pub workers: HashSet<String>,
    pub leased: Vec<String>,
    pub progress: Vec<(String, Value)>,
    pub finishes: Vec<(String, Value)>,
    pub cancelled: HashSet<String>,
    /// Runs whose token is old.
    pub taken_away: HashSet<String>,
    /// Every call is answered 401.
    pub refuses_key: bool,
    /// Every call is answered 503.
    pub is_busy: bool,
    /// Calls that were answered 503.
    pub shed: usize,
    /// Results with this status are refused as bad.
    pub refused_status: Option<&'static str>,
    /// The length of leases.
    pub lease_s: i64,
}

#[derive(Clone)]
pub struct Server {
    pub url: String,
    seen: Arc<Mutex<Seen>>,
    changes: watch::Sender<()>,
}

impl Server {
    pub async fn start() -> Server {
        Server::listen(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn listen(listener: TcpListener) -> Server {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Seen { lease_s: 60, ..Seen::default() }));
        let server = Server { url, seen, changes: watch::Sender::new(()) };
        let routes = Router::new()
            .route("/worker/v1/leases", post(lease))
            .route("/worker/v1/runs/{run}/progress", post(progress))
            .route("/worker/v1/runs/{run}/finish", post(finish))
            .with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        server
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// Changes how the server answers.
    pub fn set(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen());
        self.changes.send_replace(());
    }

    pub fn submit(&self, run: &str, work_order: Value) {
        self.set(|seen| seen.queue.push_back((run.to_owned(), work_order)));
    }

    /// Waits until `is_so`.
    pub async fn until(&self, what: &str, is_so: impl Fn(&Seen) -> bool) {
        let mut changes = self.changes.subscribe();
        let wait = changes.wait_for(|()| is_so(&self.seen()));
        tokio::time::timeout(DEADLINE, wait).await.unwrap_or_else(|_| panic!("waited in vain: {what}")).unwrap();
    }

    /// The one report of how a run ended.
    pub async fn finish_of(&self, run: &str) -> Value {
        self.until(&format!("the end of {run}"), |seen| seen.finishes.iter().any(|(name, _)| name == run)).await;
        let seen = self.seen();
        let mut finishes = seen.finishes.iter().filter(|(name, _)| name == run);
        let (_, finish) = finishes.next().unwrap();
        assert!(finishes.next().is_none(), "{run} was finished twice");
        finish.clone()
    }

    /// The end of a lease that is granted or renewed now.
    fn expires_at(&self) -> String {
        let ends_at_s = now_s() + self.seen().lease_s;
        chrono::DateTime::from_timestamp(ends_at_s, 0).unwrap().to_rfc3339()
    }

    /// The refusal that comes before all else, if there is one.
    fn refusal(&self, headers: &HeaderMap) -> Option<Response> {
        let is_known = headers.get("authorization").is_some_and(|value| value == &format!("Bearer {KEY}"));
        if !is_known || self.seen().refuses_key {
            return Some(problem(StatusCode::UNAUTHORIZED, "INVALID_WORKER_KEY"));
        }
        if self.seen().is_busy {
            self.set(|seen| seen.shed += 1);
            return Some(problem(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE"));
        }
        None
    }
}

fn problem(status: StatusCode, code: &str) -> Response {
    (status, Json(json!({"error": {"code": code, "message": "no", "details": {}}}))).into_response()
}

async fn lease(State(server): State<Server>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    if let Some(refusal) = server.refusal(&headers) {
        return refusal;
    }
    let wait = Duration::from_secs(body["waitSeconds"].as_u64().unwrap());
    server.set(|seen| {
        seen.workers.insert(body["worker"].as_str().unwrap().to_owned());
    });
    let mut changes = server.changes.subscribe();
    let _ = tokio::time::timeout(wait, changes.wait_for(|()| !server.seen().queue.is_empty())).await;
    let Some((run, work_order)) = server.seen().queue.pop_front() else { return Json(json!({})).into_response() };
    server.set(|seen| seen.leased.push(run.clone()));
    let expires_at = server.expires_at();
    Json(json!({"run": run, "token": 1, "expiresAt": expires_at, "workOrderId": format!("wo_{run}"), "workOrder": work_order}))
        .into_response()
}

async fn progress(
    State(server): State<Server>,
    Path(run): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if let Some(refusal) = server.refusal(&headers) {
        return refusal;
    }
    server.set(|seen| seen.progress.push((run.clone(), body)));
    if server.seen().taken_away.contains(&run) {
        return problem(StatusCode::CONFLICT, "STALE_TOKEN");
    }
    let is_cancelled = server.seen().cancelled.contains(&run);
    let body = match is_cancelled {
        true => json!({"cancelled": true}),
        false => json!({"cancelled": false, "expiresAt": server.expires_at()}),
    };
    Json(body).into_response()
}

async fn finish(
    State(server): State<Server>,
    Path(run): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if let Some(refusal) = server.refusal(&headers) {
        return refusal;
    }
    if server.seen().taken_away.contains(&run) {
        return problem(StatusCode::CONFLICT, "STALE_TOKEN");
    }
    if server.seen().refused_status.is_some_and(|status| body["status"] == status) {
        return problem(StatusCode::BAD_REQUEST, "INVALID_REQUEST");
    }
    server.set(|seen| seen.finishes.push((run, body)));
    Json(json!({})).into_response()
}

/// The server's clock, in seconds.
fn now_s() -> i64 {
    let now = std::process::Command::new("date").arg("+%s").output().unwrap().stdout;
    String::from_utf8(now).unwrap().trim().parse().unwrap()
}
