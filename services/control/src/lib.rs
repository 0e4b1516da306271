//! The read and management API: what a team's runs, agents, usage and spend are, what became of its records, and what the
//! team sets, on a port of its own. And for the operators: whether all records are accounted for.
//!
//! Every answer is within the team of the API key that asks: another team's run does not exist for it. What depends
//! on time (an idle run's status, its end, its duration) is derived at the clock when asked. What a team sets are documents;
//! a change is one conditional write of them with its audit entry.

mod access;
mod agents;
mod alert_routes;
mod api;
mod audit;
mod authenticate;
mod badges;
mod body;
mod call;
mod checks;
mod configuration;
pub mod conservation;
mod cursor;
mod document;
mod endpoint;
mod guard;
mod incidents;
pub mod kept_answers;
mod keys;
mod listing;
mod mail_pages;
mod manage;
mod management;
mod metrics;
mod model_costs;
mod mute;
mod names_once;
mod openapi;
mod parameters;
mod pause;
mod preview;
mod problem;
mod reads;
mod receipt;
mod refusal_shapes;
mod run;
mod schedule;
mod settled;
mod slots;
mod spend;
mod standing;
mod status;
pub mod store_answer;
mod summary;
mod team;
mod team_metrics;
mod tokens;
mod usage;
mod weight;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use tidegate_admission::{CredentialUses, RefusedAgents};
use tidegate_agentping_ports::{NotedAccounts, RunQueries, StoredNames};
use tidegate_door::entry::with_type;
use tidegate_door::openapi::with_description;
use tidegate_door::{
    AnswerBudget, Answered, ByteBudget, Draining, Outcomes, ServeOptions, ServeReport, health_route, serve, stamped,
    traffic_routes, with_fallbacks,
};
use tidegate_kernel::Outage;
use tidegate_ports::{Clock, Ids, ReadLog};
use tokio::net::TcpListener;

pub use authenticate::Authenticate;
pub use document::RunDocument;
pub use guard::GuardEvents;
pub use management::Management;
pub use metrics::METRICS;
pub use model_costs::{ModelCost, ModelCosts};
pub use names_once::NamesOnce;
pub use openapi::openapi;

use badges::shown::KeptBadges;
use endpoint::COUNTED;
use guard::{Announcer, Guard};
use manage::TeamLimit;
use reads::Reads;
use weight::Weight;

/// The service, ready to be served.
pub struct Control {
    reads: Reads,
    draining: Draining,
    pages: Option<Router>,
}

impl Control {
    /// How long the store may take for one answer, unless set otherwise: 10 s.
    pub const STORE_DEADLINE: Duration = Duration::from_secs(10);
    /// How many bytes of answers may be in progress, unless set otherwise: 256 MiB.
    pub const ANSWER_BYTES: usize = 256 << 20;
    /// The least that can be set: one answer of every sort.
    pub const ANSWER_BYTES_MIN: usize = Weight::LARGEST_BYTES;
    /// How long an answer waits for its part of them before it is refused: 1 s.
    const ANSWER_WAIT: Duration = Duration::from_secs(1);
    /// How long a read with `settled=true` waits for what was on the log before it: 2 s.
    pub const SETTLE_WAIT: Duration = Duration::from_secs(2);

    /// How long the answer to a rename waits, until every front door goes by it: 2.2 s, where they keep credentials for 2 s.
    pub const RENAME_WAIT: Duration = Duration::from_millis(2_200);

    /// Requests of the management API that a team may send in a second, and at once.
    const MANAGED_PER_S: u32 = 20;
    const MANAGED_BURST: u32 = 100;

