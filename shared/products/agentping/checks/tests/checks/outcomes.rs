//! Each type passes and fails, with what was asked and what was there (AC-45, AC-47, AC-48).

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_agentping::RunStatus;
use tidegate_agentping_checks::{CheckDoc, CheckOutcome, Evaluator, RunFacts, checks_passed};

use crate::sample::{CHECK, NOON, RUN, check, facts, judged};

fn output() -> Value {
    json!({"title": "Bericht über Öl", "items": [{"price": 3.5}, {"price": null}], "n": 12})
}

#[test]
fn ac_45_each_type_passes_and_fails_with_expected_and_got() {
    let schema = |price: &str| {
        json!({"type": "json_schema", "schema": {
            "type": "object", "required": ["title", "n"],
            "properties": {"n": {"$ref": "#/$defs/count"}, "items": {"type": "array", "items": {"properties": {"price": {"type": ["number", price]}}}}},
            "$defs": {"count": {"type": "integer", "minimum": 1}},
        }})
    };
    let outcomes = [
        (schema("null"), true, json!("valid")),
        (schema("string"), false, json!("/items/1/price: value is not of types \"number\", \"string\"")),
        (json!({"type": "regex", "pattern": "Bericht", "must": "match"}), true, Value::from(output().to_string())),
        (
            json!({"type": "regex", "pattern": "^Bericht", "must": "match", "path": "/title"}),
            true,
            json!("Bericht über Öl"),
        ),
        (
            json!({"type": "regex", "pattern": "^Bericht", "must": "not_match", "path": "/title"}),
            false,
            json!("Bericht über Öl"),
        ),
        (json!({"type": "regex", "pattern": "^\\d+$", "must": "match", "path": "/n"}), true, json!("12")),
        (json!({"type": "length", "unit": "characters", "max": 15, "path": "/title"}), true, json!(15)),
        (json!({"type": "length", "unit": "characters", "max": 14, "path": "/title"}), false, json!(15)),
        (json!({"type": "length", "unit": "tokens", "min": 4, "max": 4, "path": "/title"}), true, json!(4)),
        (json!({"type": "length", "unit": "tokens", "min": 5, "path": "/title"}), false, json!(4)),
        (json!({"type": "required_fields", "fields": ["/title", "/items/0/price"]}), true, json!([])),
        (
            json!({"type": "required_fields", "fields": ["/title", "/items/1/price", "/x"]}),
            false,
            json!(["/items/1/price", "/x"]),
        ),
        (json!({"type": "tool_call", "tool": "search", "made": true}), true, json!(2)),
        (json!({"type": "tool_call", "tool": "search", "made": true, "status": "ok", "min": 2}), false, json!(1)),
        (json!({"type": "tool_call", "tool": "search", "made": true, "max": 1}), false, json!(2)),
        (json!({"type": "tool_call", "tool": "delete", "made": false}), true, json!(0)),
        (json!({"type": "tool_call", "tool": "write", "made": false}), false, json!(1)),
        (json!({"type": "numeric_range", "path": "/items/0/price", "min": 3.5, "max": 4}), true, json!(3.5)),
        (json!({"type": "numeric_range", "path": "/items/0/price", "max": 3.4}), false, json!(3.5)),
        (json!({"type": "numeric_range", "path": "run.cost_usd", "max": 1.25}), true, json!(1.25)),
        (json!({"type": "numeric_range", "path": "run.duration_ms", "max": 4000}), false, json!(4_200.0)),
        (json!({"type": "numeric_range", "path": "run.events", "min": 7}), true, json!(7.0)),
        (json!({"type": "numeric_range", "path": "metadata.attempt", "max": 1}), false, json!(2.0)),
        (json!({"type": "numeric_range", "path": "scores.faithful", "min": 0.7}), true, json!(0.75)),
        (json!({"type": "numeric_range", "path": "metadata.name", "max": 1}), false, Value::Null),
        (json!({"type": "numeric_range", "path": "/title", "max": 1}), false, Value::Null),
    ];
    for (members, passes, got) in outcomes {
        let result = judged(&members, &facts(Some(output())));
        let expected = if passes { CheckOutcome::Pass } else { CheckOutcome::Fail };
        assert_eq!((result.outcome, &result.got), (expected, &got), "{members}");
        assert!(!result.expected.is_empty(), "{members}");
    }
}

