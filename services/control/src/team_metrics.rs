//! `GET /v1/metrics`: a team's own metrics, for its Prometheus. Never those of the operators, which name no agent.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use tidegate_agentping::TeamId;
use tidegate_agentping_ports::AgentRow;
use tidegate_agentping_ports::spend_rows::{SPEND_DAYS, day_shard};
use tidegate_agentping_pulse::agent::AgentStanding;
use tidegate_agentping_pulse::spend::hour_of;
use tidegate_agentping_settings::TeamSettings;
use tidegate_agentping_verdicts::JudgedDoc;
use tidegate_door::entry::with_type;
use tidegate_kernel::{Month, SmolStr, Timestamp, Usd};
use tidegate_ports::{Rows, StoreError};

use crate::agents::is_there;
use crate::call::{Call, framed_managed};
use crate::endpoint::Endpoint;
use crate::guard::spend_pages;
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ManagedRefusals, Refusals};
use crate::standing::{Standing, Standings};
use crate::weight::Weight;

/// The type of Prometheus' text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A gauge of each agent: its name, its help, and its value; `None`: the agent has none.
type AgentGauge = (&'static str, &'static str, fn(&Shown) -> Option<f64>);

/// An agent as its gauges show it.
struct Shown {
    agent: String,
    standing: Standing,
    is_paused: bool,
    is_muted: bool,
    cost: Usd,
}

const OF_AGENTS: &[AgentGauge] = &[
    ("tidegate_agent_up", "1 unless a schedule of the agent is missed; late counts as up.", |shown| {
        Some(flag(shown.standing.state != AgentStanding::Down))
    }),
    ("tidegate_agent_late", "1 past a slot and within its tolerance.", |shown| {
        Some(flag(shown.standing.state == AgentStanding::Late))
    }),
    ("tidegate_agent_running", "1 while a run is open.", |shown| {
        Some(flag(shown.standing.state == AgentStanding::Running))
    }),
    ("tidegate_agent_paused", "1 while the agent or its team is paused.", |shown| Some(flag(shown.is_paused))),
    ("tidegate_agent_muted", "1 while messages of the agent or its team are muted.", |shown| {
        Some(flag(shown.is_muted))
    }),
    ("tidegate_agent_last_success_timestamp_seconds", "When the last run that succeeded ended.", |shown| {
        shown.standing.last_success.map(|last| seconds(last.finished_at))
    }),
    ("tidegate_agent_next_expected_timestamp_seconds", "The next slot, or the one that a run is late for.", |shown| {
        shown.standing.next_slot.map(seconds)
    }),
    ("tidegate_agent_cost_usd_today", "US dollars of runs that started today, in UTC.", |shown| {
        Some(shown.cost.as_nanos() as f64 / 1e9)
    }),
];

/// The team's metrics.
#[utoipa::path(
    get,
    path = "/v1/metrics",
    operation_id = "read_team_metrics",
    tag = "team",
    responses((status = 200, description = "Prometheus' text format.", body = String, content_type = "text/plain"), Refusals, ManagedRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn read(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::TeamMetrics, request, metrics).await
}

async fn metrics(call: Call) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let settings = call.settings();
    let Call { reads, reader, queries, .. } = call;
    // What the answer takes is bounded by the plan's agents.
    let _permit = reads.permit(Weight::Rows).await?;
    let (now, rows, team) = (reads.now(), &*reads.managed.rows, reader.team);
    let agents = reads.ask(queries.agents(team));
    let standings = reads.ask(Standings::of_team(rows, team));
    let costs = reads.ask(costs_of(rows, team, now));
    let events = reads.ask(queries.usage(team, Month::of(now)));
    let judged = reads.ask(JudgedDoc::read(rows));
    let (agents, standings, costs, events, judged) = tokio::try_join!(agents, standings, costs, events, judged)?;
    let there = agents.iter().filter(|row| is_there(row, &settings));
    let shown: Vec<Shown> = there.map(|row| Shown::of(row, &standings, &settings, &costs, now)).collect();
    let mut text = String::new();
    for (name, help, value) in OF_AGENTS {
        begin(&mut text, name, help);
        for agent in &shown {
            if let Some(value) = value(agent) {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{name}{{agent=\"{}\"}} {value}", escaped(&agent.agent));
            }
        }
    }
    let open = standings.open_incidents();
    let of_team = [
        ("tidegate_team_events_used", "Events of this month that count towards the plan.", Some(events as f64)),
        (
            "tidegate_team_events_allowance",
            "What the plan includes in a month; absent without a limit.",
            reader.plan.limits().events_per_month.map(|allowance| allowance as f64),
        ),
        ("tidegate_team_incidents_open", "Incidents that are open.", Some(open as f64)),
        (
            "tidegate_team_judged_until_timestamp_seconds",
            "Everything that was appended until then is judged; absent before the first judge.",
            judged.map(|judged| seconds(judged.until)),
        ),
    ];
    for (name, help, value) in of_team {
        if let Some(value) = value {
            begin(&mut text, name, help);
            let _ = writeln!(text, "{name} {value}");
        }
    }
    Ok(with_type(TEXT_FORMAT, text))
}

impl Shown {
    fn of(
        row: &AgentRow,
        standings: &Standings,
        settings: &TeamSettings,
        costs: &BTreeMap<SmolStr, i64>,
        now: Timestamp,
    ) -> Self {
        let nanos = costs.get(settings.names.key(&row.slug).as_str()).copied().unwrap_or(0);
        Shown {
            agent: row.slug.to_string(),
            standing: standings.standing(row, settings, now),
            is_paused: settings.pause_of(&row.slug, now).is_some(),
            is_muted: settings.mute_of(&row.slug, now).is_some(),
            cost: Usd::from_nanos(u64::try_from(nanos).unwrap_or(0)),
        }
    }
}

/// What the runs of today cost so far, in billionths of a dollar by agent.
async fn costs_of(rows: &dyn Rows, team: TeamId, now: Timestamp) -> Result<BTreeMap<SmolStr, i64>, StoreError> {
    let today = hour_of(now).div_euclid(24);
    let mut costs = BTreeMap::new();
    for page in spend_pages(rows, &SPEND_DAYS, day_shard(team, today)).await? {
        for (cell, nanos) in page.cells() {
            let sum: &mut i64 = costs.entry(cell.agent.clone()).or_default();
            *sum = sum.saturating_add(nanos);
        }
    }
    Ok(costs)
}

fn begin(text: &mut String, name: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
}

const fn flag(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millis() as f64 / 1_000.0
}

/// A label's value.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_labels_value_is_escaped() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }
}
