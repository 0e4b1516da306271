//! The front door as a whole: what its handlers share, and how it is served.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use tidegate_admission::Admission;
use tidegate_door::{ByteBudget, Draining, InFlight, ServeReport, serve_watched};
use tidegate_kernel::Outage;
use tidegate_ports::{Clock, Ids};
use tokio::net::TcpListener;
use tracing::warn;

use crate::acked::Acked;
use crate::config::IngestConfig;
use crate::endpoints;
use crate::outcomes::Outcomes;

const CONNECTIONS_OPEN: &str = "tidegate_connections_open";
const CONNECTIONS_MAX: &str = "tidegate_connections_max";

/// One front door.
pub struct Ingest {
    pub(crate) config: IngestConfig,
    pub(crate) admission: Arc<Admission>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) outcomes: Outcomes,
    pub(crate) in_flight: InFlight,
    pub(crate) body_budget: ByteBudget,
    pub(crate) acked: Acked,
    pub(crate) draining: Draining,
    /// Of places for requests, and of the bytes of their bodies: overload ends when nothing was refused for a while.
    pub(crate) places_outage: Outage,
    pub(crate) bytes_outage: Outage,
}

impl Ingest {
    /// Registers its metrics: the process's recorder must be installed before.
    pub fn new(config: IngestConfig, admission: Arc<Admission>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        let in_flight = InFlight::new(config.max_in_flight);
        let body_budget = ByteBudget::new(config.max_body_bytes_in_flight);
        Ingest {
            config,
            admission,
            clock,
            ids,
            outcomes: Outcomes::register(),
            in_flight,
            body_budget,
            acked: Acked::default(),
            draining: Draining::default(),
            places_outage: Outage::default(),
            bytes_outage: Outage::default(),
        }
    }

    /// Requests under way now, those included whose client has left.
    pub fn in_flight(&self) -> usize {
        self.in_flight.now()
    }

    /// The routes of the five endpoints, `/openapi.json`, `/healthz` and `/`, and the answers to everything else.
    pub fn router(self: Arc<Self>) -> Router {
        endpoints::router(self)
    }

    /// Serves until `shutdown` completes, then stops in order: for the drain grace requests are still taken, each the last
    /// of its connection; then no new connections, idle ones closed, requests under way ended, what is left cut at the
    /// drain deadline. Work that its client has left is waited for too.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, shutdown: impl Future<Output = ()>) -> ServeReport {
        let options = self.config.serve;
        let shutdown = self.draining.noting(shutdown);
        metrics::gauge!(CONNECTIONS_MAX).set(options.max_connections as f64);
        let open = metrics::gauge!(CONNECTIONS_OPEN);
        open.set(0.0);
        let watch = |connections: usize| open.set(connections as f64);
        let mut report = serve_watched(listener, self.clone().router(), options, shutdown, watch).await;
        let left = self.in_flight.drained(options.drain_deadline).await;
        if left > 0 {
            warn!(left, "requests were still being taken in when the front door stopped");
            report.cut = report.cut.max(left as u64);
        }
        report
    }
}
