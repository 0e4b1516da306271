//! The OpenAPI 3.1 description, generated from the routes themselves.

use std::sync::Arc;

use tidegate_door::openapi::{Transports, of_endpoint};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::endpoint::Endpoint;
use crate::reads::Reads;
use crate::refusal_shapes::ErrorBody;
use crate::{
    agents, alert_routes, audit, badges, checks, configuration, guard, incidents, keys, listing, mail_pages, mute,
    pause, preview, receipt, run, schedule, slots, spend, status, team, team_metrics, tokens, usage,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tidegate read and management API",
        description = "What a team's runs, agents, usage and spend are, what became of its records, and what the team sets. Every answer is \
                       within the team of the API key that asks. Every answer carries `x-request-id` (the one sent, if it was usable) and `Cache-Control: no-store`; a public badge may be kept for 15 seconds.",
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
        .routes(of_endpoint(Endpoint::Agents, routes!(agents::list, agents::one::create)))
        .routes(of_endpoint(Endpoint::Usage, routes!(usage::read)))
        .routes(of_endpoint(Endpoint::Spend, routes!(spend::read)))
        .routes(of_endpoint(Endpoint::Receipt, routes!(receipt::read)))
        .routes(of_endpoint(Endpoint::SchedulePreview, routes!(preview::read)))
        .merge(managed_routes())
}

/// Those of what a team sets.
fn managed_routes() -> OpenApiRouter<Arc<Reads>> {
    OpenApiRouter::new()
        .routes(of_endpoint(Endpoint::Agent, routes!(agents::one::read, agents::one::patch, agents::one::delete)))
        .routes(of_endpoint(Endpoint::AgentRename, routes!(agents::rename::rename)))
        .routes(of_endpoint(Endpoint::Schedule, routes!(schedule::read, schedule::put, schedule::delete)))
        .routes(of_endpoint(Endpoint::Pause, routes!(pause::put_agent, pause::delete_agent)))
        .routes(of_endpoint(Endpoint::TeamPause, routes!(pause::put_team, pause::delete_team)))
        .routes(of_endpoint(Endpoint::Mute, routes!(mute::put_agent, mute::delete_agent)))
        .routes(of_endpoint(Endpoint::RouteMute, routes!(mute::put_route, mute::delete_route)))
        .routes(of_endpoint(Endpoint::TeamMute, routes!(mute::put_team, mute::delete_team)))
        .routes(of_endpoint(Endpoint::Team, routes!(team::read, team::patch)))
        .routes(of_endpoint(Endpoint::Keys, routes!(keys::list)))
        .routes(of_endpoint(Endpoint::Tokens, routes!(tokens::list, tokens::create)))
        .routes(of_endpoint(Endpoint::TeamTokens, routes!(tokens::of_team::list)))
        .routes(of_endpoint(Endpoint::Token, routes!(tokens::delete)))
        .routes(of_endpoint(Endpoint::TokenRotation, routes!(tokens::rotate)))
        .routes(of_endpoint(Endpoint::Audit, routes!(audit::list)))
        .routes(of_endpoint(Endpoint::Config, routes!(configuration::read, configuration::apply)))
        .routes(of_endpoint(Endpoint::ConfigDiff, routes!(configuration::compare)))
        .routes(of_endpoint(Endpoint::GuardCheck, routes!(guard::check::check)))
        .routes(of_endpoint(Endpoint::GuardRules, routes!(guard::rules::list, guard::rules::create)))
        .routes(of_endpoint(
            Endpoint::GuardRule,
            routes!(guard::rules::read, guard::rules::patch, guard::rules::delete),
        ))
        .routes(of_endpoint(Endpoint::GuardBlocks, routes!(guard::blocks::list)))
        .routes(of_endpoint(Endpoint::GuardBlock, routes!(guard::blocks::read)))
        .routes(of_endpoint(Endpoint::AgentChecks, routes!(checks::list, checks::create)))
        .routes(of_endpoint(Endpoint::Check, routes!(checks::one::read, checks::one::patch, checks::one::delete)))
        .routes(of_endpoint(Endpoint::CheckTrial, routes!(checks::trial::attempt)))
        .routes(of_endpoint(Endpoint::RunChecks, routes!(checks::of_run::read)))
        .routes(of_endpoint(Endpoint::Slots, routes!(slots::list)))
        .routes(of_endpoint(Endpoint::Incidents, routes!(incidents::list)))
        .routes(of_endpoint(Endpoint::Incident, routes!(incidents::read)))
        .routes(of_endpoint(Endpoint::Status, routes!(status::read)))
        .routes(of_endpoint(Endpoint::TeamMetrics, routes!(team_metrics::read)))
        .routes(of_endpoint(Endpoint::Badges, routes!(badges::list, badges::create)))
        .routes(of_endpoint(Endpoint::Badge, routes!(badges::delete)))
        .routes(of_endpoint(Endpoint::PublicBadge, routes!(badges::public::read)))
        .merge(alert_routes())
}

/// Those of routes and their messages.
fn alert_routes() -> OpenApiRouter<Arc<Reads>> {
    OpenApiRouter::new()
        .routes(of_endpoint(Endpoint::Routes, routes!(alert_routes::list, alert_routes::create)))
        .routes(of_endpoint(Endpoint::Route, routes!(alert_routes::read, alert_routes::patch, alert_routes::delete)))
        .routes(of_endpoint(Endpoint::RouteTest, routes!(alert_routes::asking::test)))
        .routes(of_endpoint(Endpoint::RouteSecret, routes!(alert_routes::asking::rotate)))
        .routes(of_endpoint(Endpoint::Deliveries, routes!(alert_routes::deliveries::list)))
        .routes(of_endpoint(Endpoint::Resend, routes!(alert_routes::deliveries::resend)))
        .routes(of_endpoint(Endpoint::Confirm, routes!(mail_pages::ask_to_confirm, mail_pages::confirm)))
        .routes(of_endpoint(Endpoint::Unsubscribe, routes!(mail_pages::ask_to_unsubscribe, mail_pages::unsubscribe)))
}

/// The description of this port, as served at `/openapi.json`.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}
