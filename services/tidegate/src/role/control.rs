//! The read API by itself.

use std::sync::Arc;

use tidegate_admission::Authenticator;
use tidegate_lifecycle::ExitReport;
use tidegate_telemetry::Metrics;

use crate::alerting::Alerting;
use crate::assemble::distributed;
use crate::config::Config;
use crate::failure::Failure;
use crate::listeners::ReservedListener;
use crate::process::{Begun, Process};
use crate::roles::Roles;

pub(super) async fn live(config: Config, metrics: Metrics) -> Result<ExitReport, Failure> {
    let reserved = ReservedListener::reserve("control.listen", config.control.listen)?;
    let address = reserved.address();
    let mut process = Process::begin(config.clone(), metrics.clone())?;
    let clock = process.clock.clone();
    let mut roles = Roles::new(config.clone(), clock.clone(), process.ids.clone());
    roles.start_upkeep(&process.parts, metrics, process.operators.clone());
    tracing::info!(
        region = %config.region,
        nodes = config.scylla()?.options.nodes.join(","),
        keyspace = config.scylla()?.options.keyspace,
        log = config.kafka.as_ref().map_or("not named", |kafka| &kafka.options.topics.records),
        operations = %process.ops_address,
        "starting the read API",
    );
    let opened = match process.unless_stopped(distributed::read_api(&config, &clock)).await? {
        Begun::Done(opened) => opened,
        Begun::Stopped(reason) => return Ok(process.stop(reason, roles, None).await),
    };
    let (ports, credentials, settings) = opened.ports;
    let of_region = || format!("https://{}.ingest.agentping.io", config.region);
    let ingest_url = config.control.ingest_url.clone().unwrap_or_else(of_region);
    let managed = match process.unless_stopped(settings.management(clock.clone(), &ingest_url)).await? {
        Begun::Done(managed) => managed,
        Begun::Stopped(reason) => return Ok(process.stop(reason, roles, Some(opened.close)).await),
    };
    let alerting = Alerting::of(&config.alerts, None)?;
    roles.start_team_names(&process.parts, &alerting, settings.registry.clone());
    let managed = alerting.managed(managed, clock.clone());
    let managed = managed.with_gate(distributed::gate_of_control(&config, &clock)?);
    let callers = Arc::new(Authenticator::new(credentials, clock, &config.admission));
    let (reading, listener) = ((ports, managed), reserved.listen()?);
    roles.start_control(&process.parts, &process.ops_routes, reading, callers, Vec::new(), listener);
    process.ready();
    tracing::info!(control = %address, operations = %process.ops_address, "ready");
    let reason = process.stop_requested().await;
    Ok(process.stop(reason, roles, Some(opened.close)).await)
}
