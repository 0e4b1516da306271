//! The routes. Each endpoint's steps stand in its own file, in the order of the gates.

mod events;
mod finish;
mod heartbeats;
mod ping;
mod runs;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use http::header::ORIGIN;
use http::{Method, StatusCode};
use tidegate_agentping::routes::{INGEST, ROUTES};
use tidegate_door::{likely_call, traffic_routes};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answers::{Answer, JSON};
use crate::frame::framed;
use crate::ingest::Ingest;
use crate::openapi;
use crate::outcomes::Endpoint;
use crate::refusal_table::{Problem, WrongMethod};

/// The routes that are described are the routes that are served.
pub(crate) fn described() -> OpenApiRouter<Arc<Ingest>> {
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(routes!(runs::open))
        .routes(routes!(events::append))
        .routes(routes!(finish::close))
        .routes(routes!(heartbeats::beat))
        .routes(routes!(ping::ping))
}

pub(crate) fn router(ingest: Arc<Ingest>) -> Router {
    let (router, _) = described().split_for_parts();
    router
        .route("/openapi.json", get(description))
        .merge(traffic_routes("Tidegate ingest", ingest.draining.clone()))
        .method_not_allowed_fallback(other_method)
        .fallback(unknown_route)
        .with_state(ingest)
}

/// What a client asked for by a method that the route does not have.
async fn other_method(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    let (endpoint, allow) = known_path(request.uri().path());
    let why = wrong_method(&request);
    framed(ingest, endpoint, request, async move |_, _| Err(Problem::MethodNotAllowed { allow, why })).await
}

fn wrong_method(request: &Request) -> WrongMethod {
    if *request.method() == Method::OPTIONS && request.headers().contains_key(ORIGIN) {
        return WrongMethod::Preflight;
    }
    // The route's own methods are named anyway.
    let likely = likely_call(ROUTES, INGEST, request.method(), request.uri().path());
    likely.filter(|likely| !likely.here).map_or(WrongMethod::Mistaken, WrongMethod::Elsewhere)
}

async fn unknown_route(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    let likely = likely_call(ROUTES, INGEST, request.method(), request.uri().path());
    framed(ingest, Endpoint::Other, request, async move |_, _| Err(Problem::NotFound { likely })).await
}

async fn description(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    static TEXT: LazyLock<Option<Bytes>> = LazyLock::new(|| openapi::openapi_json().ok().map(Bytes::from));
    framed(ingest, Endpoint::Other, request, async |_, _| {
        let body = TEXT.clone().ok_or(Problem::Panicked)?;
        Ok(Answer {
            fresh: true,
            status: StatusCode::OK,
            content_type: JSON,
            body,
            receipt: None,
            repeat: None,
            ignored: None,
        })
    })
    .await
}

/// The endpoint of a path that has a route, and its methods.
fn known_path(path: &str) -> (Endpoint, &'static str) {
    match path {
        "/v1/runs" => (Endpoint::Runs, "POST"),
        "/v1/heartbeats" => (Endpoint::Heartbeats, "POST"),
        "/v1/ping" => (Endpoint::Ping, "GET"),
        "/openapi.json" | "/healthz" | "/" => (Endpoint::Other, "GET, HEAD"),
        path if path.ends_with("/events") => (Endpoint::Events, "POST"),
        _ => (Endpoint::Finish, "POST"),
    }
}
