//! From the judge to the outbox: what each message says, and which routes there are.

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use tidegate_agentping::{RunStatus, Slug, TeamId};
use tidegate_agentping_alerts::{AlertEvent, AlertOutbox};
use tidegate_agentping_pulse::{AlertKind, Definition, Edge, IncidentOrigin, Timing};
use tidegate_agentping_settings::TeamSettings;
use tidegate_kernel::Timestamp;
use tidegate_ports::StoreError;

use crate::judge::{Alert, Outbox, RouteChoice, Routes};

#[async_trait]
impl Outbox for AlertOutbox {
    async fn put(&self, alerts: &[Alert], _judged_until: Timestamp) -> Result<(), StoreError> {
        let events: Vec<AlertEvent> = alerts.iter().map(event).collect();
        AlertOutbox::put(self, &events).await
    }
}

/// Routes as teams have set them, those that serve.
#[derive(Clone, Copy, Debug, Default)]
pub struct SettingsRoutes;

impl Routes for SettingsRoutes {
    fn routes_of(&self, _: TeamId, settings: &TeamSettings, agent: &Slug) -> Vec<RouteChoice> {
        let choice = |(id, route): (&tidegate_kernel::SmolStr, &tidegate_agentping_settings::RouteDoc)| RouteChoice {
            route: id.clone(),
            kinds: route.alerts.clone(),
            min_severity: route.min_severity,
            min_interval_s: route.min_interval_s,
            reminders: route.reminders,
            holds_open: route.holds_open(),
        };
        settings.routes_of(Some(agent)).into_iter().map(choice).collect()
    }
}

/// A message of the judge with the members that its kind has.
fn event(alert: &Alert) -> AlertEvent {
    let mut data = match (alert.message.kind, alert.message.origin) {
        (AlertKind::ScheduleMissed | AlertKind::ScheduleUnknown, IncidentOrigin::Slot(at)) => of_slot(alert, at),
        (_, IncidentOrigin::Run(run)) => Map::from_iter([("run_id".to_owned(), run.to_string().into())]),
        (_, IncidentOrigin::Child { run, child }) => Map::from_iter([
            ("run_id".to_owned(), run.to_string().into()),
            ("child_run_id".to_owned(), child.to_string().into()),
        ]),
        _ => Map::new(),
    };
    add_runs(&mut data, alert);
    if alert.message.kind == AlertKind::RunStuck && alert.message.edge != Edge::Resolved {
        data.insert("status".to_owned(), RunStatus::Running.as_str().into());
    }
    if let Some(child) = &alert.child {
        // How the child ended; the root may yet end otherwise.
        data.insert("status".to_owned(), child.status.as_str().into());
    }
    AlertEvent::of_message(alert.team, alert.slug.clone(), &alert.message, data)
}

fn of_slot(alert: &Alert, at: Timestamp) -> Map<String, Value> {
    let mut data = Map::from_iter([("expected_at".to_owned(), at.to_string().into())]);
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            data.insert(name.to_owned(), value);
        }
    };
    let instant = |at: Option<Timestamp>| at.map(|at| Value::from(at.to_string()));
    put("deadline", instant(alert.deadline));
    put("next_expected_at", instant(alert.next_expected_at));
    put("missed_in_row", Some(alert.message.count.into()));
    if let Some(schedule) = &alert.schedule {
        put("schedule", Some(written(schedule).into()));
        put("timezone", Some(schedule.timezone.name().into()));
        put("tolerance_s", Some(schedule.tolerance_s.into()));
    }
    data
}

/// The expression, or the period.
fn written(schedule: &Definition) -> String {
    match (&schedule.timing, &schedule.cron) {
        (Timing::Every { period_s }, _) => format!("every {period_s} s"),
        (Timing::Cron { .. }, cron) => cron.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

fn add_runs(data: &mut Map<String, Value>, alert: &Alert) {
    if let Some(last) = &alert.last_success {
        let mut success = json!({"run_id": last.run, "finished_at": last.finished_at.to_string()});
        if let Some(duration_ms) = last.duration_ms {
            success["duration_ms"] = duration_ms.into();
        }
        // Exact as it is written; a number of JSON with the same digits.
        if let Ok(cost) = serde_json::from_str::<Value>(&last.cost.to_string()) {
            success["cost_usd"] = cost;
        }
        data.insert("last_success".to_owned(), success);
    }
    if let Some(last) = &alert.last_run {
        if data.get("run_id").and_then(Value::as_str) == Some(last.run.to_string().as_str()) {
            data.insert("status".to_owned(), last.status.as_str().into());
        }
        let run =
            json!({"run_id": last.run, "status": last.status.as_str(), "received_at": last.received_at.to_string()});
        data.insert("last_run".to_owned(), run);
    }
}
