//! The roles of the process and its background jobs, each started on its ports.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tidegate_admission::{Admission, AdmissionPorts, Caller, Refusal};
use tidegate_control::{Authenticate, Control};
use tidegate_ingest::Ingest;
use tidegate_lifecycle::{Part, Parts, ServeReport, Stop};
use tidegate_persister::{Persister, StopReport, purge_orphans};
use tidegate_ports::{Clock, Consume, Ids, Runs};
use tidegate_telemetry::{Metrics, names};
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::assemble::Pipeline;
use crate::config::Config;

const PURGE_EVERY: Duration = Duration::from_secs(300);
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// What runs.
pub struct Roles {
    config: Config,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    admission: Option<Arc<Admission>>,
    pub persister: Option<Part<StopReport>>,
    pub control: Option<Part<ServeReport>>,
    pub ingest: Option<Part<ServeReport>>,
    pub jobs: Vec<Part<()>>,
}

impl Roles {
    pub fn new(config: Config, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Roles { config, clock, ids, admission: None, persister: None, control: None, ingest: None, jobs: Vec::new() }
    }

    /// Folds the log into the store. It takes over the membership of the consumer group.
    pub fn start_persister(&mut self, parts: &Parts, pipeline: &Pipeline, consume: Box<dyn Consume>) {
        let (runs, dead_letters) = (pipeline.runs.clone(), pipeline.dead_letters.clone());
        let persister = Persister::new(consume, runs, dead_letters, self.clock.clone(), self.config.persister);
        self.persister = Some(parts.start("persister", |stop| persister.run(stop.stopped())));
    }

    /// Takes in what clients send.
    pub fn start_ingest(&mut self, parts: &Parts, pipeline: &Pipeline, listener: TcpListener) {
        let admission = self.admission(pipeline);
        let config = self.config.ingest.clone();
        let ingest = Arc::new(Ingest::new(config, admission, self.clock.clone(), self.ids.clone()));
        self.ingest = Some(parts.start("ingest", |stop| ingest.serve(listener, stop.stopped())));
    }

    /// Answers readers.
    pub fn start_control(&mut self, parts: &Parts, pipeline: &Pipeline, listener: TcpListener) {
        let callers = Arc::new(Callers(self.admission(pipeline)));
        let control = Control::new(pipeline.queries.clone(), callers, self.clock.clone(), self.ids.clone())
            .with_store_deadline(self.config.control.store_deadline);
        let options = self.config.control.serve;
        self.control = Some(parts.start("control", |stop| control.serve(listener, options, stop.stopped())));
    }

    /// What goes on in the background. The log looks after its own retention.
    pub fn start_jobs(&mut self, parts: &Parts, pipeline: &Pipeline, metrics: Metrics) {
        let admission = self.admission(pipeline);
        let (runs, clock) = (pipeline.runs.clone(), self.clock.clone());
        self.jobs = vec![
            parts.start("lag watch", |stop| admission.watch_lag(stop.stopped())),
            parts.start("orphan purge", |stop| purge(runs, clock, stop)),
            parts.start("metrics upkeep", |stop| upkeep(metrics, stop)),
        ];
    }

    /// One admission for the process: its caches serve the front door and the read API.
    fn admission(&mut self, pipeline: &Pipeline) -> Arc<Admission> {
        let made = || {
            let ports = AdmissionPorts {
                clock: self.clock.clone(),
                credentials: pipeline.credentials.clone(),
                rates: pipeline.rates.clone(),
                agents: pipeline.agents.clone(),
                usage: pipeline.queries.clone(),
                stored: pipeline.stored.clone(),
                gate: pipeline.gate.clone(),
                append: pipeline.append.clone(),
                lag: pipeline.lag.clone(),
            };
            Arc::new(Admission::new(ports, self.config.admission.clone()))
        };
        self.admission.get_or_insert_with(made).clone()
    }
}

/// The read API asks admission who calls.
struct Callers(Arc<Admission>);

#[async_trait]
impl Authenticate for Callers {
    async fn authenticate(&self, credential: Option<&str>) -> Result<Caller, Refusal> {
        self.0.authenticate(credential).await
    }
}

/// Purges orphans now and then. A failure waits for the next time.
async fn purge(runs: Arc<dyn Runs>, clock: Arc<dyn Clock>, stop: Stop) {
    // Made before anything is counted, so that a scrape finds them at zero.
    let orphans = metrics::counter!(names::ORPHANS_PURGED);
    let failures = metrics::counter!(names::JOB_FAILURES, "task" => "orphan_purge");
    while !stop.is_stopping() {
        match purge_orphans(&*runs, clock.now()).await {
            Ok(0) => {}
            Ok(purged) => {
                tracing::info!(purged, "purged runs that were never opened");
                orphans.increment(purged as u64);
            }
            Err(error) => {
                tracing::warn!(%error, "could not purge orphans; trying again later");
                failures.increment(1);
            }
        }
        rest(PURGE_EVERY, &stop).await;
    }
}

async fn upkeep(metrics: Metrics, stop: Stop) {
    while !stop.is_stopping() {
        metrics.upkeep();
        rest(UPKEEP_EVERY, &stop).await;
    }
}

/// Waits so long, or until the stop.
async fn rest(span: Duration, stop: &Stop) {
    tokio::select! {
        () = sleep(span) => {}
        () = stop.clone().stopped() => {}
    }
}
