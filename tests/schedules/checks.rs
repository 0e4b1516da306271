//! Checks of runs, over HTTP: each type once, what judges again, and what comes of it in spend.

use serde_json::{Value, json};
use tidegate_tests::clock::month;
use tidegate_tests::team::text;
use tidegate_tests::{Plan, eventually};

use crate::PATIENCE;
use crate::crew::Crew;
use crate::stage::Stage;

/// A check of each type.
fn each_type() -> [Value; 6] {
    let schema = json!({"type": "object", "required": ["items"], "properties": {"title": {"type": "string"}}});
    [
        json!({"name": "schema", "type": "json_schema", "schema": schema}),
        json!({"name": "regex", "type": "regex", "pattern": "^Report", "must": "match", "path": "/title"}),
        json!({"name": "length", "type": "length", "unit": "characters", "max": 12, "path": "/title"}),
        json!({"name": "fields", "type": "required_fields", "fields": ["/title", "/items"]}),
        json!({"name": "tool", "type": "tool_call", "tool": "search", "made": true}),
        json!({"name": "range", "type": "numeric_range", "path": "/n", "min": 1, "max": 10}),
    ]
}

/// Makes a check of an agent; returns its id.
async fn check(crew: &Crew, agent: &str, members: &Value) -> String {
    let path = format!("/v1/agents/{agent}/checks");
    text(&crew.manage("POST", &path, members).await.expect(201).json(), "id")
}

/// A run that succeeds, with or without an output.
async fn run(stage: &Stage, crew: &Crew, agent: &str, output: Option<Value>, calls: bool) -> String {
    let run = crew.start(agent, stage.now(), json!({})).await;
    if calls {
        called(stage, crew, &run).await;
    }
    let members = output.map_or_else(|| json!({}), |output| json!({ "output": output }));
    crew.finish(&run, "success", members).await;
    run
}

async fn called(stage: &Stage, crew: &Crew, run: &str) {
    crew.event(run, "tool_call", stage.now(), &json!({"tool": "search", "status": "success"})).await;
}

/// Waits until a run has been judged as asked; returns its results.
async fn judged(crew: &Crew, run: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    eventually(PATIENCE, what, async || {
        let results = crew.try_get(&format!("/v1/runs/{run}/checks")).await?;
        if is_so(&results) { Ok(results) } else { Err(results.to_string()) }
    })
    .await
}

fn has(count: usize) -> impl Fn(&Value) -> bool {
    move |results| results["results"].as_array().is_some_and(|all| all.len() == count)
}

/// Of a run with one check.
fn comes_to(outcome: &'static str) -> impl Fn(&Value) -> bool {
    move |results| results["results"][0]["outcome"] == outcome
}

/// AC-45, AC-47, AC-48, AC-49, AC-50, AC-51, AC-52.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ac_45_to_52_runs_are_checked() {
    let stage = Stage::begin().await;
    let (crew, priced) = (stage.crew().await, stage.crew().await);
    crew.agent("writer", json!({})).await;
    let mut ids = Vec::new();
    for members in each_type() {
        ids.push(check(&crew, "writer", &members).await);
    }
    for agent in ["later", "too-late", "sentinel"] {
        crew.agent(agent, json!({})).await;
        check(&crew, agent, &each_type()[4]).await;
    }
    for (agent, members) in [
        ("edited", json!({"name": "short", "type": "length", "unit": "characters", "max": 5})),
        ("hostile", json!({"name": "hostile", "type": "regex", "pattern": "(a+)+$", "must": "match"})),
    ] {
        crew.agent(agent, json!({})).await;
        check(&crew, agent, &members).await;
    }
    is_refused(&crew).await;
    priced.agent("priced", json!({})).await;
    check(&priced, "priced", &json!({"name": "short", "type": "length", "unit": "characters", "max": 5})).await;
    stage.to("12:05").await;

    let good = run(&stage, &crew, "writer", Some(json!({"title": "Report A", "n": 5, "items": []})), true).await;
    let bad = run(&stage, &crew, "writer", Some(json!({"title": "A draft that is too long", "n": 50})), false).await;
    let none = run(&stage, &crew, "writer", None, true).await;
    let later = run(&stage, &crew, "later", None, false).await;
    let too_late = run(&stage, &crew, "too-late", None, false).await;
    let old = run(&stage, &crew, "edited", Some(json!("much too long")), false).await;
    let huge = run(&stage, &crew, "hostile", Some(json!("a".repeat(1_000_000))), false).await;
    for (agent, usd, output, status) in
        [("priced", 2, "short", "ok"), ("priced", 1, "much too long", "ok"), ("priced", 4, "short", "fail")]
    {
        priced.report(agent, json!({"cost_usd": usd, "output": output, "status": status})).await;
    }

    stage.to("12:07").await;
    six(&crew, &ids, [&good, &bad, &none]).await;
    let error = judged(&crew, &huge, "what is too large cannot be said", has(1)).await;
    assert_eq!(error["results"][0]["outcome"], "error", "AC-50: {error}");
    for late in [&later, &too_late] {
        judged(&crew, late, "no call was made", comes_to("fail")).await;
    }
    let first = judged(&crew, &old, "the first version", comes_to("fail")).await;
    assert_eq!((&first["results"][0]["version"], &first["results"][0]["got"]), (&json!(1), &json!(13)));
    let changed = format!("/v1/checks/{}", text(&first["results"][0], "check"));
    let changed = crew.manage("PATCH", &changed, &json!({"max": 20})).await.expect(200).json();
    assert_eq!(changed["version"], 2, "AC-51");
    called(&stage, &crew, &later).await;
    per_successful_run(&stage, &priced).await;

    // Ten minutes after their ends all are final.
    stage.to("12:17").await;
    judged(&crew, &later, "AC-49: an event after the end judges again", comes_to("pass")).await;
    called(&stage, &crew, &too_late).await;
    let new = run(&stage, &crew, "edited", Some(json!("much too long")), false).await;
    stage.target.at_rest().await;
    let sentinel = run(&stage, &crew, "sentinel", None, true).await;
    stage.to("12:19").await;
    judged(&crew, &sentinel, "all that was before it is judged", comes_to("pass")).await;
    let late = judged(&crew, &too_late, "it is final", |results| results["final"] == true).await;
    assert_eq!(late["results"][0]["outcome"], "fail", "AC-49: {late}");
    let second = judged(&crew, &new, "the second version", comes_to("pass")).await;
    assert_eq!(second["results"][0]["version"], 2, "AC-51");
    let kept = crew.get(&format!("/v1/runs/{old}/checks")).await;
    assert_eq!(kept["results"], first["results"], "AC-51: old results stay");
}

