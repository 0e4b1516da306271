//! `tidegate dev`: every role in one process.
//!
//! Start: the operations port (not ready yet), the pipeline, the persister until it has caught up with the log's
//! end, then control, then ingest. Stop: not ready any more, ingest, the background jobs, the persister, control,
//! the pipeline, the operations port.

mod banner;
mod catch_up;
mod demo;
mod ports;
mod roles;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tidegate_lifecycle::signals::Signals;
use tidegate_lifecycle::{ExitReport, Health, Ops, Part, Parts, ServeReport, Stages, serve};
use tidegate_ports::{Clock, Ids, RandomIds};
use tidegate_telemetry::{Metrics, logs, names};

use crate::assemble;
use crate::assemble::{Assembled, Pipeline};
use crate::clock::ProcessClock;
use crate::config::Config;
use crate::page::Page;
use ports::Reserved;
use roles::Roles;

/// What ending the pipeline's files may take.
const CLOSE_DEADLINE: Duration = Duration::from_secs(20);
/// What a part may take over its own drain deadline.
const GRACE: Duration = Duration::from_secs(2);

/// Runs until a signal.
///
/// # Errors
/// Why it could not start, and the way out.
pub fn run(config: Config) -> Result<ExitCode, String> {
    logs::install(&config.telemetry).map_err(|error| error.to_string())?;
    let metrics = Metrics::install(crate::VERSION).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start the runtime: {error}"))?;
    let report = runtime.block_on(live(config, metrics));
    // Reads of the store that nobody waits for any more must not hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(1));
    let report = report?;
    for left in &report.left {
        Page::errors().line(format_args!("left behind by {}: {}", left.stage, left.what));
    }
    Ok(ExitCode::from(report.code()))
}

async fn live(config: Config, metrics: Metrics) -> Result<ExitReport, String> {
    let mut signals = Signals::listen().map_err(|error| format!("cannot listen for signals: {error}"))?;
    let ProcessClock { clock, routes } = ProcessClock::new();
    let ids: Arc<dyn Ids> = Arc::new(RandomIds);
    let reserved = Reserved::all(&config)?;
    let addresses = reserved.addresses.clone();
    let Assembled { pipeline, consume, close } = assemble::embedded::open(&config, &clock).await?;

    let health = Health::default();
    mark_unready();
    let mut parts = Parts::default();
    let (rendered, listener, options) = (metrics.clone(), reserved.ops.listen()?, config.ops.serve);
    let routes = Ops::new(health.clone(), move || rendered.render()).routes(routes);
    let ops = parts.start("operations", |stop| serve(listener, routes, options, stop.stopped()));
    let mut roles = Roles::new(config.clone(), clock.clone(), ids.clone());
    roles.start_persister(&parts, &pipeline, consume);

    let ended = tokio::select! {
        caught_up = catch_up::catch_up(&*pipeline.lag) => caught_up.map(|()| None),
        signal = signals.next() => Ok(Some(signal)),
        early = parts.ended_early() => Err(early),
    };
    let mut why = match ended {
        Ok(None) => {
            open_doors(&mut roles, &parts, &pipeline, reserved.control, reserved.ingest, metrics)?;
            Ok(None)
        }
        other => other,
    };
    if matches!(why, Ok(None)) {
        health.started();
        mark_ready(&*clock);
        let welcome = demo::first_team(&config, &pipeline, clock.clone(), ids.clone()).await?;
        tracing::info!(ingest = %addresses.ingest, control = %addresses.control, operations = %addresses.ops, "ready");
        banner::print(&mut Page::output(), &config, &addresses, &welcome, &*clock, &*ids);
        why = tokio::select! {
            signal = signals.next() => Ok(Some(signal)),
            early = parts.ended_early() => Err(early),
        };
    }

    health.stopping();
    mark_unready();
    signals.exit_on_next();
    match &why {
        Ok(signal) => tracing::info!(signal = signal.unwrap_or_default(), "stopping in order"),
        Err(early) => tracing::error!("stopping, because {early}"),
    }
    drop(pipeline);
    let mut report = stop(&config, roles, close, ops).run().await;
    if let Err(early) = why {
        report.add("process", early);
    }
    tracing::info!(left = report.left.len(), "stopped");
    Ok(report)
}

fn open_doors(
    roles: &mut Roles,
    parts: &Parts,
    pipeline: &Pipeline,
    control: ports::Door,
    ingest: ports::Door,
    metrics: Metrics,
) -> Result<(), String> {
    let (control, ingest) = (control.listen()?, ingest.listen()?);
    roles.start_jobs(parts, pipeline, metrics);
    roles.start_control(parts, pipeline, control);
    roles.start_ingest(parts, pipeline, ingest);
    Ok(())
}

fn mark_ready(clock: &dyn Clock) {
    metrics::gauge!(names::READY).set(1.0);
    metrics::gauge!(names::STARTED_AT_SECONDS).set(clock.now().as_millis() as f64 / 1_000.0);
}

fn mark_unready() {
    metrics::gauge!(names::READY).set(0.0);
}

/// The stop, in order.
fn stop(config: &Config, roles: Roles, close: assemble::Close, ops: Part<ServeReport>) -> Stages {
    let mut stages = Stages::default();
    if let Some(ingest) = roles.ingest {
        // Twice: for connections, and for what is still under way after its client has left.
        let deadline = config.ingest.serve.drain_deadline * 2 + GRACE;
        stages.then("ingest", deadline, async { served(ingest.stop().await?) });
    }
    for job in roles.jobs {
        stages.then(job.name(), GRACE, job.stop());
    }
    if let Some(persister) = roles.persister {
        stages.then("persister", config.persister.drain_deadline + GRACE, async {
            match persister.stop().await?.uncommitted {
                0 => Ok(()),
                records => Err(format!("{records} records read and not committed; the next start reads them again")),
            }
        });
    }
    if let Some(control) = roles.control {
        let deadline = config.control.serve.drain_deadline + GRACE;
        stages.then("control", deadline, async { served(control.stop().await?) });
    }
    stages.then("log and store", CLOSE_DEADLINE, close);
    // A scrape that is cut off loses nothing.
    stages.then("operations", config.ops.serve.drain_deadline + GRACE, async { ops.stop().await.map(drop) });
    stages
}

fn served(report: ServeReport) -> Result<(), String> {
    match report {
        report if report.is_clean() => Ok(()),
        ServeReport { cut, panicked: 0, .. } => Err(format!("{cut} requests were cut off")),
        ServeReport { cut, panicked, .. } => Err(format!("{cut} requests were cut off, {panicked} had panicked")),
    }
}
