//! A front door of AgentGate by itself. It keeps nothing that another front door needs.

use tidegate_lifecycle::ExitReport;
use tidegate_telemetry::Metrics;

use crate::agentgate::{Door, rows_of_door, webhooks};
use crate::assemble::commands::distributed;
use crate::config::Config;
use crate::failure::Failure;
use crate::listeners::ReservedListener;
use crate::process::{Begun, Process};
use crate::roles::Roles;

pub(super) async fn live(config: Config, metrics: Metrics) -> Result<ExitReport, Failure> {
    let reserved = ReservedListener::reserve("agentgate.listen", config.agentgate.listen)?;
    let address = reserved.address();
    let mut process = Process::begin(config.clone(), metrics.clone())?;
    let clock = process.clock.clone();
    let mut roles = Roles::new(config.clone(), clock.clone(), process.ids.clone());
    roles.start_upkeep(&process.parts, metrics, process.operators.clone());
    let kafka = distributed::kafka(&config)?;
    let webhooks = webhooks::client(&config.agentgate)?;
    tracing::info!(
        region = %config.region,
        brokers = kafka.options.brokers,
        topic = kafka.options.topics.records,
        redis = config.shown("redis.urls"),
        nodes = config.scylla()?.options.nodes.join(","),
        keyspace = distributed::scylla(&config)?.keyspace,
        operations = %process.ops_address,
        "starting a front door of AgentGate",
    );
    let opened = match process.unless_stopped(distributed::door(&config, &clock)).await? {
        Begun::Done(opened) => opened,
        Begun::Stopped(reason) => return Ok(process.stop(reason, roles, None).await),
    };
    let door = Door::new(&config.agentgate, &opened.ports, webhooks, process.ids.clone());
    door.lag_watch.learn_accounts().await;
    process.watch_appends("log", door.appends.clone());
    process.operators.open(rows_of_door(&opened.ports, process.ids.clone()));
    roles.start_agentgate(&process.parts, door, reserved.listen()?);
    process.ready();
    tracing::info!(agentgate = %address, operations = %process.ops_address, "ready");
    let reason = process.stop_requested().await;
    drop(opened.ports);
    Ok(process.stop(reason, roles, Some(opened.close)).await)
}
