//! Pages for operators on the operations port: how the pipeline is, and what AgentGate has, read-only.
//!
//! A page shows what its process knows: the figures of its own metrics, and, where a role has opened them, AgentGate's
//! rows. Nothing is stored for them, every read and every list is bounded, and no credential and no content of a
//! customer but an organization's name is on them. They have the look of the dashboard.

mod agentgate;
mod fault;
mod figures;
mod frame;
mod pipeline;
mod samples;
mod window;

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use maud::Markup;
use tidegate_dashboard::look::{Asset, response};
use tidegate_ports::Clock;
use tokio::sync::Semaphore;
use tokio::time::timeout;

pub use agentgate::AgentGateRows;
pub use figures::metrics_shown;
pub use frame::HOME;

use agentgate::{GatePage, PageQuery};
use fault::Fault;
use window::Window;

/// How long the pages of AgentGate may read.
const READ_WITHIN: Duration = Duration::from_secs(10);
/// Pages that read stores at once at most; further ones wait.
const READERS: usize = 4;

/// The pages of one process. Cheap to clone.
#[derive(Clone)]
pub struct OperatorPages(Arc<Pages>);

struct Pages {
    /// Names and values, in the order shown.
    about: Vec<(&'static str, String)>,
    clock: Arc<dyn Clock>,
    /// Why the process is not ready; empty when it is.
    readiness: Box<dyn Fn() -> Vec<String> + Send + Sync>,
    /// The text that Prometheus scrapes.
    metrics: Box<dyn Fn() -> String + Send + Sync>,
    window: Mutex<Window>,
    agentgate: RwLock<Option<AgentGateRows>>,
    readers: Semaphore,
}

impl OperatorPages {
    /// `about` says where the process is and which servers it uses, as names and values; `readiness` gives the reasons why
    /// it is not ready, `metrics` the text that Prometheus scrapes.
    pub fn new(
        about: Vec<(&'static str, String)>,
        clock: Arc<dyn Clock>,
        readiness: impl Fn() -> Vec<String> + Send + Sync + 'static,
        metrics: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        OperatorPages(Arc::new(Pages {
            about,
            clock,
            readiness: Box::new(readiness),
            metrics: Box::new(metrics),
            window: Mutex::default(),
            agentgate: RwLock::default(),
            readers: Semaphore::new(READERS),
        }))
    }

    /// Notes down the counters, for the figures of the last minutes. Call it every few seconds.
    pub fn observe(&self) {
        let Pages { clock, metrics, window, .. } = &*self.0;
        let now = clock.steady();
        // Nothing under the lock panics.
        let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.is_due(now) {
            window.note(now, &samples::Samples::parse(&metrics()));
        }
    }

    /// From now on the pages of AgentGate show these rows.
    pub fn open(&self, rows: AgentGateRows) {
        self.0.set(Some(rows));
    }

    /// The pages of AgentGate release the ports they use.
    pub fn close(&self) {
        self.0.set(None);
    }

    /// The routes of all pages.
    pub fn routes(&self) -> Router {
        let mut routes = Router::new()
            .route(HOME, get(async |State(pages): State<Arc<Pages>>| pages.pipeline()))
            .route("/assets/{file}", get(asset));
        for page in GatePage::ALL {
            let show = async move |State(pages): State<Arc<Pages>>, Query(query): Query<PageQuery>| {
                pages.gate(page, query).await
            };
            routes = routes.route(page.here().path(), get(show));
        }
        routes.with_state(self.0.clone())
    }
}

impl Pages {
    fn set(&self, rows: Option<AgentGateRows>) {
        // An assignment cannot be half done.
        *self.agentgate.write().unwrap_or_else(PoisonError::into_inner) = rows;
    }

    fn pipeline(&self) -> Response {
        let samples = samples::Samples::parse(&(self.metrics)());
        let reasons = (self.readiness)();
        let now = self.clock.now();
        let steady = self.clock.steady();
        // Nothing under the lock panics.
        let window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let view =
            pipeline::View { about: &self.about, reasons: &reasons, samples: &samples, window: &window, now, steady };
        sent(StatusCode::OK, view.page())
    }

    async fn gate(&self, page: GatePage, query: PageQuery) -> Response {
        // Nothing under the lock panics.
        let rows = self.agentgate.read().unwrap_or_else(PoisonError::into_inner).clone();
        let now = self.clock.now();
        let shown = async {
            let rows = rows.ok_or(Fault::NotHere)?;
            let _place = self.readers.acquire().await;
            page.shown(&rows, &query, now).await
        };
        match timeout(READ_WITHIN, shown).await {
            Ok(Ok(shown)) => sent(StatusCode::OK, shown),
            Ok(Err(fault)) => refused(page, &fault),
            Err(_) => refused(page, &Fault::Late(READ_WITHIN)),
        }
    }
}

async fn asset(Path(file): Path<String>) -> Response {
    Asset::at(&format!("/assets/{file}"))
        .map_or_else(|| sent(StatusCode::NOT_FOUND, fault::no_such_file()), Asset::response)
}

fn refused(page: GatePage, fault: &Fault) -> Response {
    if let Fault::Store(error) = fault {
        tracing::warn!(kind = %error.kind(), %error, "a page for operators cannot be read");
    }
    sent(fault.status(), fault.page(page.here()))
}

fn sent(status: StatusCode, page: Markup) -> Response {
    let mut response = response(page);
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    response
}
