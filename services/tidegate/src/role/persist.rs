//! A persister by itself: one member of the group that shares the partitions.

use tidegate_lifecycle::ExitReport;
use tidegate_telemetry::Metrics;

use crate::assemble::distributed;
use crate::config::Config;
use crate::failure::Failure;
use crate::process::{Begun, Process};
use crate::roles::Roles;

pub(super) async fn live(config: Config, metrics: Metrics) -> Result<ExitReport, Failure> {
    let mut process = Process::begin(config.clone(), metrics.clone())?;
    let clock = process.clock.clone();
    let mut roles = Roles::new(config.clone(), clock.clone(), process.ids.clone()).with_health(process.health());
    roles.start_upkeep(&process.parts, metrics, process.operators.clone());
    let kafka = config.kafka()?;
    tracing::info!(
        region = %config.region,
        brokers = kafka.options.brokers,
        topic = kafka.options.topics.records,
        group = kafka.group,
        nodes = config.scylla()?.options.nodes.join(","),
        keyspace = config.scylla()?.options.keyspace,
        operations = %process.ops_address,
        "starting a persister",
    );
    let opened = match process.unless_stopped(distributed::persister(&config, &clock)).await? {
        Begun::Done(opened) => opened,
        Begun::Stopped(reason) => return Ok(process.stop(reason, roles, None).await),
    };
    roles.start_persister(&process.parts, opened.ports);
    process.ready();
    tracing::info!(operations = %process.ops_address, "ready");
    let reason = process.stop_requested().await;
    Ok(process.stop(reason, roles, Some(opened.close)).await)
}
