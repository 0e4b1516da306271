//! The OpenAPI 3.1 description of this port, generated from the routes themselves.

use std::sync::Arc;

use tidegate_door::openapi::{Transport, add_transport};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::endpoints::{events, finish, heartbeats, ping, runs};
use crate::ingest::Ingest;
use crate::refusal_shapes::ErrorBody;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tidegate ingest API",
        description = "What AI agents report: runs, events, heartbeats. `202` is sent once the record is safe; a repeat \
                       of what is there is `200`. What is taken in has a receipt in `X-Tidegate-Receipt`: opaque, no \
                       secret; `GET /v1/receipts/{receipt}` of the read API tells for 30 days what became of the \
                       record. Every answer carries `x-request-id`, and every `429` and `503` \
                       `Retry-After` in whole seconds.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ErrorBody)),
    modifiers(&Credentials),
)]
struct Frame;

/// Where a credential may be sent.
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        add_transport(
            description,
            "bearer",
            Transport::Bearer { form: "apk_<region>_<32 hex> or ping_<region>_<32 hex>" },
            "A team API key, or for heartbeats a ping token.",
        );
        add_transport(
            description,
            "key_header",
            Transport::Header { name: "X-AgentPing-Key" },
            "The same credential, for proxies that strip `Authorization`. Not looked at where `Authorization` is sent.",
        );
        add_transport(
            description,
            "key_query",
            Transport::Query { name: "key" },
            "The same credential in the URL, for pings only. Not looked at where a header is sent.",
        );
    }
}

/// The routes that are described are the routes that are served.
pub(crate) fn routes() -> OpenApiRouter<Arc<Ingest>> {
    OpenApiRouter::with_openapi(Frame::openapi())
        .routes(routes!(runs::open))
        .routes(routes!(events::append))
        .routes(routes!(finish::close))
        .routes(routes!(heartbeats::beat))
        .routes(routes!(ping::ping))
}

/// The description of this port, as served at `/openapi.json`.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}

/// The same as text, as it is checked in.
///
/// # Errors
/// None in practice: a description is plain data.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    text(&openapi())
}

/// A description as text.
pub(crate) fn text(description: &utoipa::openapi::OpenApi) -> Result<String, serde_json::Error> {
    description.to_pretty_json().map(|text| text + "\n")
}

#[cfg(test)]
mod tests;
