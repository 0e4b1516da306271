//! The dashboard: a team's agents, runs and spend as pages for people, on the port of the read API.
//!
//! Pages are HTML that the server has written whole: they are read without script, and the little script there is keeps
//! them up to date and copies commands. Who has pasted an API key has a session; a page is within the team of
//! that key. Whatever a client has sent is text on a page, escaped by the template library. Nothing is loaded from another
//! host.

mod agent_days;
mod api;
mod asking;
mod assets;
mod by_day;
mod endpoint;
mod form;
mod holders;
mod layout;
mod links;
pub mod look;
mod metrics;
mod month_spend;
mod pages;
mod parts;
mod problem;
mod reads;
mod routes;
mod said;
mod seen_run;
mod session;
mod sign_in;
mod team_api;
mod teams;
mod url;
mod visit;
mod walk;
mod why;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use tidegate_agentping_ports::{NamesOfTeams, Registry, RunQueries};
use tidegate_control::kept_answers::KeptAnswers;
use tidegate_door::{Answered, ByteBudget, Outcomes};
use tidegate_kernel::Outage;
use tidegate_ports::{Clock, Ids};
use tokio::sync::Semaphore;

pub use holders::{KeyHolders, SessionCallers};
pub use links::SignInLinks;
pub use metrics::METRICS;
pub use session::SessionSecret;

use endpoint::COUNTED;
use reads::Pages;
use said::Reasons;
use session::Sessions;
use team_api::TeamApi;
use teams::TeamNames;

/// Teams and months of which sums are kept, and runs of which children are.
const MONTHS_KEPT: usize = 100;
const CHILDREN_KEPT: usize = 100;

/// What the pages show, and who may see it.
pub struct DashboardPorts {
    /// Of the store, which knows agents by their keys.
    pub queries: Arc<dyn RunQueries>,
    pub names: Arc<dyn NamesOfTeams>,
    /// Names of teams, their keys, tokens and rates.
    pub registry: Arc<dyn Registry>,
    /// The API of teams, with [`SessionCallers`] as its callers: what pages change, they change by it.
    pub api: Router,
    pub holders: Arc<dyn KeyHolders>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
}

/// How the pages are set up.
#[derive(Clone, Debug)]
pub struct DashboardOptions {
    /// Shared by the replicas of a deployment.
    pub secret: SessionSecret,
    /// Where clients send to, as the commands that pages show begin: `https://host`, without a slash at its end.
    pub ingest_url: String,
    /// Whether browsers send the session over HTTPS only. It is so as well where a proxy says that the request came so.
    pub secure_cookies: bool,
    /// How long the store may take for one question.
    pub store_deadline: Duration,
    /// Links that sign in once.
    pub links: SignInLinks,
}

/// The dashboard, ready to be served.
pub struct Dashboard {
    pages: Pages,
}

impl Dashboard {
    /// Pages in progress at once at most; each holds a few megabytes.
    const IN_PROGRESS: usize = 32;

    /// Registers its metrics: the process's recorder must be installed before.
    pub fn new(ports: DashboardPorts, options: DashboardOptions) -> Self {
        let DashboardPorts { queries, names, registry, api, holders, clock, ids } = ports;
        let DashboardOptions { secret, ingest_url, secure_cookies, store_deadline, links } = options;
        let pages = Pages {
            by_key: queries,
            names,
            teams: TeamNames::default(),
            reasons: Reasons::default(),
            agent_days: KeptAnswers::new(agent_days::KEPT),
            month_spend: KeptAnswers::new(MONTHS_KEPT),
            children: KeptAnswers::new(CHILDREN_KEPT),
            registry,
            api: TeamApi::new(api),
            holders,
            clock,
            ids,
            outcomes: Outcomes::register(COUNTED, Response::OUTCOMES),
            places: Arc::new(Semaphore::new(Self::IN_PROGRESS)),
            forms: ByteBudget::unmeasured(form::FORMS_BYTES),
            sessions: Sessions::new(secret),
            links,
            ingest_url,
            secure_cookies,
            store_deadline,
            outage: Outage::default(),
        };
        Dashboard { pages }
    }

    /// All its routes, to be merged into those of the port.
    pub fn into_router(self) -> Router {
        routes::routes().with_state(Arc::new(self.pages))
    }
}
