//! The paths of the pages.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use tidegate_door::framed;

use crate::endpoint::Endpoint;
use crate::pages::{actions, settings};
use crate::problem::Problem;
use crate::reads::Pages;
use crate::visit::{change, page};
use crate::{assets, pages, sign_in};

/// What buttons of pages post to.
fn changes() -> Router<Arc<Pages>> {
    let agent = "/teams/{team}/agents/{agent}";
    let routes = Router::new()
        .route("/teams/{team}/pause", change(Endpoint::Change, actions::pause))
        .route("/teams/{team}/resume", change(Endpoint::Change, actions::resume))
        .route("/teams/{team}/mute", change(Endpoint::Change, actions::mute))
        .route("/teams/{team}/unmute", change(Endpoint::Change, actions::unmute))
        .route("/teams/{team}/routes/new", change(Endpoint::Change, pages::routes::add))
        .route("/teams/{team}/guard/rules", change(Endpoint::Change, pages::guard::add))
        .route("/teams/{team}/guard/rules/{id}/delete", change(Endpoint::Change, pages::guard::delete))
        .route("/teams/{team}/routes/{id}/test", change(Endpoint::Change, pages::routes::test))
        .route("/teams/{team}/routes/{id}/digest", change(Endpoint::Change, pages::routes::set_digest))
        .route("/teams/{team}/routes/{id}/delete", change(Endpoint::Change, pages::routes::delete))
        .route("/teams/{team}/deliveries/{id}/resend", change(Endpoint::Change, pages::routes::resend))
        .route("/teams/{team}/config/diff", change(Endpoint::Change, pages::config::diff))
        .route("/teams/{team}/new-agent", change(Endpoint::Change, settings::new_agent))
        .route("/teams/{team}/routes/team", change(Endpoint::Change, settings::team_routes))
        .route("/teams/{team}/routes/{id}/enable", change(Endpoint::Change, settings::enable_route))
        .route("/teams/{team}/routes/{id}/disable", change(Endpoint::Change, settings::disable_route))
        .route("/teams/{team}/routes/{id}/secret", change(Endpoint::Change, pages::routes::rotate_secret))
        .route("/teams/{team}/guard/rules/{id}/enable", change(Endpoint::Change, settings::enable_rule))
        .route("/teams/{team}/guard/rules/{id}/disable", change(Endpoint::Change, settings::disable_rule))
        .route("/teams/{team}/spend/alerts", change(Endpoint::Change, settings::spend_alerts))
        .route("/teams/{team}/keys/tokens", change(Endpoint::Token, pages::keys::make_token))
        .route("/teams/{team}/badges/new", change(Endpoint::Change, settings::new_badge))
        .route("/teams/{team}/badges/{id}/delete", change(Endpoint::Change, settings::delete_badge));
    routes
        .route(&format!("{agent}/tokens/{{id}}/rotate"), change(Endpoint::Token, pages::token::rotate))
        .route(&format!("{agent}/tokens/{{id}}/revoke"), change(Endpoint::Token, pages::token::revoke))
        .route(&format!("{agent}/pause"), change(Endpoint::Change, actions::pause))
        .route(&format!("{agent}/resume"), change(Endpoint::Change, actions::resume))
        .route(&format!("{agent}/mute"), change(Endpoint::Change, actions::mute))
        .route(&format!("{agent}/unmute"), change(Endpoint::Change, actions::unmute))
        .route(&format!("{agent}/schedule"), change(Endpoint::Change, actions::schedule))
        .route(&format!("{agent}/unschedule"), change(Endpoint::Change, actions::unschedule))
        .route(&format!("{agent}/rename"), change(Endpoint::Change, actions::rename))
        .route(&format!("{agent}/describe"), change(Endpoint::Change, settings::describe))
        .route(&format!("{agent}/routes"), change(Endpoint::Change, settings::agent_routes))
        .route(&format!("{agent}/checks"), change(Endpoint::Change, settings::new_check))
        .route(&format!("{agent}/checks/{{id}}/delete"), change(Endpoint::Change, settings::delete_check))
        .route(&format!("{agent}/delete"), change(Endpoint::Change, settings::delete_agent))
}

/// All of them. Paths below those of the dashboard that are no page are refused with one.
pub(crate) fn routes() -> Router<Arc<Pages>> {
    changes()
        .route("/", sign_in::home())
        .route("/login", sign_in::login())
        .route("/logout", sign_in::logout())
        .route("/assets/{*file}", assets::route())
        .route("/teams/{team}", page(Endpoint::Overview, pages::overview::show))
        .route("/teams/{team}/start", page(Endpoint::Start, pages::start::show))
        .route("/teams/{team}/agents", page(Endpoint::Agents, pages::agents::show))
        .route("/teams/{team}/agents/{agent}", page(Endpoint::Agent, pages::agent::show))
        .route("/teams/{team}/agents/{agent}/tokens", change(Endpoint::Token, pages::token::make))
        .route("/teams/{team}/runs", page(Endpoint::Runs, pages::runs::show))
        .route("/teams/{team}/runs/{run}", page(Endpoint::Run, pages::run::show))
        .route("/teams/{team}/runs/{run}/json", page(Endpoint::RunJson, pages::run_json::show))
        .route("/teams/{team}/spend", page(Endpoint::Spend, pages::spend::show))
        .route("/teams/{team}/guard", page(Endpoint::Guard, pages::guard::show))
        .route("/teams/{team}/alerts", page(Endpoint::Alerts, pages::alerts::show))
        .route("/teams/{team}/incidents/{id}", page(Endpoint::Incident, pages::incident::show))
        .route("/teams/{team}/routes", page(Endpoint::Routes, pages::routes::show))
        .route("/teams/{team}/routes/{id}", page(Endpoint::Route, pages::routes::one))
        .route("/teams/{team}/config", page(Endpoint::Config, pages::config::show))
        .route("/teams/{team}/quotas", page(Endpoint::Quotas, pages::quotas::show))
        .route("/teams/{team}/rates", page(Endpoint::Rates, pages::rates::show))
        .route("/teams/{team}/keys", page(Endpoint::Keys, pages::keys::show))
        .route("/teams/{team}/{*rest}", axum::routing::any(nothing))
}

async fn nothing(State(pages): State<Arc<Pages>>, request: Request) -> Response {
    framed(pages, Endpoint::Other, request, async |_| Err(Problem::NotFound)).await
}