/// AC-48: without an output, what is about the output fails, and the rest is judged.
#[test]
fn ac_48_no_output_fails_what_is_about_it() {
    for (members, outcome) in [
        (json!({"type": "json_schema", "schema": true}), CheckOutcome::Fail),
        (json!({"type": "regex", "pattern": "x", "must": "not_match"}), CheckOutcome::Fail),
        (json!({"type": "length", "unit": "characters", "min": 0}), CheckOutcome::Fail),
        (json!({"type": "required_fields", "fields": ["/a"]}), CheckOutcome::Fail),
        (json!({"type": "numeric_range", "path": "/a", "min": 0}), CheckOutcome::Fail),
        (json!({"type": "tool_call", "tool": "search", "made": true}), CheckOutcome::Pass),
        (json!({"type": "numeric_range", "path": "run.events", "min": 0}), CheckOutcome::Pass),
    ] {
        let result = judged(&members, &facts(None));
        assert_eq!(result.outcome, outcome, "{members}");
        assert_eq!(result.got.is_null(), outcome == CheckOutcome::Fail, "{members}");
    }
}

#[test]
fn a_run_that_ends_otherwise_is_skipped_unless_every_end_is_asked_for() {
    let of = |when: &str, status| {
        let members = json!({"type": "length", "unit": "characters", "max": 99, "when": when});
        judged(&members, &RunFacts { status, ..facts(Some(json!("x"))) }).outcome
    };
    for status in [RunStatus::Failed, RunStatus::Timeout, RunStatus::Cancelled] {
        assert_eq!(of("success", status), CheckOutcome::Skipped);
        assert_eq!(of("finished", status), CheckOutcome::Pass);
    }
    assert_eq!(of("success", RunStatus::Success), CheckOutcome::Pass);
}

/// AC-47, and the run's own verdict.
#[test]
fn one_that_fails_keeps_no_other_from_being_judged() {
    let all = [
        judged(&json!({"type": "regex", "pattern": "^no", "must": "match"}), &facts(Some(json!("yes")))),
        judged(&json!({"type": "length", "unit": "characters", "max": 3}), &facts(Some(json!("yes")))),
    ];
    assert_eq!(all.each_ref().map(|result| result.outcome), [CheckOutcome::Fail, CheckOutcome::Pass]);
    for (outcomes, passed) in [
        (vec![], None),
        (vec![CheckOutcome::Skipped], None),
        (vec![CheckOutcome::Pass, CheckOutcome::Skipped], Some(true)),
        (vec![CheckOutcome::Pass, CheckOutcome::Error], None),
        (vec![CheckOutcome::Error, CheckOutcome::Fail], Some(false)),
    ] {
        assert_eq!(checks_passed(outcomes.clone()), passed, "{outcomes:?}");
    }
}

#[test]
fn a_result_is_the_same_whoever_judges_and_differs_by_version() {
    let mut doc = check(&json!({"type": "length", "unit": "characters", "max": 3}));
    let judge =
        |doc: &CheckDoc| Evaluator::of(CHECK, doc).judge(RUN, &facts(Some(json!("yes"))), NOON, || Duration::ZERO);
    let first = judge(&doc);
    assert_eq!(judge(&doc), first);
    assert!(first.id.as_deref().unwrap().starts_with("chkr_eu_"));
    doc.change(&json!({"max": 2}), tidegate_agentping::Plan::Team, NOON).unwrap();
    let second = judge(&doc);
    assert_eq!((second.version, second.outcome), (2, CheckOutcome::Fail));
    assert_ne!(second.id, first.id);
}

#[test]
fn what_is_shown_is_cut() {
    let long = "ü".repeat(2_000);
    let result = judged(&json!({"type": "regex", "pattern": "x", "must": "match"}), &facts(Some(json!(long))));
    let got = result.got.as_str().unwrap();
    assert!(got.len() <= 1_024 && got.ends_with("ü…"), "{} bytes", got.len());
}
