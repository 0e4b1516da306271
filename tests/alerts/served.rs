//! Every metric, and every label value, that an alert or a panel asks for is on `/metrics` of a running system: an
//! alert on a name that does not exist never fires.

use std::time::Duration;

use serde_json::json;
use tidegate_tests::metrics::Metrics;
use tidegate_tests::process::Extra;
use tidegate_tests::stack::Settings;
use tidegate_tests::team::Agreed;
use tidegate_tests::{Plan, Target, Team, eventually, ids, wire};

use crate::BINARY;
use crate::selectors::{Asked, of_alerts, of_dashboard};

/// Gauges of lag, log and disk are read about once a second, figures of librdkafka about every five.
const PUBLISHED: Duration = Duration::from_secs(60);

/// What only one kind of deployment has.
const DISTRIBUTED: [&str; 3] = ["tidegate_kafka_", "tidegate_redis_", "tidegate_cql_"];
const EMBEDDED: [&str; 1] = ["tidegate_disk_"];
/// What only AgentGate's roles have. On the stack the other roles run alone.
const OF_COMMANDS: [&str; 6] = [
    "tidegate_agentgate_",
    "tidegate_command",
    "tidegate_decider_",
    "tidegate_deliveries_",
    "tidegate_fact_",
    "tidegate_redis_limits_",
];

/// What only the judge of schedules has. On the stack the other roles run alone.
const OF_PULSE: [&str; 1] = ["tidegate_pulse_"];

/// Everything that alerts and panels ask for, but for names that begin so.
fn asked_but_for(prefixes: &[&str]) -> Asked {
    let mut all = of_alerts();
    for (name, values) in of_dashboard() {
        all.entry(name).or_default().extend(values);
    }
    assert!(all.len() > 30, "{:?}", all.keys());
    all.retain(|name, _| !prefixes.iter().any(|prefix| name.starts_with(prefix)));
    all
}

/// What is asked for and not there.
fn missing(asked: &Asked, page: &Metrics) -> Vec<String> {
    let there = page.names();
    let mut missing = Vec::new();
    for (name, values) in asked {
        if !there.contains(name.as_str()) {
            missing.push(name.clone());
            continue;
        }
        let lacks = |(label, value): &&(String, String)| !page.values(name, label).contains(value);
        missing.extend(values.iter().filter(lacks).map(|(label, value)| format!("{name}{{{label}=\"{value}\"}}")));
    }
    missing
}

/// Some of every answer that a client can get.
async fn mixed_traffic(target: &Target) {
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let quota = Agreed { events_per_month: Some(1), ..Agreed::default() };
    let tight = Team::create(target.deployment(), Plan::Enterprise(quota)).await;
    for _ in 0..4 {
        let run = team.run_id();
        let start = wire::start(&run, "mixed");
        let batch = [wire::log_event(&team.event_id())];
        for _ in 0..2 {
            let told = [
                team.start(&start).await.status,
                team.batch(&run, &batch).await.status,
                team.finish(&run, &wire::finish()).await.status,
            ];
            assert!(told.iter().all(|status| matches!(status, 200 | 202)), "{told:?}");
        }
        team.start(&wire::with(start, "agent", json!("other"))).await.expect(409);
        team.bare("POST", "/v1/heartbeats").bytes("{").send().await.expect(401);
        team.call("POST", "/v1/heartbeats").bytes("{").send().await.expect(400);
        let nobody = ids::fresh("apk", &team.deployment.region);
        team.bare("POST", "/v1/runs").bearer(&nobody).send().await.expect(401);
        team.call("POST", "/v1/nowhere").send().await.expect(404);
        team.ping(&[("agent", "mixed")]).await.expect(200);
        assert!(matches!(tight.heartbeat(&json!({"agent": "tight"})).await.status, 202 | 429));
        team.closed_run(&run).await;
    }
}

/// Waits until everything of `asked` is there.
async fn has(target: &Target, what: &str, asked: &Asked) {
    eventually(PUBLISHED, what, async || {
        let missing = missing(asked, &target.metrics().await);
        if missing.is_empty() { Ok(()) } else { Err(format!("not on /metrics: {missing:#?}")) }
    })
    .await;
}

/// Counters stand at zero before anything has happened: an alert on a rise must see what it rose from. The rest is there
/// once there was some of every traffic.
async fn serves(target: &Target, asked: &Asked) {
    let counters: Asked =
        asked.iter().filter(|(name, _)| name.ends_with("_total")).map(|(k, v)| (k.clone(), v.clone())).collect();
    assert!(counters.len() > 8, "{:?}", counters.keys());
    has(target, "every counter is there before the first request", &counters).await;
    mixed_traffic(target).await;
    has(target, "everything that alerts and panels ask for is there", asked).await;
}

#[tokio::test]
async fn the_embedded_deployment_has_what_is_asked_for() {
    let target = Target::dev_with(BINARY, Extra::default()).await;
    serves(&target, &asked_but_for(&DISTRIBUTED)).await;
}

#[tokio::test]
async fn the_distributed_deployment_has_what_is_asked_for() {
    let target = Target::on_the_stack(BINARY, &Settings::small()).await;
    serves(&target, &asked_but_for(&[&EMBEDDED[..], &OF_COMMANDS[..], &OF_PULSE[..]].concat())).await;
}
