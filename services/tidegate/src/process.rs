//! A process from its first line to its exit code, whatever it runs: signals, clock, operations port, readiness, the
//! ordered stop.

use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tidegate_admission::Admission;
use tidegate_agentping::routes as agentping;
use tidegate_door::{LaterRoutes, Ops, ServeReport, serve};
use tidegate_lifecycle::signals::Signals;
use tidegate_lifecycle::{ExitReport, Health, Part, Parts};
use tidegate_ports::{Clock, Ids, RandomIds};
use tidegate_telemetry::{Metrics, logs};

use crate::assemble::Close;
use crate::clock::ProcessClock;
use crate::config::{Config, Purpose};
use crate::doors::Door;
use crate::metrics::{READY, STARTED_AT_SECONDS};
use crate::open_files::OpenFiles;
use crate::roles::{GRACE, Roles};

/// What ending the log and the store may take.
const CLOSE_DEADLINE: Duration = Duration::from_secs(20);

/// Runs until `live` has ended. `role` is a label of the process's numbers; `purpose` says which ports it has.
///
/// # Errors
/// Why it could not start, and the way out.
pub fn run<F>(
    config: Config,
    (role, purpose): (&'static str, Purpose),
    live: impl FnOnce(Config, Metrics) -> F,
) -> Result<ExitCode, String>
where
    F: Future<Output = Result<ExitReport, String>>,
{
    logs::install(&config.telemetry).map_err(|error| error.to_string())?;
    let metrics = Metrics::install(crate::VERSION, role, crate::metrics::all()).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start the runtime: {error}"))?;
    let files = OpenFiles::of(&config, purpose);
    if let Some(warning) = files.warning() {
        tracing::warn!("{warning}");
    }
    let report = runtime.block_on(live(files.fit(config), metrics));
    // Reads of the store that nobody waits for any more must not hold up the end.
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
    /// What a role adds to it.
    pub ops_routes: LaterRoutes,
    health: Health,
    signals: Signals,
    ops: Part<ServeReport>,
}

/// Why a process stops: the name of a signal, or the part that ended by itself.
pub type Why = Result<&'static str, String>;

impl Process {
    /// Listens for signals, and serves the operations port: alive, not ready yet.
    ///
    /// # Errors
    /// The port cannot be had.
    pub fn begin(config: Config, metrics: Metrics) -> Result<Self, String> {
        let signals = Signals::listen().map_err(|error| format!("cannot listen for signals: {error}"))?;
        let ProcessClock { clock, routes } = ProcessClock::new();
        let door = Door::reserve(config.ops.key, config.ops.listen)?;
        let (ops_address, listener, options) = (door.address(), door.listen()?, config.ops.serve);
        let health = Health::default();
        let parts = Parts::default();
        let judged = health.clone();
        let ops = Ops::new(health.clone(), move || {
            READY.handle().set(if judged.readiness().ready { 1.0 } else { 0.0 });
            metrics.render()
        });
        let ops = ops.with_hints(agentping::OPS, agentping::ROUTES);
        let (ops_routes, routes) = (ops.later(), ops.routes(routes));
        let ops = parts.start("operations", |stop| serve(listener, routes, options, stop.stopped()));
        Ok(Process { config, clock, ids: Arc::new(RandomIds), parts, ops_address, ops_routes, health, signals, ops })
    }

    /// Waits for `work`, unless the process is to stop before.
    ///
    /// # Errors
    /// The work's.
    pub async fn unless_stopped<T>(
        &mut self,
        work: impl Future<Output = Result<T, String>>,
    ) -> Result<Begun<T>, String> {
        tokio::select! {
            done = work => done.map(Begun::Done),
            signal = self.signals.next() => Ok(Begun::Stopped(Ok(signal))),
            early = self.parts.ended_early() => Ok(Begun::Stopped(Err(early))),
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
    pub fn watch_appends(&self, admission: &Admission) {
        let (appends, clock) = (admission.appends(), self.clock.clone());
        self.health.check("log", move || appends.refused(clock.now()));
    }

    /// Resolves when the process is to stop.
    pub async fn told_to_stop(&mut self) -> Why {
        tokio::select! {
            signal = self.signals.next() => Ok(signal),
            early = self.parts.ended_early() => Err(early),
        }
    }

    /// Stops in order: not ready any more, the roles, what stands behind their ports, the operations port.
    pub async fn stop(self, why: Why, roles: Roles, close: Option<Close>) -> ExitReport {
        self.health.stopping();
        self.ops_routes.close();
        self.signals.exit_on_next(last_words);
        match &why {
            Ok(signal) => tracing::info!(signal, "stopping in order"),
            Err(early) => tracing::error!("stopping, because {early}"),
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
        if let Err(early) = why {
            report.add("process", early);
        }
        tracing::info!(left = report.left.len(), "stopped");
        report
    }
}

/// How waiting during the start ended.
pub enum Begun<T> {
    Done(T),
    Stopped(Why),
}

/// The line that says why must be out before a process exits at once.
pub fn last_words() {
    logs::flush(Duration::from_millis(200));
}
