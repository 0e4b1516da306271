//! The operations port: `/healthz`, `/readyz`, `/metrics`. It is meant for the inside of a cluster only.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{StatusCode, header};
use serde_json::json;

use crate::health::Health;

/// What the operations port answers from.
#[derive(Clone)]
pub struct Ops {
    health: Health,
    render_metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

impl Ops {
    /// `render_metrics` gives the text that Prometheus scrapes.
    pub fn new(health: Health, render_metrics: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Ops { health, render_metrics: Arc::new(render_metrics) }
    }

    /// The routes, with `more` beside them.
    pub fn routes(self, more: Router) -> Router {
        Router::new()
            .route("/healthz", get(healthz))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .with_state(self)
            .merge(more)
            .fallback(unknown)
            .method_not_allowed_fallback(wrong_method)
    }
}

/// 200 as long as the process can answer at all.
async fn healthz() -> Response {
    Json(json!({ "alive": true })).into_response()
}

/// 200 when ready, else 503 with the reasons.
async fn readyz(State(ops): State<Ops>) -> Response {
    let readiness = ops.health.readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

async fn metrics(State(ops): State<Ops>) -> Response {
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], (ops.render_metrics)()).into_response()
}

async fn unknown() -> Response {
    let body = json!({ "error": "not_found", "message": "This port serves /healthz, /readyz and /metrics." });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

async fn wrong_method() -> Response {
    let body = json!({ "error": "method_not_allowed", "message": "Use GET." });
    (StatusCode::METHOD_NOT_ALLOWED, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::parts::{Part, Parts};
    use crate::serve::{ServeOptions, ServeReport, serve};

    struct Port {
        address: std::net::SocketAddr,
        part: Part<ServeReport>,
        health: Health,
    }

    async fn open(options: ServeOptions) -> Port {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let health = Health::default();
        let routes = Ops::new(health.clone(), || "tidegate_up 1\n".to_owned()).routes(Router::new());
        let part = Parts::default().start("operations", |stop| serve(listener, routes, options, stop.stopped()));
        Port { address, part, health }
    }

    async fn say(port: &Port, request: &str) -> String {
        let mut stream = TcpStream::connect(port.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn get(port: &Port, path: &str) -> String {
        say(port, &format!("GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")).await
    }

    #[tokio::test]
    async fn each_path_answers_as_it_should() {
        let port = open(ServeOptions::default()).await;
        assert!(get(&port, "/healthz").await.starts_with("HTTP/1.1 200"));
        let starting = get(&port, "/readyz").await;
        assert!(
            starting.starts_with("HTTP/1.1 503") && starting.ends_with(r#"{"ready":false,"reasons":["starting"]}"#)
        );
        port.health.started();
        let ready = get(&port, "/readyz").await;
        assert!(ready.starts_with("HTTP/1.1 200") && ready.ends_with(r#"{"ready":true,"reasons":[]}"#), "{ready}");
        assert!(get(&port, "/metrics").await.ends_with("tidegate_up 1\n"));
        let unknown = get(&port, "/v1/runs").await;
        assert!(unknown.starts_with("HTTP/1.1 404") && unknown.contains(r#""error":"not_found""#), "{unknown}");
        let posted = say(&port, "POST /readyz HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").await;
        assert!(posted.starts_with("HTTP/1.1 405") && posted.contains("method_not_allowed"), "{posted}");
        assert!(port.part.stop().await.unwrap().is_clean());
    }

    #[tokio::test]
    async fn a_half_sent_request_is_cut_off() {
        let options = ServeOptions { header_read_timeout: Duration::from_millis(50), ..ServeOptions::default() };
        let port = open(options).await;
        // Without the timeout this read would never end.
        let answer = say(&port, "GET /healthz HTTP/1.1\r\nHost: he").await;
        assert!(!answer.contains("200 OK"), "{answer}");
    }

    #[tokio::test]
    async fn an_idle_connection_does_not_hold_up_the_stop() {
        let port =
            open(ServeOptions { header_read_timeout: Duration::from_secs(600), ..ServeOptions::default() }).await;
        let mut idle = TcpStream::connect(port.address).await.unwrap();
        idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n").await.unwrap();
        let mut begun = [0; 12];
        idle.read_exact(&mut begun).await.unwrap();
        assert_eq!(&begun, b"HTTP/1.1 200");
        assert!(port.part.stop().await.unwrap().is_clean());
    }
}
