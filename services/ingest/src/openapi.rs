//! The OpenAPI 3.1 description of this port, generated from the routes themselves.

use std::sync::Arc;

use tidegate_door::openapi::{Transports, of_endpoint};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::endpoint::Endpoint;
use crate::endpoints::{events, finish, heartbeats, ping, runs};
use crate::ingest::Ingest;
use crate::refusal_shapes::ErrorBody;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tidegate ingest API",
        description = "What AI agents report: runs, events, heartbeats. `202` is sent once the record is safe; a repeat \
                       of what is there is `200`. What is taken in has a receipt in `X-Tidegate-Receipt`: opaque, no \
                       secret; `GET /v1/receipts/{receipt}` of the read API says for 30 days what became of the \
                       record. Every answer carries `x-request-id`, and every `429` and `503` \
                       `Retry-After` in whole seconds.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ErrorBody)),
    modifiers(&CREDENTIALS),
)]
struct Frame;

const CREDENTIALS: Transports = Transports {
    form: "apk_<region>_<32 hex> or ping_<region>_<32 hex>",
    about: "A team API key, or for heartbeats a ping token.",
    noun: "credential",
    header: "X-AgentPing-Key",
    query: Some(("key", "pings")),
};

/// The routes that are described are the routes that are served.
pub(crate) fn routes() -> OpenApiRouter<Arc<Ingest>> {
    OpenApiRouter::with_openapi(Frame::openapi())
        .routes(of_endpoint(Endpoint::Runs, routes!(runs::open)))
        .routes(of_endpoint(Endpoint::Events, routes!(events::append)))
        .routes(of_endpoint(Endpoint::Finish, routes!(finish::close)))
        .routes(of_endpoint(Endpoint::Heartbeats, routes!(heartbeats::beat)))
        .routes(of_endpoint(Endpoint::Ping, routes!(ping::ping)))
}

/// The description of this port, as served at `/openapi.json`.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}

#[cfg(test)]
mod tests;
