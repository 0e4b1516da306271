//! The front door's port: its routes with their description, and how they are served.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use tidegate_door::openapi::with_description;
use tidegate_door::{ServeReport, serve_front_door, traffic_routes, with_fallbacks};
use tokio::net::TcpListener;

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

    /// Serves until `shutdown` completes, then stops in order. Detached work is awaited, too.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, shutdown: impl Future<Output = ()>) -> ServeReport {
        let (options, router) = (self.config.serve, Arc::clone(&self).router());
        CONNECTIONS_MAX.handle().set(options.max_connections as f64);
        let open = CONNECTIONS_OPEN.handle();
        open.set(0.0);
        let watch = |connections: usize| open.set(connections as f64);
        let (draining, in_flight) = (&self.draining, &self.in_flight);
        serve_front_door::<Ingest>(listener, router, options, draining, in_flight, shutdown, watch).await
    }
}
