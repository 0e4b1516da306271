//! A process from its first line to its exit code, whatever it runs: signals, clock, operations port, readiness, the
//! ordered stop.

use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tidegate_agentping::routes as agentping;
use tidegate_door::{LaterRoutes, Ops, ServeReport, serve};
use tidegate_lifecycle::signals::Signals;
use tidegate_lifecycle::{ExitReport, Health, Part, Parts};
use tidegate_operators::OperatorPages;
use tidegate_ports::{Clock, Ids, RandomIds};
use tidegate_shedding::Appends;
use tidegate_telemetry::{Metrics, logs};

use crate::assemble::Close;
use crate::clock::ProcessClock;
use crate::config::{Config, Purpose};
use crate::failure::Failure;
use crate::listeners::ReservedListener;
use crate::metrics::{READY, STARTED_AT_SECONDS};
use crate::open_files::OpenFiles;
use crate::roles::{GRACE, Roles};

/// How long closing the log and the store may take.
const CLOSE_DEADLINE: Duration = Duration::from_secs(20);

/// Runs until `live` has ended. `role` is a label of the process's metrics; `purpose` says which ports it has.
///
/// # Errors
/// Why it could not start, and what to do about it.
pub fn run<F>(
    config: Config,
    (role, purpose): (&'static str, Purpose),
    live: impl FnOnce(Config, Metrics) -> F,
) -> Result<ExitCode, Failure>
where
    F: Future<Output = Result<ExitReport, Failure>>,
{
    logs::install(&config.telemetry)?;
    let metrics = Metrics::install(crate::VERSION, role, crate::metrics::all())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(no_runtime)?;
    let files = OpenFiles::of(&config, purpose);
    if let Some(warning) = files.warning() {
        tracing::warn!("{warning}");
    }
    let report = runtime.block_on(live(files.fit(config), metrics));
    // Reads of the store whose callers have left must not delay the end.
    runtime.shutdown_timeout(Duration::from_secs(1));
    let report = report?;
    for left in &report.left {
        logs::failed(&format!("left behind by {}: {}", left.stage, left.what));
    }
    Ok(ExitCode::from(report.code()))
}

/// A running process.
pub struct Process {
    pub config: Config,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub parts: Parts,
    /// Where the operations port is.
    pub ops_address: std::net::SocketAddr,
    /// Routes that a role adds to the operations port.
    pub ops_routes: LaterRoutes,
    /// Pages of the operations port.
    pub operators: OperatorPages,
    health: Health,
    signals: Signals,
    ops: Part<ServeReport>,
}

/// Why a process stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// A signal, by its name.
    Signal(&'static str),
    /// A part that ended without having been stopped: which, and how.
    PartEnded(String),
}

impl Process {
    /// Listens for signals, and serves the operations port: alive, not ready yet.
    ///
    /// # Errors
    /// The operations port is taken.
    pub fn begin(config: Config, metrics: Metrics) -> Result<Self, Failure> {
        let signals = signals()?;
        let ProcessClock { clock, routes } = ProcessClock::new();
        let reserved = ReservedListener::reserve(config.ops.key, config.ops.listen)?;
        let (ops_address, listener, options) = (reserved.address(), reserved.listen()?, config.ops.serve);
        let health = Health::default();
        let parts = Parts::default();
        let (judged, shown, scraped) = (health.clone(), health.clone(), metrics.clone());
        let readiness = move || shown.readiness().reasons;
        let operators = OperatorPages::new(about(&config), clock.clone(), readiness, move || scraped.render());
        let ops = Ops::new(health.clone(), move || {
            READY.handle().set(if judged.readiness().ready { 1.0 } else { 0.0 });
            metrics.render()
        });
        let ops = ops.with_hints(agentping::OPS, agentping::ROUTES).with_page(tidegate_operators::HOME);
        let (ops_routes, routes) = (ops.later(), ops.routes(routes.merge(operators.routes())));
        let ops = parts.start("operations", |stop| serve(listener, routes, options, stop.stopped()));
        Ok(Process {
            config,
            clock,
            ids: Arc::new(RandomIds),
            parts,
            ops_address,
            ops_routes,
            operators,
            health,
            signals,
            ops,
        })
    }

    /// Waits for `work`, unless the process is to stop before.
    ///
    /// # Errors
    /// The work's.
    pub async fn unless_stopped<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<Begun<T>, Failure> {
        tokio::select! {
            done = work => done.map(Begun::Done),
            reason = stop_requested(&mut self.signals, &mut self.parts) => Ok(Begun::Stopped(reason)),
        }
    }

    /// Where a part says that the process cannot work as it should.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Everything is up.
    pub fn ready(&self) {
        self.health.started();
        STARTED_AT_SECONDS.handle().set(self.clock.now().as_millis() as f64 / 1_000.0);
    }

    /// From now on the process is not ready while the log takes no records.
    pub fn watch_appends(&self, log: &'static str, appends: Arc<Appends>) {
        let clock = self.clock.clone();
        self.health.check(log, move || appends.refused(clock.now()));
    }

    /// Resolves when the process is to stop.
    pub async fn stop_requested(&mut self) -> StopReason {
        stop_requested(&mut self.signals, &mut self.parts).await
    }

    /// Stops in order: not ready any more, the roles, the adapters of their ports, the operations port.
    pub async fn stop(self, reason: StopReason, roles: Roles, close: Option<Close>) -> ExitReport {
        self.health.stopping();
        self.ops_routes.close();
        self.operators.close();
        self.signals.exit_on_next(last_words);
        match &reason {
            StopReason::Signal(signal) => tracing::info!(signal, "stopping in order"),
            StopReason::PartEnded(early) => tracing::error!("stopping, because {early}"),
        }
        let mut stages = roles.stages();
        if let Some(close) = close {
            stages.then("log and store", CLOSE_DEADLINE, close);
        }
        let ops = self.ops;
        // A scrape that is cut off loses nothing.
        let deadline = self.config.ops.serve.drain_deadline + GRACE;
        stages.then("operations", deadline, async { ops.stop().await.map(drop) });
        let mut report = stages.run().await;
        if let StopReason::PartEnded(early) = reason {
            report.add("process", early);
        }
        tracing::info!(left = report.left.len(), "stopped");
        report
    }
}

async fn stop_requested(signals: &mut Signals, parts: &mut Parts) -> StopReason {
    tokio::select! {
        signal = signals.next() => StopReason::Signal(signal),
        early = parts.ended_early() => StopReason::PartEnded(early),
    }
}

/// What the operators' pages say of the process: its region, and the servers or the folder that it uses.
fn about(config: &Config) -> Vec<(&'static str, String)> {
    let mut about = vec![("Region", config.region.to_string())];
    if config.kafka.is_none() && config.scylla.is_none() {
        about.push(("Data folder", config.data.display().to_string()));
    }
    if let Some(kafka) = &config.kafka {
        about.push(("Kafka", kafka.options.brokers.clone()));
    }
    if let Some(scylla) = &config.scylla {
        about.push(("Store", scylla.options.nodes.join(", ")));
    }
    about
}

/// Listens for signals that end the process.
///
/// # Errors
/// The system gives no handler.
pub fn signals() -> Result<Signals, Failure> {
    Signals::listen().map_err(|error| {
        Failure::unavailable(format!("cannot listen for signals: {error}"))
            .or_else("see the limits of open files and memory (ulimit -a)")
            .caused_by(error)
    })
}

/// The runtime needs threads and a few files, and the system gives none.
pub fn no_runtime(error: std::io::Error) -> Failure {
    Failure::unavailable(format!("cannot start the runtime: {error}"))
        .or_else("see the limits of threads and open files (ulimit -a)")
        .caused_by(error)
}

/// How waiting during the start ended.
pub enum Begun<T> {
    Done(T),
    Stopped(StopReason),
}

/// Writes the line that says why, before a process exits at once.
pub fn last_words() {
    logs::flush(Duration::from_millis(200));
}
