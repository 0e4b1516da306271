//! The OpenAPI 3.1 description, generated from the routes themselves.

use std::sync::Arc;

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

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
    modifiers(&Keys),
)]
struct Description;

/// Where keys are sent.
struct Keys;

impl Modify for Keys {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let components = description.components.get_or_insert_default();
        for (name, form, about) in [
            ("key", "org_live_<16 to 64 letters and digits>", "A key of an organization."),
            ("worker_key", "agw_live_<16 to 64 letters and digits>", "A key of a worker."),
        ] {
            let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format(form);
            components.add_security_scheme(name, SecurityScheme::Http(bearer.description(Some(about)).build()));
        }
    }
}

/// The routes that the description is generated from: a route cannot be served and not be described.
pub(crate) fn routes() -> OpenApiRouter<Arc<FrontDoor>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(submit::submit))
        .routes(routes!(work_order::read))
        .routes(routes!(runs::list))
        .routes(routes!(run::read))
        .routes(routes!(cancel::cancel))
        .routes(routes!(credits::read))
        .routes(routes!(usage::list))
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhook::read, webhook::change, webhook::delete))
        .routes(routes!(webhook_test::test))
        .routes(routes!(templates::list, templates::create))
        .routes(routes!(template::read, template::change, template::delete))
        .routes(routes!(lease::lease))
        .routes(routes!(progress::progress))
        .routes(routes!(finish::finish))
}

/// The description of this port, as served at `/openapi.json`.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}
