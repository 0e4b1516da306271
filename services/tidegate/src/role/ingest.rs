//! A front door by itself. It keeps nothing that another front door needs.

use std::sync::Arc;

use tidegate_admission::Admission;
use tidegate_lifecycle::ExitReport;
use tidegate_telemetry::Metrics;

use crate::assemble::distributed;
use crate::config::Config;
use crate::failure::Failure;
use crate::listeners::ReservedListener;
use crate::process::{Begun, Process};
use crate::roles::Roles;

pub(super) async fn live(config: Config, metrics: Metrics) -> Result<ExitReport, Failure> {
    let reserved = ReservedListener::reserve("ingest.listen", config.listen)?;
    let address = reserved.address();
    let mut process = Process::begin(config.clone(), metrics.clone())?;
    let clock = process.clock.clone();
    let mut roles = Roles::new(config.clone(), clock.clone(), process.ids.clone());
    roles.start_upkeep(&process.parts, metrics, process.operators.clone());
    let kafka = config.kafka()?;
    tracing::info!(
        region = %config.region,
        brokers = kafka.options.brokers,
        topic = kafka.options.topics.records,
        redis = config.shown("redis.urls"),
        nodes = config.scylla()?.options.nodes.join(","),
        keyspace = config.scylla()?.options.keyspace,
        operations = %process.ops_address,
        "starting a front door",
    );
    let opened = match process.unless_stopped(distributed::front_door(&config, &clock)).await? {
        Begun::Done(opened) => opened,
        Begun::Stopped(reason) => return Ok(process.stop(reason, roles, None).await),
    };
    let (ports, settings) = opened.ports;
    let admission = Arc::new(Admission::new(ports, config.admission.clone()));
    admission.learn_accounts().await;
    process.watch_appends("log", admission.appends());
    roles.start_ingest(&process.parts, admission, (settings.rows, process.health()), reserved.listen()?);
    process.ready();
    tracing::info!(ingest = %address, operations = %process.ops_address, "ready");
    let reason = process.stop_requested().await;
    Ok(process.stop(reason, roles, Some(opened.close)).await)
}
