//! The OpenAPI 3.1 description, generated from the routes themselves.

use std::sync::Arc;

use tidegate_door::openapi::{Transport, add_transport};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::reads::Reads;
use crate::refusal_shapes::ErrorBody;
use crate::{agents, listing, receipt, run, spend, usage};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tidegate read API",
        description = "What a team's runs, agents, usage and spend are, and what became of its records. Every answer is \
                       within the team of the API key that asks. Every answer carries `x-request-id` (the one sent, if it was usable) and `Cache-Control: no-store`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ErrorBody)),
    modifiers(&Keys),
)]
struct Description;

/// Where an API key may be sent.
struct Keys;

impl Modify for Keys {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        add_transport(
            description,
            "bearer",
            Transport::Bearer { form: "apk_<region>_<32 hex>" },
            "One of the team's API keys.",
        );
        add_transport(
            description,
            "key_header",
            Transport::Header { name: "X-AgentPing-Key" },
            "The same key, for proxies that strip `Authorization`. Not looked at where `Authorization` is sent.",
        );
    }
}

/// The routes that the description is generated from: a route cannot be served and not be described.
pub(crate) fn routes() -> OpenApiRouter<Arc<Reads>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(listing::list))
        .routes(routes!(run::read))
        .routes(routes!(agents::list))
        .routes(routes!(usage::read))
        .routes(routes!(spend::read))
        .routes(routes!(receipt::read))
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
    openapi().to_pretty_json().map(|text| text + "\n")
}
