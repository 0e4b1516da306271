//! The front door's port: its routes with their description, and how they are served.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use tidegate_door::openapi::with_description;
use tidegate_door::{ServeReport, serve_watched, traffic_routes, with_fallbacks};
use tokio::net::TcpListener;
use tracing::warn;

use crate::answers::Answer;
use crate::ingest::Ingest;
use crate::metrics::{CONNECTIONS_MAX, CONNECTIONS_OPEN};
use crate::openapi;

impl Ingest {
    /// The routes of the five endpoints, `/openapi.json`, `/healthz` and `/`, and the answers to everything else.
    pub fn router(self: Arc<Self>) -> Router {
        let routes = with_description(openapi::routes(), Answer::description)
            .merge(traffic_routes("Tidegate ingest", self.draining.clone()));
        with_fallbacks(routes).with_state(self)
    }

    /// Serves until `shutdown` completes, then stops in order. During the drain grace, requests are still accepted, each as
    /// the last of its connection. Then idle connections are closed, requests in progress end, and the drain deadline
    /// cuts what is left. Detached work is awaited, too.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, shutdown: impl Future<Output = ()>) -> ServeReport {
        let options = self.config.serve;
        let shutdown = self.draining.noting(shutdown);
        CONNECTIONS_MAX.handle().set(options.max_connections as f64);
        let open = CONNECTIONS_OPEN.handle();
        open.set(0.0);
        let watch = |connections: usize| open.set(connections as f64);
        let mut report = serve_watched(listener, self.clone().router(), options, shutdown, watch).await;
        let left = self.in_flight.drained(options.drain_deadline).await;
        if left > 0 {
            warn!(left, "requests were still being taken in when the front door stopped");
            report.cut = report.cut.max(left as u64);
        }
        report
    }
}
