//! What a judge of many agents needs of one: little memory, nothing to do while idle, and the same verdicts from each of
//! two judges.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;
use tidegate_agentping::FinishStatus;
use tidegate_agentping_pulse::{AgentJudge, ScheduleChange};

use crate::judged::time;
use crate::samples::definition;
use crate::watching::*;

#[test]
fn an_agent_is_small() {
    assert!(size_of::<AgentJudge>() <= 640, "{} bytes", size_of::<AgentJudge>());
    let mut judge = AgentJudge::new(Some(time("08:59")));
    let minutely = definition(json!({"cron": "* * * * *", "timezone": "Europe/Berlin", "tolerance_s": 60}));
    judge.change(time("09:00"), ScheduleChange::Set(Arc::new(minutely)));
    let mut watching = Watching::of(judge);
    for minute in 1..60 {
        watching.beat(minute, FinishStatus::Success, &format!("09:{minute:02}"));
        watching.to(&format!("09:{minute:02}"));
    }
    let stored = serde_json::to_string(&watching.judge).unwrap();
    assert!(stored.len() <= 768, "{} bytes: {stored}", stored.len());
}

/// Between its due times there is nothing to do for an agent, and at a due time there is.
#[test]
fn an_agent_is_due_when_something_happens() {
    let mut watching = Watching::with(json!({"cron": "0 9-20 * * *", "tolerance_s": 600}));
    watching.to("08:00");
    for _ in 0..12 {
        let before = watching.edges.len();
        let alerting = tidegate_agentping_pulse::Alerting { agent: watching.agent, routes: &[OPS] };
        let due = watching.judge.next_due(&alerting).unwrap();
        watching.watch_until(due.plus_millis(-1));
        assert_eq!(watching.edges.len(), before);
        watching.watch_until(due);
        assert_eq!(watching.edges.len(), before + 1);
    }
}

#[derive(Clone, Debug)]
enum Act {
    Opened { number: u128, minute: u32 },
    Beat { number: u128, status: FinishStatus, minute: u32 },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let status = prop::sample::select(vec![FinishStatus::Success, FinishStatus::Failed, FinishStatus::Timeout]);
    let act = (any::<bool>(), status, 0..180u32);
    prop::collection::vec(act, 0..40).prop_map(|mut acts| {
        acts.sort_by_key(|(.., minute)| *minute);
        let act = |(number, (opens_only, status, minute)): (usize, (bool, _, u32))| match opens_only {
            true => Act::Opened { number: number as u128, minute },
            false => Act::Beat { number: number as u128, status, minute },
        };
        acts.into_iter().enumerate().map(act).collect()
    })
}

fn clock(minute: u32) -> String {
    format!("{:02}:{:02}", 9 + minute / 60, minute % 60)
}

/// One judge: it advances after each act by its own lag, and restarts now and then.
fn judged(acts: &[Act], lag_minutes: u32, restart_every: usize) -> Watching {
    let rule = json!({"cron": "*/10 9-11 * * *", "tolerance_s": 300, "alert_after": 2, "max_runtime_s": 1_200});
    let mut watching = Watching::with(rule);
    for (index, act) in acts.iter().enumerate() {
        let minute = match act {
            Act::Opened { number, minute } => {
                watching.opened(*number, &clock(*minute));
                *minute
            }
            Act::Beat { number, status, minute } => {
                watching.beat(*number, *status, &clock(*minute));
                *minute
            }
        };
        if minute > lag_minutes {
            watching.watch_until(time(&clock(minute - lag_minutes)).plus_millis(-1));
        }
        if restart_every > 0 && index % restart_every == 0 {
            let text = serde_json::to_string(&watching.judge).unwrap();
            watching.judge = serde_json::from_str(&text).unwrap();
        }
    }
    watching.to("13:00");
    watching.check("13:00");
    watching
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// AC-35: two judges, of which one lags and restarts, make the same incidents and the same messages with the same ids.
    #[test]
    fn ac_35_two_judges_send_the_same(acts in acts(), lag in 1..60u32, restart_every in 1..5usize) {
        let (one, other) = (judged(&acts, 1, 0), judged(&acts, lag, restart_every));
        let sorted = |watching: &Watching| {
            let mut messages = watching.messages.clone();
            messages.sort_by_key(|message| (message.timestamp, message.id));
            messages
        };
        prop_assert_eq!(sorted(&one), sorted(&other));
        let mut edges = (one.edges, other.edges);
        edges.0.sort_by_key(|edge| (edge.timestamp, edge.incident));
        edges.1.sort_by_key(|edge| (edge.timestamp, edge.incident));
        prop_assert_eq!(edges.0, edges.1);
    }
}
