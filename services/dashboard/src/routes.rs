//! The paths of the pages.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use tidegate_door::framed;

use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::reads::Pages;
use crate::visit::{change, page};
use crate::{assets, pages, sign_in};

/// All of them. Paths below those of the dashboard that are no page are refused with one.
pub(crate) fn routes() -> Router<Arc<Pages>> {
    Router::new()
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
        .route("/teams/{team}/quotas", page(Endpoint::Quotas, pages::quotas::show))
        .route("/teams/{team}/rates", page(Endpoint::Rates, pages::rates::show))
        .route("/teams/{team}/keys", page(Endpoint::Keys, pages::keys::show))
        .route("/teams/{team}/{*rest}", axum::routing::any(nothing))
}

async fn nothing(State(pages): State<Arc<Pages>>, request: Request) -> Response {
    framed(pages, Endpoint::Other, request, async |_| Err(Problem::NotFound)).await
}
