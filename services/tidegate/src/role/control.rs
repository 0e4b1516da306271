//! The read API by itself.

use std::sync::Arc;

use tidegate_admission::Authenticator;
use tidegate_lifecycle::ExitReport;
use tidegate_telemetry::Metrics;

use crate::assemble::distributed;
use crate::config::Config;
use crate::doors::Door;
use crate::process::{Begun, Process};
use crate::roles::Roles;

pub(super) async fn live(config: Config, metrics: Metrics) -> Result<ExitReport, String> {
    let door = Door::reserve("control.listen", config.control.listen)?;
    let address = door.address();
    let mut process = Process::begin(config.clone(), metrics.clone())?;
    let clock = process.clock.clone();
    let mut roles = Roles::new(config.clone(), clock.clone(), process.ids.clone());
    roles.start_upkeep(&process.parts, metrics);
    tracing::info!(
        region = %config.region,
        nodes = config.scylla()?.options.nodes.join(","),
        keyspace = config.scylla()?.options.keyspace,
        log = config.kafka.as_ref().map_or("not named", |kafka| &kafka.options.topics.records),
        operations = %process.ops_address,
        "starting the read API",
    );
    let opened = match process.unless_stopped(distributed::read_api(&config)).await? {
        Begun::Done(opened) => opened,
        Begun::Stopped(why) => return Ok(process.stop(why, roles, None).await),
    };
    let (ports, credentials) = opened.ports;
    let callers = Arc::new(Authenticator::new(credentials, clock, &config.admission));
    roles.start_control(&process.parts, &process.ops_routes, ports, callers, door.listen()?);
    process.ready();
    tracing::info!(control = %address, operations = %process.ops_address, "ready");
    let why = process.told_to_stop().await;
    Ok(process.stop(why, roles, Some(opened.close)).await)
}
