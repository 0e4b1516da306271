//! The OpenAPI 3.1 description, generated from the routes themselves.

use std::sync::Arc;

use tidegate_door::openapi::{BearerScheme, of_endpoint};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::endpoint::Endpoint;
use crate::endpoints::{
    cancel, credits, run, runs, submit, template, templates, usage, webhook, webhook_test, webhooks, work_order,
};
use crate::front_door::FrontDoor;
use crate::refusal_shapes::ErrorBody;
use crate::worker::{finish, lease, progress};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tidegate AgentGate",
        description = "Work orders for agents, the runs that they make, credits, webhooks and templates, and the API of \
                       the workers that carry runs out. Every answer carries `X-Request-ID` and `Cache-Control: no-store`; \
                       answers to a good key carry `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ErrorBody)),
    modifiers(&CLIENT_KEY, &WORKER_KEY),
)]
struct Description;

const CLIENT_KEY: BearerScheme =
    BearerScheme { name: "key", form: "org_live_<16 to 64 letters and digits>", about: "A key of an organization." };

const WORKER_KEY: BearerScheme =
    BearerScheme { name: "worker_key", form: "agw_live_<16 to 64 letters and digits>", about: "A key of a worker." };

/// The routes that the description is generated from: a route cannot be served and not be described.
pub(crate) fn routes() -> OpenApiRouter<Arc<FrontDoor>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(of_endpoint(Endpoint::Submit, routes!(submit::submit)))
        .routes(of_endpoint(Endpoint::WorkOrder, routes!(work_order::read)))
        .routes(of_endpoint(Endpoint::Runs, routes!(runs::list)))
        .routes(of_endpoint(Endpoint::Run, routes!(run::read)))
        .routes(of_endpoint(Endpoint::Cancel, routes!(cancel::cancel)))
        .routes(of_endpoint(Endpoint::Credits, routes!(credits::read)))
        .routes(of_endpoint(Endpoint::Usage, routes!(usage::list)))
        .routes(of_endpoint(Endpoint::Webhooks, routes!(webhooks::list, webhooks::create)))
        .routes(of_endpoint(Endpoint::Webhook, routes!(webhook::read, webhook::change, webhook::delete)))
        .routes(of_endpoint(Endpoint::WebhookTest, routes!(webhook_test::test)))
        .routes(of_endpoint(Endpoint::Templates, routes!(templates::list, templates::create)))
        .routes(of_endpoint(Endpoint::Template, routes!(template::read, template::change, template::delete)))
        .routes(of_endpoint(Endpoint::Lease, routes!(lease::lease)))
        .routes(of_endpoint(Endpoint::Progress, routes!(progress::progress)))
        .routes(of_endpoint(Endpoint::Finish, routes!(finish::finish)))
}

/// The description of this port, as served at `/openapi.json`.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}
