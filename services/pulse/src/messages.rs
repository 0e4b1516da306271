//! From what is found about spend to the messages of alerts.

use serde_json::{Map, Value, json};
use tidegate_agentping::TeamId;
use tidegate_agentping_alerts::guard::guard_alert;
use tidegate_agentping_alerts::{Addressees, AlertEvent, AlertOutbox, MessageEdge};
use tidegate_agentping_pulse::{AlertKind, AlertSeverity};
use tidegate_agentping_settings::GuardEvent;
use tidegate_kernel::Usd;
use tidegate_kernel::usd::decimal;
use tidegate_ports::StoreError;

use crate::spend::{SpendAlert, TopSpenders};

/// Stores what is found about spend in the outbox of alerts.
#[derive(Clone, Debug)]
pub struct SpendMessages(pub AlertOutbox);

impl SpendMessages {
    /// # Errors
    /// [`StoreError`]: the same alerts again store what is missing.
    pub async fn put(&self, alerts: &[SpendAlert]) -> Result<(), StoreError> {
        let events: Vec<AlertEvent> = alerts.iter().map(of_spend).collect();
        self.0.put(&events).await
    }

    /// The same of guard's warnings.
    ///
    /// # Errors
    /// As [`SpendMessages::put`].
    pub async fn warn(&self, warnings: &[(TeamId, GuardEvent)]) -> Result<(), StoreError> {
        let events: Vec<AlertEvent> = warnings.iter().map(|(team, event)| guard_alert(*team, event, None)).collect();
        self.0.put(&events).await
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
    decimal(&amount, serde_json::value::Serializer).unwrap_or(Value::Null)
}
