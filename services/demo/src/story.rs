//! What happens in a run, as the requests that report it.

use serde_json::json;
use tidegate_kernel::Timestamp;

use crate::dice::Dice;
use crate::habits::Habit;
use crate::week::{Outcome, WeekRun, whole};
use crate::{Body, DemoOptions};

/// A run as it is reported.
pub(crate) struct PlannedRun {
    pub id: String,
    pub start: Body,
    pub events: Vec<Body>,
    /// `None`: it is still running.
    pub finish: Option<Body>,
    pub children: Vec<PlannedRun>,
}

/// One event of a run: when it is, and what it says.
struct Step {
    at: Timestamp,
    kind: &'static str,
    data: Body,
}

/// The whole of a run.
pub(crate) fn planned(habit: &Habit, run: &WeekRun, options: &DemoOptions) -> PlannedRun {
    let mut dice = Dice::of(&[&options.team, habit.agent, &run.slot.to_string(), "story"]);
    let region = options.region;
    let id = format!("run_{region}_{}", dice.id(run.started_at.as_millis()));
    let mut start = json!({
        "id": id,
        "agent": habit.agent,
        "started_at": run.started_at.to_string(),
        "feature": habit.feature,
        "goal": habit.goal,
        "metadata": { "host": dice.pick(&["worker-1", "worker-2", "worker-3"]), "release": "2.14.0", "demo": true },
    });
    if !habit.customers.is_empty() {
        start["customer_id"] = json!(dice.pick(habit.customers));
    }
    let steps = steps(habit, run, &mut dice);
    let mut events = Vec::new();
    for (turn, step) in (1..).zip(steps) {
        // Drawn for each, also for one that is still to come: it has the same id then.
        let event = format!("evt_{region}_{}", dice.id(step.at.as_millis()));
        if step.at <= options.until {
            let Step { at, kind, data } = step;
            events
                .push(json!({ "external_id": event, "type": kind, "ts": at.to_string(), "turn": turn, "data": data }));
        }
    }
    let finish = (run.ends_at <= options.until).then(|| finish(habit, run, &mut dice));
    let children = habit.children.iter().map(|agent| child(agent, &id, habit, run, options)).collect();
    PlannedRun { id, start, events, finish, children }
}

