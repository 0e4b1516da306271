//! The pages for people, on the ports of the process that serves them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tidegate_agentping_ports::{NotedAccounts, RunQueries, StoredNames};
use tidegate_control::{Control, Management};
use tidegate_dashboard::{
    Dashboard, DashboardOptions, DashboardPorts, KeyHolders, SessionCallers, SessionSecret, SignInLinks,
};
use tidegate_ports::{Clock, Ids};

use crate::config::ControlConfig;

/// What the pages of one team may ask of its API: each page asks a few times, and is renewed every second or so. How many
/// pages are written at once has a bound of its own.
const API_PER_S: u32 = 500;
const API_BURST: u32 = 1_000;

/// What the pages have in common with their process.
pub struct Common<'p> {
    pub config: &'p ControlConfig,
    /// How long after a rename every front door goes by it.
    pub rename_wait: Duration,
    pub clock: &'p Arc<dyn Clock>,
    pub ids: &'p Arc<dyn Ids>,
    pub links: &'p SignInLinks,
}

/// The routes of the pages. They ask the API of teams within the process, in the name of their visitors.
pub fn pages(
    common: Common<'_>,
    queries: &Arc<dyn RunQueries>,
    accounts: &Arc<dyn NotedAccounts>,
    managed: &Management,
    holders: Arc<impl KeyHolders>,
) -> Router {
    let Common { config, rename_wait, clock, ids, links } = common;
    let callers = Arc::new(SessionCallers(holders.clone()));
    let api = Control::new(queries.clone(), accounts.clone(), managed.clone(), callers, clock.clone(), ids.clone())
        .with_store_deadline(config.store_deadline)
        .with_managed_rate(API_PER_S, API_BURST)
        .with_rename_wait(rename_wait)
        .with_answer_bytes(config.max_answer_bytes_in_flight);
    let ports = DashboardPorts {
        queries: queries.clone(),
        names: Arc::new(StoredNames::new(managed.documents.clone())),
        registry: managed.registry.clone(),
        api: api.into_router(),
        holders,
        clock: clock.clone(),
        ids: ids.clone(),
    };
    let options = DashboardOptions {
        secret: config.session_secret.clone().unwrap_or_else(|| SessionSecret::random(&**ids)),
        ingest_url: managed.ingest_url.clone(),
        secure_cookies: config.secure_cookies,
        store_deadline: config.store_deadline,
        links: links.clone(),
    };
    Dashboard::new(ports, options).into_router()
}
