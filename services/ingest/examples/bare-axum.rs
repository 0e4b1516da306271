//! The yardstick: an axum handler that reads the body and answers `202`, served as axum serves by default. Figures in
//! `docs/performance.md` are ratios to this one, taken in the same run.

use std::io::Write;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::{get, post};

async fn accept(body: Bytes) -> (StatusCode, String) {
    (StatusCode::ACCEPTED, format!("{{\"bytes\":{}}}", body.len()))
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:18090".to_owned());
    let router = Router::new()
        .route("/v1/runs", post(accept))
        .route("/v1/runs/{id}/events", post(accept))
        .route("/v1/heartbeats", post(accept))
        .route("/v1/ping", get(async || "OK\n"));
    let listener = tokio::net::TcpListener::bind(&address).await?;
    writeln!(std::io::stdout(), "bare axum on http://{}", listener.local_addr()?)?;
    axum::serve(listener, router).await
}
