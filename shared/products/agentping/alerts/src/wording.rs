//! A message in words, for Slack, mail and PagerDuty. All texts are plain: each form escapes them its own way.

use serde_json::Value;
use tidegate_agentping_pulse::AlertKind;

use crate::body::MessageBody;
use crate::digest;
use crate::guard::OPERATOR_PAUSE;

/// A message in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// One line.
    pub title: String,
    /// Labels and values.
    pub facts: Vec<(&'static str, String)>,
    /// Of a group its incidents, of a digest what it lists; one a line.
    pub list: Vec<String>,
}

/// Facts of `data` by their paths, in the order in which they are shown.
const FACTS: &[(&str, &str)] = &[
    ("from", "From"),
    ("to", "To"),
    ("spend.spent_usd", "Spent (USD)"),
    ("expected_at", "Expected at"),
    ("deadline", "Deadline"),
    ("schedule", "Schedule"),
    ("timezone", "Time zone"),
    ("missed_in_row", "Missed in a row"),
    ("folded", "Not sent on their own"),
    ("next_expected_at", "Next expected at"),
    ("last_success.finished_at", "Last success"),
    ("last_success.run_id", "Its run"),
    ("last_success.duration_ms", "Its duration (ms)"),
    ("last_success.cost_usd", "Its cost (USD)"),
    ("last_run.run_id", "Last run"),
    ("last_run.status", "Its status"),
    ("last_run.received_at", "Received at"),
    ("resolved_at", "Resolved at"),
    ("run_id", "Run"),
    ("status", "Status"),
    ("child_run_id", "Child run"),
    ("check", "Check"),
    ("outcome", "Outcome"),
    ("refused_agent", "Refused agent"),
    ("rule", "Rule"),
    ("limit_usd", "Limit (USD)"),
    ("spent_usd", "Spent (USD)"),
    ("threshold", "Line (USD)"),
    ("mean_usd", "Mean (USD)"),
    ("sigma_usd", "Deviation (USD)"),
    ("z", "Deviations above the mean"),
    ("guard_check_id", "Guard check"),
    ("percent", "Percent of the plan"),
    ("events", "Events"),
    ("allowance", "Allowance"),
    ("further_ones", "Further ones"),
    ("provider", "Provider"),
    ("model", "Model"),
    ("route", "Route"),
    ("reason", "Reason"),
    ("paused_at", "Paused at"),
    ("paused_by", "Paused by"),
    ("until", "Until"),
    ("note", "Note"),
    ("also_down", "Also down"),
];

impl Wording {
    pub fn of(body: &MessageBody) -> Self {
        let mut facts: Vec<(&str, String)> = vec![("Severity", body.severity.as_str().to_owned())];
        facts.extend(
            FACTS.iter().filter_map(|(path, label)| Some((*label, body.fact(path).filter(|text| text != "0")?))),
        );
        facts.push(("At", body.timestamp.to_string()));
        Wording { title: title(body), facts, list: list(body) }
    }
}

fn title(body: &MessageBody) -> String {
    let who = body.agent.as_ref().map_or("The team", |agent| agent.as_str());
    let what = match body.fact("reason") {
        Some(reason) if reason == OPERATOR_PAUSE => "a pause blocks runs",
        _ => what(body.alert),
    };
    match body.kind.as_str() {
        "test" => "This is a test message".to_owned(),
        "digest" => digest::title(body),
        "incidents.grouped" => format!("{} alerts at once", body.fact("count").unwrap_or_default()),
        "incident.flapping" => format!("{who}: flapping between fine and {what}; silent until it is stable"),
        _ if body.status == "resolved" => match body.data.get("down_s").and_then(Value::as_u64) {
            Some(down_s) => format!("{who}: recovered from {what} (was down {})", duration(down_s)),
            None => format!("{who}: recovered from {what}"),
        },
        _ if body.data.get("broken_for_long").and_then(Value::as_bool) == Some(true) => {
            format!("{who}: {what}, for two weeks or longer. Is it still wanted? From now on this comes once a week")
        }
        _ => format!("{who}: {what}"),
    }
}

const fn what(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::ScheduleMissed => "an expected run is missing",
        AlertKind::ScheduleUnknown => "it is not known whether an expected run took place",
        AlertKind::RunStuck => "a run takes longer than allowed",
        AlertKind::RunFailed => "a run failed",
        AlertKind::SpendAnomaly => "today's spend is unusually high",
        AlertKind::CheckFailed => "a check of a run's result failed",
        AlertKind::GuardBlocked => "a guard rule blocks runs",
        AlertKind::GuardWarning => "spend approaches the limit of a guard rule",
        AlertKind::Quota => "the month's events reach a mark of the plan",
        AlertKind::AgentLimit => "a further agent was refused, since the plan has no more",
        AlertKind::UnpricedModel => "a model has no price",
        AlertKind::RouteDisabled => "a route of alerts was disabled",
        AlertKind::Test => "a test message",
        AlertKind::Digest => "a digest",
    }
}

/// The two largest units.
pub fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

fn list(body: &MessageBody) -> Vec<String> {
    if body.alert == AlertKind::Digest {
        return digest::lines(body);
    }
    let Some(incidents) = body.data.get("incidents").and_then(Value::as_array) else { return Vec::new() };
    let line = |incident: &Value| {
        let text = |name: &str| incident.get(name).and_then(Value::as_str).unwrap_or_default();
        format!("{}: {}", text("agent"), text("alert"))
    };
    incidents.iter().map(line).collect()
}
