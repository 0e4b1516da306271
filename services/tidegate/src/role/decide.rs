//! A decider by itself: one member of the group that shares the partitions.

use tidegate_control::conservation::{self, Shown};
use tidegate_lifecycle::ExitReport;
use tidegate_telemetry::Metrics;

use crate::agentgate::{rows_of_decider, webhooks};
use crate::assemble::commands::distributed;
use crate::config::Config;
use crate::failure::Failure;
use crate::process::{Begun, Process};
use crate::roles::Roles;

pub(super) async fn live(config: Config, metrics: Metrics) -> Result<ExitReport, Failure> {
    let mut process = Process::begin(config.clone(), metrics.clone())?;
    let clock = process.clock.clone();
    let mut roles = Roles::new(config.clone(), clock.clone(), process.ids.clone()).with_health(process.health());
    roles.start_upkeep(&process.parts, metrics, process.operators.clone());
    let kafka = distributed::kafka(&config)?;
    let webhooks = webhooks::client(&config.agentgate)?;
    tracing::info!(
        region = %config.region,
        brokers = kafka.options.brokers,
        topic = kafka.options.topics.records,
        group = kafka.group,
        nodes = config.scylla()?.options.nodes.join(","),
        keyspace = distributed::scylla(&config)?.keyspace,
        operations = %process.ops_address,
        "starting a decider",
    );
    let opened = match process.unless_stopped(distributed::decider(&config, &clock)).await? {
        Begun::Done(opened) => opened,
        Begun::Stopped(reason) => return Ok(process.stop(reason, roles, None).await),
    };
    let conservation = roles.start_commands_conservation(&process.parts, &opened.ports);
    process.ops_routes.open(conservation::routes(Shown { agentping: None, apis: vec![conservation] }));
    process.operators.open(rows_of_decider(&opened.ports));
    roles.start_decider(&process.parts, opened.ports, Some(webhooks));
    process.ready();
    tracing::info!(operations = %process.ops_address, "ready");
    let reason = process.stop_requested().await;
    Ok(process.stop(reason, roles, Some(opened.close)).await)
}
