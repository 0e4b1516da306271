//! `tidegate dev`: every role in one process.
//!
//! Start: the operations port (not ready yet), the data folder, persister and decider until they have caught up with the
//! ends of their logs, then control, the judge of schedules, then the front doors. Stop: not ready any more, the front doors, the background jobs,
//! decider and persister, control, the logs and stores, the operations port.

mod banner;
pub mod catch_up;
mod demo;
mod demo_agentgate;

use std::process::ExitCode;
use std::sync::Arc;

use tidegate_admission::Admission;
use tidegate_lifecycle::ExitReport;
use tidegate_ports::Clock;
use tidegate_telemetry::Metrics;

use crate::agentgate::{Door, expiry, on_ports, rows_of_decider, webhooks};
use crate::alerting::Alerting;
use crate::assemble::commands::embedded::{self as commands, EmbeddedCommands};
use crate::assemble::embedded::{self, AllPorts};
use crate::assemble::{Close, Opened};
use crate::config::{Config, Purpose};
use crate::failure::Failure;
use crate::listeners::ReservedListener;
use crate::process::{self, Begun, Process};
use crate::roles::Roles;
use banner::Addresses;

/// Runs until a signal.
///
/// # Errors
/// Why it could not start, and what to do about it.
pub fn run(config: Config) -> Result<ExitCode, Failure> {
    process::run(config, ("dev", Purpose::Dev), live)
}

async fn live(config: Config, metrics: Metrics) -> Result<ExitReport, Failure> {
    let ingest = ReservedListener::reserve("ingest.listen", config.listen)?;
    let control = ReservedListener::reserve("control.listen", config.control.listen)?;
    let agentgate = ReservedListener::reserve("agentgate.listen", config.agentgate.listen)?;
    let mut process = Process::begin(config, metrics.clone())?;
    let config = process.config.clone();
    let addresses = Addresses {
        ingest: ingest.address(),
        control: control.address(),
        agentgate: agentgate.address(),
        ops: process.ops_address,
    };
    let webhooks = webhooks::client(&config.agentgate)?;
    let alerting = Alerting::of(&config.alerts, Some(format!("http://{}", addresses.control)))?;
    let opened = embedded::open(&config, &process.clock).await?;
    let AllPorts { front_door, persister, read_api, registry, settings, pulse, archived, .. } = opened.ports;
    let gate = match open_agentgate(&config, &process.clock).await {
        Ok(gate) => gate,
        Err(failure) => {
            drop((front_door, persister, read_api, registry, settings, pulse, archived));
            // Why it could not start counts, not what is left.
            _ = opened.close.await;
            return Err(failure);
        }
    };
    let close = both(opened.close, gate.close);
    let EmbeddedCommands { door, decider, inbox, store, .. } = gate.ports;

    let mut roles = Roles::new(config.clone(), process.clock.clone(), process.ids.clone());
    let (lag, gate_lag) = (front_door.lag.clone(), door.commands.lag.clone());
    roles.start_persister(&process.parts, persister);
    let conservation = roles.start_commands_conservation(&process.parts, &decider);
    let rows_of_gate = rows_of_decider(&decider);
    roles.start_decider(&process.parts, decider, Some(webhooks.clone()));
    let ingest_url = config.control.ingest_url.clone().unwrap_or_else(|| format!("http://{}", addresses.ingest));
    let caught_up = async {
        catch_up::catch_up(&*lag).await?;
        catch_up::catch_up(&*gate_lag).await
    };
    if let Begun::Stopped(reason) = process.unless_stopped(caught_up).await? {
        drop((front_door, read_api, lag, gate_lag, registry, settings, pulse, archived, door, inbox, store));
        drop(rows_of_gate);
        return Ok(process.stop(reason, roles, Some(close)).await);
    }
    drop((lag, gate_lag));
    process.operators.open(rows_of_gate);
    let managed = settings.management(process.clock.clone(), &ingest_url).await?;
    let managed = alerting.managed(managed, process.clock.clone());
    let (control, ingest, agentgate) = (control.listen()?, ingest.listen()?, agentgate.listen()?);
    // One admission for the process: its caches serve the front door and the read API.
    let admission = Arc::new(Admission::new(front_door, config.admission.clone()));
    process.watch_appends("log", admission.appends());
    roles.start_upkeep(&process.parts, metrics, process.operators.clone());
    roles.start_job(&process.parts, archived.into_job());
    let shown = vec![conservation];
    let (mirror, rows) = (managed.mirror.clone(), settings.rows.clone());
    let reading = (read_api, managed);
    roles.start_control(&process.parts, &process.ops_routes, reading, admission.clone(), shown, control);
    roles.start_team_names(&process.parts, &alerting, registry.clone());
    roles.start_pulse(&process.parts, pulse, &settings, (mirror, &alerting), true);
    roles.start_expiry_of_settings(&process.parts, settings);
    roles.start_ingest(&process.parts, admission, (rows, process.health()), ingest);
    let office = on_ports(&door, process.ids.clone(), false);
    let gate_door = Door::new(&config.agentgate, &door, webhooks, process.ids.clone());
    process.watch_appends("log of agentgate", gate_door.appends.clone());
    roles.start_job(&process.parts, expiry(store, process.clock.clone()));
    roles.start_inbox(&process.parts, inbox, door.commands.append.clone());
    roles.start_agentgate(&process.parts, gate_door, agentgate);
    drop(door);

    process.ready();
    let welcome = demo::first_team(config.region, registry.clone(), process.clock.clone(), process.ids.clone()).await?;
    let gate_welcome = demo_agentgate::welcome(&office).await;
    tracing::info!(
        ingest = %addresses.ingest,
        control = %addresses.control,
        agentgate = %addresses.agentgate,
        operations = %addresses.ops,
        "ready"
    );
    let link = welcome.key_hash().map(|key| roles.sign_in_links().make(key, &*process.ids));
    let path = link.as_deref().unwrap_or("/");
    let text = banner::text(&config, &addresses, path, (&welcome, &gate_welcome), &*process.clock, &*process.ids);
    let (unprinted, early) = tokio::select! {
        printed = banner::print(text) => (printed.err().map(|failure| failure.to_string()), None),
        reason = process.stop_requested() => (Some("standard output is closed".to_owned()), Some(reason)),
    };
    if let Some(why) = unprinted {
        welcome.take_back(&*registry, process.clock.now(), &why).await;
        gate_welcome.take_back(&office).await;
    }
    drop((registry, office));
    let reason = match early {
        Some(reason) => reason,
        None => process.stop_requested().await,
    };
    Ok(process.stop(reason, roles, Some(close)).await)
}

async fn open_agentgate(config: &Config, clock: &Arc<dyn Clock>) -> Result<Opened<EmbeddedCommands>, Failure> {
    let folder = commands::folder(config, clock.now())?;
    commands::open(config, &folder, &folder.own()?, clock).await
}

/// Closes both, whatever becomes of the first.
fn both(first: Close, second: Close) -> Close {
    Box::pin(async {
        let closed = first.await;
        let second = second.await;
        closed.and(second)
    })
}
