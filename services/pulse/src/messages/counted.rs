//! From what is counted and checked to the messages of alerts.

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tidegate_agentping_alerts::{Addressees, AlertEvent, MessageEdge, Outbox};
use tidegate_agentping_pulse::incident::derived_id::delivery_id;
use tidegate_agentping_pulse::{AlertKind, AlertSeverity, Edge, IncidentOrigin};
use tidegate_agentping_settings::TeamSettings;
use tidegate_kernel::Usd;
use tidegate_kernel::usd::decimal;
use tidegate_mirror::Mirror;
use tidegate_ports::StoreError;

use crate::checks::CheckEdge;
use crate::counting::Findings;
use crate::spend::{SpendAlert, TopSpenders};

/// Stores what is counted and checked in the outbox of alerts.
#[derive(Clone)]
pub struct CountedMessages {
    pub outbox: Outbox,
    pub settings: Mirror<TeamSettings>,
}

#[async_trait]
impl Findings for CountedMessages {
    async fn spend(&self, alerts: &[SpendAlert]) -> Result<(), StoreError> {
        let events: Vec<AlertEvent> = alerts.iter().map(of_spend).collect();
        self.outbox.put(&events).await
    }

    async fn checks(&self, edges: &[CheckEdge]) -> Result<(), StoreError> {
        let mut events = Vec::new();
        for edge in edges {
            let settings = self.settings.get(&edge.event.team.to_string()).unwrap_or_default();
            events.extend(of_check(edge, &settings));
        }
        self.outbox.put(&events).await
    }
}

fn of_spend(alert: &SpendAlert) -> AlertEvent {
    let (kind, agent, timestamp) = match alert {
        SpendAlert::Anomaly { agent, at, .. } => (AlertKind::SpendAnomaly, Some(agent.clone()), *at),
        SpendAlert::UnpricedModel { at, .. } => (AlertKind::UnpricedModel, None, *at),
        SpendAlert::Quota { at, .. } => (AlertKind::Quota, None, *at),
    };
    let severity = match alert {
        SpendAlert::Quota { percent, .. } if *percent > 100 => AlertSeverity::Critical,
        _ => kind.severity(),
    };
    AlertEvent {
        team: alert.team(),
        agent,
        kind,
        edge: MessageEdge::Firing,
        severity,
        timestamp,
        incident: None,
        data: data_of_spend(alert),
        to: Addressees::Subscribed { key: alert.key() },
    }
}

fn data_of_spend(alert: &SpendAlert) -> Map<String, Value> {
    let data = match alert {
        SpendAlert::Anomaly { anomaly, top: TopSpenders { runs, customers, models }, .. } => json!({
            "spent_usd": dollars(anomaly.spent),
            "mean_usd": dollars(anomaly.mean),
            "sigma_usd": dollars(anomaly.sigma),
            "z": anomaly.z_hundredths as f64 / 100.0,
            "threshold": dollars(anomaly.threshold),
            "runs": named(runs, |run| json!({"run_id": run.to_string()})),
            "customers": named(customers, |customer| json!({"customer_id": customer})),
            "models": named(models, |(provider, model)| json!({"provider": provider, "model": model})),
        }),
        SpendAlert::UnpricedModel { provider, model, .. } => json!({"provider": provider, "model": model}),
        SpendAlert::Quota { percent, events, allowance, .. } => {
            json!({"percent": percent, "events": events, "allowance": allowance})
        }
    };
    match data {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn named<N>(amounts: &[(N, Usd)], name: impl Fn(&N) -> Value) -> Vec<Value> {
    let with_cost = |(named, cost): &(N, Usd)| {
        let mut member = name(named);
        member["cost_usd"] = dollars(*cost);
        member
    };
    amounts.iter().map(with_cost).collect()
}

fn dollars(amount: Usd) -> Value {
    #[derive(Serialize)]
    struct Dollars(#[serde(serialize_with = "decimal")] Usd);
    serde_json::to_value(Dollars(amount)).unwrap_or_default()
}

/// A message for each route that wants it. A recovery goes to each that wanted the alert.
fn of_check(edge: &CheckEdge, settings: &TeamSettings) -> Vec<AlertEvent> {
    let CheckEdge { event, incident, is_resolved } = edge;
    let kind = AlertKind::CheckFailed;
    let (moment, severity) = match is_resolved {
        true => (Edge::Resolved, AlertSeverity::Info),
        false => (Edge::Firing, kind.severity()),
    };
    let (run, timestamp) = match is_resolved {
        true => (event.run.run, event.ended_at),
        false => (incident.run, incident.opened_at),
    };
    let mut data = Map::from_iter([
        ("check".to_owned(), Value::from(event.check.as_str())),
        ("check_name".to_owned(), Value::from(event.check_name.as_str())),
        ("run_id".to_owned(), Value::from(run.to_string())),
        ("outcome".to_owned(), Value::from(if *is_resolved { "pass" } else { "fail" })),
    ]);
    if *is_resolved {
        data.insert("resolved_at".to_owned(), timestamp.to_string().into());
        data.insert("down_s".to_owned(), (timestamp.millis_since(incident.opened_at) / 1_000).into());
    }
    let policies = settings.route_policies(&event.agent).into_iter();
    let wanting = policies.filter(|policy| {
        policy.kinds.is_none_or(|kinds| kinds.contains(&kind)) && kind.severity() >= policy.min_severity
    });
    let message = |route: &str| AlertEvent {
        team: event.team,
        agent: Some(event.agent.clone()),
        kind,
        edge: moment.into(),
        severity,
        timestamp,
        incident: Some(incident.id),
        data: data.clone(),
        to: Addressees::Route {
            route: route.into(),
            delivery: delivery_id(event.team.region(), incident.id, route, moment, IncidentOrigin::Run(run), timestamp),
        },
    };
    wanting.map(|policy| message(policy.route)).collect()
}
