//! Calls that find no route, or no method of one: they are counted and answered as every other request.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;

use crate::api::{Api, Entered};
use crate::endpoint_routes::refuse;
use crate::frame::framed;
use crate::likely_call::likely_call;

/// The routes, and the answers to everything else.
pub fn with_fallbacks<A: Api>(routes: Router<Arc<A>>) -> Router<Arc<A>> {
    routes.method_not_allowed_fallback(other_method::<A>).fallback(unknown_route::<A>)
}

async fn unknown_route<A: Api>(State(api): State<Arc<A>>, request: Request) -> Response {
    let refuse = async |entered: Entered<A>| {
        let likely = likely_call(A::ROUTES, A::PORT, &entered.parts.method, entered.parts.uri.path());
        let refused = A::unknown_route(&entered.parts, likely);
        Err(A::unrouted(entered, refused).await)
    };
    framed(api, A::OTHER, request, refuse).await
}

/// Routes without a refusal of their own are those that every port has, which are read.
async fn other_method<A: Api>(State(api): State<Arc<A>>, request: Request) -> Response {
    refuse(api, A::OTHER, "GET, HEAD", request).await
}
