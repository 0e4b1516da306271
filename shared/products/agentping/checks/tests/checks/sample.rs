//! A run's facts, and checks of them.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tidegate_agentping::{Plan, RunId, RunKey, RunStatus, TeamId};
use tidegate_agentping_checks::{CheckDoc, CheckId, CheckResult, Evaluator, RunFacts, ToolCall};
use tidegate_kernel::{Region, Timestamp, Usd};

pub const NOON: Timestamp = Timestamp::from_millis(1_778_846_400_000);
pub const CHECK: CheckId = CheckId::from_bits(Region::Eu, 5);
pub const RUN: RunKey = RunKey { team: TeamId::from_bits(Region::Eu, 1), run: RunId::from_bits(Region::Eu, 9) };

pub fn facts(output: Option<Value>) -> RunFacts {
    let members = |value: Value| value.as_object().cloned().unwrap_or_default();
    let call = |tool: &str, status: Option<&str>| ToolCall { tool: tool.into(), status: status.map(Into::into) };
    RunFacts {
        status: RunStatus::Success,
        output_bytes: output.as_ref().map_or(0, |output| output.to_string().len()),
        output,
        metadata: members(json!({"attempt": 2, "name": "x"})),
        scores: members(json!({"faithful": 0.75})),
        cost: Usd::parse("1.25").unwrap(),
        duration_ms: Some(4_200),
        events: 7,
        tool_calls: Some(vec![call("search", Some("ok")), call("search", Some("failed")), call("write", None)]),
    }
}

/// A check with these members, and a name.
pub fn check(members: &Value) -> CheckDoc {
    let mut given = Map::from_iter([("name".to_owned(), json!("a check"))]);
    given.extend(members.as_object().unwrap().clone());
    CheckDoc::parse("daily", &Value::Object(given), Plan::Team, NOON)
        .unwrap_or_else(|fault| panic!("{members}: {fault:?}"))
}

pub fn judged(members: &Value, facts: &RunFacts) -> CheckResult {
    Evaluator::of(CHECK, &check(members)).judge(RUN, facts, NOON, || Duration::ZERO)
}
