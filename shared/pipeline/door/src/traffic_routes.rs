//! What every port for clients answers in addition to its API: `/healthz` for balancers that can probe no other port,
//! and `/` for people. Neither asks for a credential, and neither counts as a request.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use http::header::{CACHE_CONTROL, RETRY_AFTER};
use http::{HeaderName, StatusCode};
use serde_json::json;

use crate::api::Api;
use crate::frame::stamp;

/// Whether a port is about to stop. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    /// `shutdown`, noted once it completes.
    pub fn noting<F: Future<Output = ()>>(&self, shutdown: F) -> impl Future<Output = ()> + use<F> {
        let draining = self.clone();
        async move {
            shutdown.await;
            draining.0.store(true, Ordering::Relaxed);
        }
    }

    pub fn is_draining(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

const NO_STORE: (HeaderName, &str) = (CACHE_CONTROL, "no-store");

/// `/healthz` alone, for a port that has a page at `/`. It is 200 until the stop begins, and 503 while requests are still
/// taken then.
pub fn health_route<S: Clone + Send + Sync + 'static>(draining: Draining) -> Router<S> {
    let health = async move || match draining.is_draining() {
        false => Ok(([NO_STORE], "OK\n")),
        true => Err((StatusCode::SERVICE_UNAVAILABLE, [NO_STORE, (RETRY_AFTER, "1")], "stopping\n")),
    };
    Router::new().route("/healthz", get(health))
}

/// `/` and `/healthz`.
pub fn traffic_routes<S: Clone + Send + Sync + 'static>(service: &'static str, draining: Draining) -> Router<S> {
    let about = async move || {
        let about = json!({ "service": service, "description": "/openapi.json", "health": "/healthz" });
        ([NO_STORE], Json(about))
    };
    health_route(draining).route("/", get(about))
}

/// The same routes, whose answers have request ids.
pub fn stamped<A: Api>(routes: Router<Arc<A>>, api: &Arc<A>) -> Router<Arc<A>> {
    routes.route_layer(from_fn_with_state(api.clone(), with_id::<A>))
}

async fn with_id<A: Api>(State(api): State<Arc<A>>, request: Request, next: Next) -> Response {
    let id = api.request_id(request.headers());
    let mut response = next.run(request).await;
    stamp(&mut response, id);
    response
}
