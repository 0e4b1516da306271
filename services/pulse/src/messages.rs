//! From the judge's findings to the messages of alerts: which routes an agent has, and what a message's `data` says.

mod spend;

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_alerts::{AlertEvent, Outbox};
use tidegate_agentping_pulse::agent::LastSuccess;
use tidegate_agentping_pulse::{AlertKind, Definition, IncidentOrigin, Timing};
use tidegate_agentping_settings::TeamSettings;
use tidegate_agentping_verdicts::LastRun;
use tidegate_kernel::Timestamp;
use tidegate_kernel::usd::decimal;
use tidegate_ports::StoreError;

use crate::judge::{self, Alert, RouteChoice};

pub use spend::SpendMessages;

/// Stores the judge's messages in the outbox of alerts.
#[derive(Clone, Debug)]
pub struct JudgedMessages(pub Outbox);

/// The routes of a team's settings.
#[derive(Clone, Copy, Debug, Default)]
pub struct SettingsRoutes;

#[async_trait]
impl judge::Outbox for JudgedMessages {
    async fn put(&self, alerts: &[Alert], _: Timestamp) -> Result<(), StoreError> {
        let events: Vec<AlertEvent> = alerts.iter().map(event).collect();
        self.0.put(&events).await
    }
}

impl judge::Routes for SettingsRoutes {
    fn routes_of(&self, _: TeamId, settings: &TeamSettings, agent: &Slug) -> Vec<RouteChoice> {
        let policies = settings.route_policies(agent).into_iter();
        policies
            .map(|policy| RouteChoice {
                route: policy.route.into(),
                kinds: policy.kinds.map(<[AlertKind]>::to_vec),
                min_severity: policy.min_severity,
                min_interval_s: policy.min_interval_s,
                reminders: policy.reminders,
            })
            .collect()
    }
}

fn event(alert: &Alert) -> AlertEvent {
    AlertEvent::of_message(alert.team, alert.slug.clone(), &alert.message, data(alert))
}

/// The members of 4.2 for schedules, of 9.4 for runs. What is not known is absent.
fn data(alert: &Alert) -> Map<String, Value> {
    let mut data = Data(Map::new());
    match alert.message.origin {
        IncidentOrigin::Run(run) => data.set("run_id", run.to_string()),
        IncidentOrigin::Slot(at) => data.set("expected_at", at.to_string()),
    }
    match alert.message.kind {
        AlertKind::RunFailed | AlertKind::RunStuck => {
            if let (IncidentOrigin::Run(run), Some(last)) = (alert.message.origin, alert.last_run)
                && last.run == run
            {
                data.set("status", last.status.as_str());
            }
        }
        _ => data.schedule(alert),
    }
    if let Some(success) = &alert.last_success {
        data.set("last_success", success_of(success));
    }
    data.0
}

struct Data(Map<String, Value>);

impl Data {
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn schedule(&mut self, alert: &Alert) {
        if let Some(deadline) = alert.deadline {
            self.set("deadline", deadline.to_string());
        }
        if let Some(definition) = &alert.schedule {
            self.set("schedule", timing(definition));
            self.set("timezone", definition.timezone.name());
            self.set("tolerance_s", definition.tolerance_s);
        }
        self.set("missed_in_row", alert.message.count);
        if let Some(next) = alert.next_expected_at {
            self.set("next_expected_at", next.to_string());
        }
        if let Some(LastRun { run, status, received_at }) = alert.last_run {
            let last = json!({
                "run_id": run.to_string(), "status": status.as_str(), "received_at": received_at.to_string()
            });
            self.set("last_run", last);
        }
    }
}

/// The cron expression, or the period in words.
fn timing(definition: &Definition) -> String {
    match (&definition.cron, &definition.timing) {
        (Some(cron), _) => cron.to_string(),
        (None, Timing::Every { period_s }) => format!("every {period_s} s"),
        (None, Timing::Cron { .. }) => String::new(),
    }
}

fn success_of(LastSuccess { run, finished_at, duration_ms, cost }: &LastSuccess) -> Value {
    let mut success = json!({"run_id": run.to_string(), "finished_at": finished_at.to_string()});
    if let Some(duration_ms) = duration_ms {
        success["duration_ms"] = (*duration_ms).into();
    }
    success["cost_usd"] = decimal(cost, serde_json::value::Serializer).unwrap_or(Value::Null);
    success
}
