//! `tidegate dev`: every role in one process.
//!
//! Start: the operations port (not ready yet), the data folder, the persister until it has caught up with the log's
//! end, then control, then ingest. Stop: not ready any more, ingest, the background jobs, the persister, control,
//! the log and the store, the operations port.

mod banner;
pub mod catch_up;
mod demo;

use std::process::ExitCode;
use std::sync::Arc;

use tidegate_admission::Admission;
use tidegate_lifecycle::ExitReport;
use tidegate_telemetry::Metrics;

use crate::assemble::embedded::{self, AllPorts};
use crate::config::{Config, Purpose};
use crate::failure::Failure;
use crate::listeners::ReservedListener;
use crate::process::{self, Begun, Process};
use crate::roles::Roles;
use banner::Addresses;

/// Runs until a signal.
///
/// # Errors
/// Why it could not start, and the way out.
pub fn run(config: Config) -> Result<ExitCode, Failure> {
    process::run(config, ("dev", Purpose::Dev), live)
}

async fn live(config: Config, metrics: Metrics) -> Result<ExitReport, Failure> {
    let ingest = ReservedListener::reserve("ingest.listen", config.listen)?;
    let control = ReservedListener::reserve("control.listen", config.control.listen)?;
    let mut process = Process::begin(config, metrics.clone())?;
    let config = process.config.clone();
    let addresses = Addresses { ingest: ingest.address(), control: control.address(), ops: process.ops_address };
    let opened = embedded::open(&config, &process.clock).await?;
    let AllPorts { front_door, persister, read_api, registry, archived, .. } = opened.ports;

    let mut roles = Roles::new(config.clone(), process.clock.clone(), process.ids.clone());
    let lag = front_door.lag.clone();
    roles.start_persister(&process.parts, persister);
    if let Begun::Stopped(reason) = process.unless_stopped(catch_up::catch_up(&*lag)).await? {
        drop((front_door, read_api, lag, registry, archived));
        return Ok(process.stop(reason, roles, Some(opened.close)).await);
    }
    drop(lag);
    let (control, ingest) = (control.listen()?, ingest.listen()?);
    // One admission for the process: its caches serve the front door and the read API.
    let admission = Arc::new(Admission::new(front_door, config.admission.clone()));
    process.watch_appends(&admission);
    roles.start_upkeep(&process.parts, metrics);
    roles.start_job(&process.parts, archived.into_job());
    roles.start_control(&process.parts, &process.ops_routes, read_api, admission.clone(), control);
    roles.start_ingest(&process.parts, admission, ingest);

    process.ready();
    let welcome = demo::first_team(config.region, registry.clone(), process.clock.clone(), process.ids.clone()).await?;
    tracing::info!(ingest = %addresses.ingest, control = %addresses.control, operations = %addresses.ops, "ready");
    let text = banner::text(&config, &addresses, &welcome, &*process.clock, &*process.ids);
    let (unprinted, early) = tokio::select! {
        printed = banner::print(text) => (printed.err().map(|failure| failure.to_string()), None),
        reason = process.stop_requested() => (Some("standard output is closed".to_owned()), Some(reason)),
    };
    if let Some(why) = unprinted {
        welcome.take_back(&*registry, process.clock.now(), &why).await;
    }
    drop(registry);
    let reason = match early {
        Some(reason) => reason,
        None => process.stop_requested().await,
    };
    Ok(process.stop(reason, roles, Some(opened.close)).await)
}
