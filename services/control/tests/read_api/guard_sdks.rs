//! Guard as AgentPing's SDKs call it and read the answer: their requests, and what they make of each answer.

use serde_json::{Value, json};
use tidegate_agentping::Plan;
use tidegate_agentping_testkit::team;

use crate::guard_checks::Counted;
use crate::house::*;

/// What a job does after it has asked.
#[derive(Debug, PartialEq, Eq)]
enum Job {
    Runs,
    /// The client throws in hard mode, and returns the verdict in soft mode.
    IsPaused {
        by: Vec<String>,
    },
    /// It runs, and the client warns that nothing guards it.
    RunsUnguarded,
    /// The answer is none: a careful client does not run the job.
    IsUnreachable,
}

/// The TypeScript SDK: any word but `block` allows, only a literal `false` is inactive.
fn typescript(status: u16, answer: &Value) -> Job {
    let Some(decision) = answer["decision"].as_str().filter(|_| status == 200) else { return Job::IsUnreachable };
    let by = || answer["blocked_by"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    match decision {
        "block" => Job::IsPaused { by: by() },
        _ if answer["active"] == json!(false) => Job::RunsUnguarded,
        _ => Job::Runs,
    }
}

/// The Laravel SDK: it keeps the word, fills in what is missing, and is inactive by the literal `false` too.
fn laravel(status: u16, answer: &Value) -> Job {
    let Some(members) = answer.as_object().filter(|members| status == 200 && members.contains_key("decision")) else {
        return Job::IsUnreachable;
    };
    let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let by = members.get("blocked_by").and_then(Value::as_array).cloned().unwrap_or_default();
    let by = by.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    match text("decision").as_str() {
        "block" => Job::IsPaused { by },
        _ if members.get("active") == Some(&Value::Bool(false)) => Job::RunsUnguarded,
        _ => Job::Runs,
    }
}

impl House {
    /// Asks with the body that each SDK sends for these members, and checks that both understand the same.
    async fn asked(&self, key: &str, members: &[(&str, &str)]) -> Job {
        let named: serde_json::Map<String, Value> =
            members.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        // PHP writes an empty map as a list.
        let of_laravel = if named.is_empty() { "[]".to_owned() } else { json!(named).to_string() };
        let answers = [
            self.post_as(Some(key), "/v1/guard/check", json!(named).to_string()).await,
            self.post_as(Some(key), "/v1/guard/check", of_laravel).await,
        ];
        let read = answers.map(|answer| {
            let value: Value = serde_json::from_str(&answer.text).unwrap_or_default();
            let (one, other) = (typescript(answer.status.as_u16(), &value), laravel(answer.status.as_u16(), &value));
            assert_eq!(one, other, "{}", answer.text);
            // What a hard client shows: why, and where to read more.
            if let Job::IsPaused { by } = &one {
                assert!(!by.is_empty() && by.iter().all(|id| id.starts_with("grl_eu_")), "{}", answer.text);
                assert!(value["guard_check_id"].as_str().unwrap().starts_with("gck_eu_"), "{}", answer.text);
            } else if answer.status == 200 {
                assert_eq!((&value["blocked_by"], &value["guard_check_id"]), (&json!([]), &Value::Null));
            }
            one
        });
        let [first, second] = read;
        assert_eq!(first, second);
        first
    }
}

/// AC-16: the SDKs' calls are answered so that soft and hard clients do what their readmes say.
#[tokio::test]
async fn ac_16_the_sdks_calls_run_unchanged() {
    let house = House::open().await;
    Counted::new(&house).spend(team(1), "over", Some("acme"), at(NOON), "20.35").await;
    let rule = json!({"name": "cap", "match": {"agent": "*"}, "spend_of": "agent", "window": "day", "limit_usd": 20});
    let rule = house.post("/v1/guard/rules", &rule).await.with(201)["id"].as_str().unwrap().to_owned();
    let by_rule = || Job::IsPaused { by: vec![rule.clone()] };
    for (members, job) in [
        (&[][..], Job::Runs),
        (&[("agent", "under")], Job::Runs),
        (&[("agent", "over")], by_rule()),
        (&[("customer_ref", "acme")], Job::Runs),
        (&[("customer_ref", "acme"), ("agent", "over"), ("function", "chat"), ("environment", "prod")], by_rule()),
        (&[("agent", "never-seen"), ("environment", "staging")], Job::Runs),
    ] {
        assert_eq!(house.asked(KEY_A, members).await, job, "{members:?}");
    }
    house.with_agent("nightly", 1).await;
    let pause = house.put("/v1/agents/nightly/pause", &Value::Null).await.ok();
    let by_pause = Job::IsPaused { by: vec![pause["rule_id"].as_str().unwrap().to_owned()] };
    assert_eq!(house.asked(KEY_A, &[("agent", "nightly")]).await, by_pause);
    house.delete("/v1/agents/nightly/pause").await.is_empty_204();
    assert_eq!(house.asked(KEY_A, &[("agent", "nightly")]).await, Job::Runs);
    assert_eq!(house.asked(TOKEN_A, &[("agent", "nightly")]).await, Job::IsUnreachable);
    let mut callers = Callers::two_teams();
    for caller in callers.0.values_mut().flatten() {
        caller.plan = Plan::Starter;
    }
    let starter = House::with_callers(callers).await;
    assert_eq!(starter.asked(KEY_A, &[("agent", "over")]).await, Job::RunsUnguarded);
}