    /// Registers its metrics: the process's recorder must be installed before. The ports of runs and of the registry are
    /// those of the store: what renamed agents are called is added for each request.
    pub fn new(
        queries: Arc<dyn RunQueries>,
        accounts: Arc<dyn NotedAccounts>,
        managed: Management,
        callers: Arc<dyn Authenticate>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        let store_deadline = Self::STORE_DEADLINE;
        let budget = AnswerBudget::new(Self::ANSWER_BYTES, Self::ANSWER_WAIT);
        let (settle_wait, outage, crowding) = (Self::SETTLE_WAIT, Outage::default(), Outage::default());
        let (log, outcomes) = (None, Outcomes::register(COUNTED, Response::OUTCOMES));
        let names = Arc::new(StoredNames::new(managed.documents.clone()));
        let guard = Guard::new(&managed);
        let reads = Reads {
            guard,
            by_key: queries,
            names,
            accounts,
            log,
            uses: CredentialUses::default(),
            refused_agents: Arc::new(RefusedAgents::default()),
            callers,
            clock,
            ids,
            outcomes,
            store_deadline,
            outage,
            settle_wait,
            rename_wait: Self::RENAME_WAIT,
            budget,
            crowding,
            bodies: ByteBudget::unmeasured(body::BODIES_BYTES),
            managed,
            limit: TeamLimit::new(Self::MANAGED_PER_S, Self::MANAGED_BURST),
            badges: KeptBadges::new(),
        };
        Control { reads, draining: Draining::default(), pages: None }
    }

    /// Asks this log whether there is a record at all, where no account says it.
    #[must_use]
    pub fn with_log(mut self, log: Option<Arc<dyn ReadLog>>) -> Self {
        self.reads.log = log;
        self
    }

    /// Lets the answer to a rename wait for so long: no less than front doors keep credentials.
    #[must_use]
    pub fn with_rename_wait(mut self, wait: Duration) -> Self {
        self.reads.rename_wait = wait;
        self
    }

    /// Answers 503 where the store takes longer than `deadline`.
    #[must_use]
    pub fn with_store_deadline(mut self, deadline: Duration) -> Self {
        self.reads.store_deadline = deadline;
        self
    }

    /// Lets reads with `settled=true` wait for so long.
    #[must_use]
    pub fn with_settle_wait(mut self, wait: Duration) -> Self {
        self.reads.settle_wait = wait;
        self
    }

    /// Lets a team send so many requests of the management API in a second, and at once.
    #[must_use]
    pub fn with_managed_rate(mut self, per_s: u32, burst: u32) -> Self {
        self.reads.limit = TeamLimit::new(per_s, burst);
        self
    }

    /// Lets a team ask guard so often in a second, and at once. So many of its blocks by pauses are kept, too.
    #[must_use]
    pub fn with_guard_rate(mut self, per_s: u32, burst: u32) -> Self {
        self.reads.guard.limit = TeamLimit::new(per_s, burst);
        self.reads.guard.kept_pauses = TeamLimit::new(per_s, burst);
        self
    }

    /// Hands on what guard's checks find, for people to be alerted.
    #[must_use]
    pub fn with_guard_events(mut self, to: Arc<dyn GuardEvents>) -> Self {
        self.reads.guard.announcer = Announcer::to(to);
        self
    }

    /// Answers 503 where more than so many bytes of answers are in progress.
    #[must_use]
    pub fn with_answer_bytes(mut self, max_bytes: usize) -> Self {
        self.reads.budget = AnswerBudget::new(max_bytes, Self::ANSWER_WAIT);
        self
    }

    /// Serves pages for people on the same port, which have `/` and no route of the API.
    #[must_use]
    pub fn with_pages(mut self, pages: Router) -> Self {
        self.pages = Some(pages);
        self
    }

    /// All routes, with their fallbacks.
    pub fn into_router(self) -> Router {
        let reads = Arc::new(self.reads);
        let routes = with_description(openapi::routes(), |text| with_type("application/json", text));
        let traffic = match &self.pages {
            Some(_) => health_route(self.draining),
            None => traffic_routes("Tidegate read API", self.draining),
        };
        let api = with_fallbacks(routes.merge(stamped(traffic, &reads))).with_state(reads);
        // The pages refuse in their own way what they do not have.
        match self.pages {
            Some(pages) => api.merge(pages),
            None => api,
        }
    }

    /// Serves on `listener` until `shutdown` completes and requests in progress have ended, or the drain deadline
    /// has cut them.
    pub async fn serve(
        self,
        listener: TcpListener,
        options: ServeOptions,
        shutdown: impl Future<Output = ()>,
    ) -> ServeReport {
        let shutdown = self.draining.noting(shutdown);
        let following = self.reads.guard.board.clone().follow(self.reads.clock.clone());
        let serving = serve(listener, self.into_router(), options, shutdown);
        tokio::pin!(following, serving);
        loop {
            tokio::select! {
                report = &mut serving => return report,
                // It goes on for as long as it is polled.
                () = &mut following => {}
            }
        }
    }
}