/// Tools and model calls in turns, evenly over the time of the run; the last event of a failed one is its error.
fn steps(habit: &Habit, run: &WeekRun, dice: &mut Dice) -> Vec<Step> {
    let calls = dice.between(habit.calls.0, habit.calls.1);
    let mut made: Vec<(&'static str, Body)> = Vec::new();
    for _ in 0..calls {
        made.push(("tool_call", tool(habit, dice, None)));
        made.push(("llm_call", model_call(habit, dice)));
    }
    if calls == 0 {
        made.extend(habit.tools.iter().map(|name| ("tool_call", tool(habit, dice, Some(name)))));
    }
    if run.outcome == Outcome::Failed {
        let error = dice.pick(habit.errors);
        made.push(("error", json!({ "message": error, "error": error })));
    } else {
        made.push(("log", json!({ "level": "info", "message": format!("{}: done", habit.goal) })));
    }
    let span = run.ends_at.millis_since(run.started_at);
    let step = span / (made.len() as u64 + 1);
    let at = |number: u64| run.started_at.plus_millis(whole(step * number));
    (1..).zip(made).map(|(number, (kind, data))| Step { at: at(number), kind, data }).collect()
}

fn tool(habit: &Habit, dice: &mut Dice, name: Option<&str>) -> Body {
    let tool = name.unwrap_or_else(|| dice.pick(habit.tools));
    let rows = dice.between(1, 400);
    json!({
        "tool": tool,
        "latency_ms": dice.between(20, 2_500),
        "input": { "feature": habit.feature, "limit": 500 },
        "output": { "rows": rows },
    })
}

fn model_call(habit: &Habit, dice: &mut Dice) -> Body {
    let other = habit.models.len() > 1 && dice.one_in(4);
    let (provider, model) = habit.models.get(usize::from(other)).copied().unwrap_or_default();
    let input = dice.between(habit.input.0, habit.input.1);
    json!({
        "provider": provider,
        "model": model,
        "input_tokens": input,
        "cached_input_tokens": input * dice.below(6) / 10,
        "output_tokens": dice.between(80, 1_400),
        "latency_ms": dice.between(600, 9_000),
    })
}

/// Most outputs are as the checks want them.
fn finish(habit: &Habit, run: &WeekRun, dice: &mut Dice) -> Body {
    let mut finish = json!({ "finished_at": run.ends_at.to_string() });
    if run.outcome == Outcome::Failed {
        finish["status"] = json!("failed");
        return finish;
    }
    finish["status"] = json!("success");
    finish["scores"] = json!({ "quality": dice.between(70, 99) as f64 / 100.0 });
    finish["output"] = match habit.agent {
        "billing-report" => {
            let mut report = json!({ "pages": dice.between(2, 6), "total_usd": dice.between(18_000, 26_000) });
            if !dice.one_in(4) {
                report["currency"] = json!("USD");
            }
            report
        }
        "email-digest" => {
            let lines = if dice.one_in(4) { 40 } else { 4 };
            json!("Two mails from Globex ask for the signed order form. ".repeat(lines))
        }
        _ => json!({ "ok": true, "items": dice.between(1, 200), "summary": habit.goal }),
    };
    finish
}

/// A run that another one started: it takes the first part of its time.
fn child(agent: &str, parent: &str, habit: &Habit, run: &WeekRun, options: &DemoOptions) -> PlannedRun {
    let mut dice = Dice::of(&[&options.team, agent, &run.slot.to_string(), "child"]);
    let region = options.region;
    let started_at = run.started_at.plus_millis(whole(dice.between(500, 4_000)));
    let span = run.ends_at.millis_since(started_at);
    let ends_at = started_at.plus_millis(whole(span / dice.between(2, 4)));
    let id = format!("run_{region}_{}", dice.id(started_at.as_millis()));
    let start = json!({
        "id": id,
        "agent": agent,
        "started_at": started_at.to_string(),
        "parent_run_id": parent,
        "feature": habit.feature,
        "goal": format!("Part of: {}", habit.goal),
    });
    let event = format!("evt_{region}_{}", dice.id(ends_at.as_millis()));
    let call = model_call(habit, &mut dice);
    let has_ended = ends_at <= options.until;
    let events =
        has_ended.then(|| json!({ "external_id": event, "type": "llm_call", "ts": ends_at.to_string(), "data": call }));
    let finish = has_ended.then(
        || json!({ "status": "success", "finished_at": ends_at.to_string(), "output": { "findings": dice.below(5) } }),
    );
    PlannedRun { id, start, events: events.into_iter().collect(), finish, children: Vec::new() }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use tidegate_kernel::Region;

    use super::*;
    use crate::habits::HABITS;
    use crate::week::runs;

    /// Two minutes past noon, when what began at noon is still running.
    const UNTIL: Timestamp = Timestamp::from_millis(1_778_846_520_000);

    fn options(until: Timestamp) -> DemoOptions {
        let url = || "http://127.0.0.1:1".to_owned();
        DemoOptions {
            ingest_url: url(),
            control_url: url(),
            key: String::new(),
            team: "demo".to_owned(),
            region: Region::Eu,
            until,
        }
    }

    /// Every run of the week, children too.
    fn all(until: Timestamp) -> Vec<PlannedRun> {
        let options = options(until);
        let planned = HABITS.iter().flat_map(|habit| {
            runs(habit, "demo", until).iter().map(|run| planned(habit, run, &options)).collect::<Vec<_>>()
        });
        planned
            .flat_map(|mut run| {
                let children = std::mem::take(&mut run.children);
                std::iter::once(run).chain(children)
            })
            .collect()
    }

    #[test]
    fn ids_are_distinct_and_nothing_is_of_the_future() {
        let mut ids = HashSet::new();
        let all = all(UNTIL);
        for run in &all {
            assert!(ids.insert(run.id.clone()), "{}", run.id);
            for event in &run.events {
                assert!(ids.insert(event["external_id"].to_string()), "{event}");
                let ts = Timestamp::parse(event["ts"].as_str().unwrap()).unwrap();
                assert!(ts <= UNTIL);
            }
        }
        assert!(all.iter().any(|run| run.finish.is_none()), "one is running");
        assert!(all.iter().any(|run| run.start["parent_run_id"].is_string()), "one is a child");
    }

    /// What was sent is never contradicted: a later week has the same, and more of what had not ended.
    #[test]
    fn a_later_week_tells_the_same() {
        let later = all(UNTIL.plus_millis(3_600_000));
        let mut again = 0;
        for run in all(UNTIL) {
            let Some(now) = later.iter().find(|now| now.id == run.id) else { continue };
            again += 1;
            assert_eq!(now.start, run.start);
            assert_eq!(now.events[..run.events.len()], run.events[..]);
            assert!(run.finish.is_none() || now.finish == run.finish);
        }
        assert!(again > 500, "{again}");
    }
}
