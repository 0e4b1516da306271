//! The OpenAPI 3.1 description, generated from the routes themselves.

use std::sync::Arc;

use tidegate_door::openapi::{Transports, of_endpoint};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::endpoint::Endpoint;
use crate::reads::Reads;
use crate::refusal_shapes::ErrorBody;
use crate::{agents, listing, preview, receipt, run, spend, usage};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tidegate read API",
        description = "What a team's runs, agents, usage and spend are, and what became of its records. Every answer is \
                       within the team of the API key that asks. Every answer carries `x-request-id` (the one sent, if it was usable) and `Cache-Control: no-store`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ErrorBody)),
    modifiers(&CREDENTIALS),
)]
struct Description;

const CREDENTIALS: Transports = Transports {
    form: "apk_<region>_<32 hex>",
    about: "One of the team's API keys.",
    noun: "key",
    header: "X-AgentPing-Key",
    query: None,
};

/// The routes that the description is generated from: a route cannot be served and not be described.
pub(crate) fn routes() -> OpenApiRouter<Arc<Reads>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(of_endpoint(Endpoint::Runs, routes!(listing::list)))
        .routes(of_endpoint(Endpoint::Run, routes!(run::read)))
        .routes(of_endpoint(Endpoint::Agents, routes!(agents::list)))
        .routes(of_endpoint(Endpoint::Usage, routes!(usage::read)))
        .routes(of_endpoint(Endpoint::Spend, routes!(spend::read)))
        .routes(of_endpoint(Endpoint::Receipt, routes!(receipt::read)))
        .routes(of_endpoint(Endpoint::SchedulePreview, routes!(preview::read)))
}

/// The description of this port, as served at `/openapi.json`.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}