/// AC-45, AC-47: each check says for itself what it expected and got. AC-48: without an output only the call is
/// judged well.
async fn six(crew: &Crew, ids: &[String], [good, bad, none]: [&str; 3]) {
    let cases = [
        (good, ["pass"; 6], [json!("valid"), json!("Report A"), json!(8), json!([]), json!(1), json!(5.0)]),
        (
            bad,
            ["fail"; 6],
            [Value::Null, json!("A draft that is too long"), json!(24), json!(["/items"]), json!(0), json!(50.0)],
        ),
        (
            none,
            ["fail", "fail", "fail", "fail", "pass", "fail"],
            [Value::Null, Value::Null, Value::Null, Value::Null, json!(1), Value::Null],
        ),
    ];
    for (run, outcomes, got) in cases {
        let results = judged(crew, run, "six results", has(6)).await;
        for ((id, outcome), got) in ids.iter().zip(outcomes).zip(&got) {
            let all = results["results"].as_array().unwrap();
            let one = all.iter().find(|one| one["check"] == id.as_str()).unwrap();
            assert_eq!(one["outcome"], outcome, "{one}");
            assert!(one["expected"].as_str().is_some_and(|text| !text.is_empty()), "{one}");
            match got.as_f64() {
                Some(number) => assert_eq!(one["got"].as_f64(), Some(number), "{one}"),
                // How a schema is broken is said in words.
                None if outcome == "fail" && run == bad && got.is_null() => assert!(one["got"].is_string(), "{one}"),
                None => assert_eq!(one["got"], *got, "{one}"),
            }
        }
        let passed = crew.get(&format!("/v1/runs/{run}")).await;
        assert_eq!((&passed["status"], &passed["checks_passed"]), (&json!("success"), &json!(run == good)));
    }
}

/// AC-50: nothing is fetched for a schema.
async fn is_refused(crew: &Crew) {
    let outside =
        json!({"name": "outside", "type": "json_schema", "schema": {"$ref": "https://example.com/schema.json"}});
    let refused = crew.manage("POST", "/v1/agents/writer/checks", &outside).await.expect(400);
    assert_eq!(refused.json()["error"], "invalid_field", "{refused}");
}

/// AC-52: all that was spent, by the one run that succeeded and passed.
async fn per_successful_run(stage: &Stage, priced: &Crew) {
    let path = format!("/v1/spend?month={}", month(stage.now()));
    eventually(PATIENCE, "cost per successful run", async || {
        let spend = priced.try_get(&path).await?;
        let is_so = spend["total_usd"].as_f64() == Some(7.0) && spend["cost_per_successful_run"].as_f64() == Some(7.0);
        if is_so { Ok(()) } else { Err(spend.to_string()) }
    })
    .await;
}

/// AC-46: what Starter has, and what it has not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ac_46_starter_has_three_types() {
    let stage = Stage::begin().await;
    let crew = stage.crew_on(Plan::Starter).await;
    crew.agent("writer", json!({})).await;
    let long = json!({"name": "long", "type": "regex", "pattern": "a".repeat(201), "must": "match"});
    let [schema, regex, length, fields, tool, range] = each_type();
    for has in [regex, length, fields] {
        check(&crew, "writer", &has).await;
    }
    for (has_not, field) in [(schema, "type"), (tool, "type"), (range, "type"), (long, "pattern")] {
        let refused = crew.manage("POST", "/v1/agents/writer/checks", &has_not).await;
        let refused = refused.refused(400, "plan_required", Some(field));
        assert!(refused.message().to_lowercase().contains("team"), "{refused}");
    }
}
