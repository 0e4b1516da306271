//! The judge of schedules by itself. Several may run: one judges, by its lease.

use tidegate_lifecycle::ExitReport;
use tidegate_mirror::Mirror;
use tidegate_telemetry::Metrics;

use crate::alerting::Alerting;
use crate::assemble::distributed;
use crate::config::Config;
use crate::failure::Failure;
use crate::process::{Begun, Process};
use crate::roles::Roles;

pub(super) async fn live(config: Config, metrics: Metrics) -> Result<ExitReport, Failure> {
    let mut process = Process::begin(config.clone(), metrics.clone())?;
    let clock = process.clock.clone();
    let mut roles = Roles::new(config.clone(), clock.clone(), process.ids.clone());
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
        "starting a judge of schedules",
    );
    let alerting = Alerting::of(&config.alerts, None)?;
    let opening = async {
        let opened = distributed::pulse(&config, &clock).await?;
        let mirror = Mirror::read(opened.ports.1.documents.clone(), clock.clone()).await?;
        Ok((opened, mirror))
    };
    let (opened, mirror) = match process.unless_stopped(opening).await? {
        Begun::Done(opened) => opened,
        Begun::Stopped(reason) => return Ok(process.stop(reason, roles, None).await),
    };
    let (ports, settings) = opened.ports;
    roles.start_following(&process.parts, mirror.clone());
    roles.start_team_names(&process.parts, &alerting, settings.registry.clone());
    roles.start_pulse(&process.parts, ports, &settings, (mirror, &alerting), false);
    process.ready();
    tracing::info!(operations = %process.ops_address, "ready");
    let reason = process.stop_requested().await;
    drop(settings);
    Ok(process.stop(reason, roles, Some(opened.close)).await)
}
