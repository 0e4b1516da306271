//! The front door's port: its routes with their description, and how they are served.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use tidegate_door::openapi::description_route;
use tidegate_door::{ServeReport, serve, stamped, traffic_routes};
use tokio::net::TcpListener;
use tracing::warn;

use crate::answer::Answer;
use crate::call;
use crate::front_door::FrontDoor;
use crate::openapi;

impl FrontDoor {
    /// The routes of all endpoints, `/openapi.json`, `/healthz` and `/`, and the answers to everything else.
    ///
    /// # Panics
    /// Never: a description is plain data, and always serializes.
    pub fn router(self: Arc<Self>) -> Router {
        let (routes, description) = openapi::routes().split_for_parts();
        let text = serde_json::to_vec(&description).expect("a description is plain data, and always serializes");
        let traffic = stamped(traffic_routes("Tidegate AgentGate", self.draining.clone()), &self);
        routes
            .merge(description_route(text.into(), Answer::description))
            .merge(traffic)
            .method_not_allowed_fallback(unrouted)
            .fallback(unrouted)
            .with_state(self)
    }

    /// Serves until `shutdown` completes, then stops in order. Work that its client has left is waited for too.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, shutdown: impl Future<Output = ()>) -> ServeReport {
        let options = self.config.serve;
        let shutdown = self.draining.noting(shutdown);
        let mut report = serve(listener, Arc::clone(&self).router(), options, shutdown).await;
        let left = self.in_flight.drained(options.drain_deadline).await;
        if left > 0 {
            warn!(left, "requests were still under way when the front door stopped");
            report.cut = report.cut.max(left as u64);
        }
        report
    }
}

async fn unrouted(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    call::unrouted(door, request).await
}
