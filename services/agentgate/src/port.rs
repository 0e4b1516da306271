//! The front door's port: its routes with their description, and how they are served.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use tidegate_door::openapi::with_description;
use tidegate_door::{ServeReport, serve_front_door, stamped, traffic_routes, with_fallbacks};
use tokio::net::TcpListener;

use crate::answer::Answer;
use crate::front_door::FrontDoor;
use crate::openapi;

impl FrontDoor {
    /// The routes of all endpoints, `/openapi.json`, `/healthz` and `/`, and the answers to everything else.
    pub fn router(self: Arc<Self>) -> Router {
        let traffic = stamped(traffic_routes("Tidegate AgentGate", self.draining.clone()), &self);
        let routes = with_description(openapi::routes(), Answer::description).merge(traffic);
        with_fallbacks(routes).with_state(self)
    }

    /// Serves until `shutdown` completes, then stops in order. Work that its client has left is waited for too.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, shutdown: impl Future<Output = ()>) -> ServeReport {
        let (options, router) = (self.config.serve, Arc::clone(&self).router());
        let (draining, in_flight) = (&self.draining, &self.in_flight);
        serve_front_door::<FrontDoor>(listener, router, options, draining, in_flight, shutdown, |_| {}).await
    }
}
