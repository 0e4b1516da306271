//! What hostile checks and outputs cost is bounded, and ends in `error` (AC-50).

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_agentping_checks::{BUDGET, CheckOutcome, Evaluator, MAX_OUTPUT_BYTES};

use crate::sample::{CHECK, NOON, RUN, check, facts, judged};

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!([inner]))
}

/// Each level would be visited twice as often as the one above it: 2^60 visits.
#[test]
fn ac_50_a_schema_that_doubles_with_each_level_is_an_error() {
    for schema in [
        json!({"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}],
            "$defs": {"a": {"items": {"$ref": "#"}, "type": "array"}, "b": {"items": {"$ref": "#"}, "type": "array"}}}),
        json!({"allOf": [{"items": {"$ref": "#"}}, {"items": {"$ref": "#"}}]}),
        json!({"$anchor": "top", "not": {"not": {"allOf": [{"items": {"$ref": "#top"}}, {"items": {"$ref": "#top"}}]}}}),
        json!({"if": {"items": {"$ref": "#"}}, "then": {"items": {"$ref": "#"}}, "else": {"contains": {"$ref": "#"}}}),
        json!({"unevaluatedItems": {"$ref": "#"}, "allOf": [{"prefixItems": [{"$ref": "#"}]}]}),
    ] {
        let result = judged(&json!({"type": "json_schema", "schema": schema}), &facts(Some(nested(60))));
        assert_eq!(result.outcome, CheckOutcome::Error, "{schema}");
        let shallow = judged(&json!({"type": "json_schema", "schema": schema}), &facts(Some(nested(3))));
        assert_ne!(shallow.outcome, CheckOutcome::Error, "{schema}");
    }
}

#[test]
fn ac_50_a_large_output_is_an_error_for_each_type_that_reads_it() {
    let mut large = facts(Some(json!("x".repeat(1 << 20))));
    large.output_bytes = 1 << 20;
    assert!(large.output_bytes > MAX_OUTPUT_BYTES);
    for members in [
        json!({"type": "json_schema", "schema": {"type": "string", "pattern": "(x+x+)+y"}}),
        json!({"type": "regex", "pattern": "(x+x+)+y", "must": "match"}),
        json!({"type": "length", "unit": "characters", "max": 5}),
        json!({"type": "required_fields", "fields": ["/a"]}),
    ] {
        assert_eq!(judged(&members, &large).outcome, CheckOutcome::Error, "{members}");
    }
    let counted = judged(&json!({"type": "tool_call", "tool": "search", "made": true}), &large);
    assert_eq!(counted.outcome, CheckOutcome::Pass);
}

/// With an engine that tries every way these would take ages.
#[test]
fn ac_50_patterns_cost_no_more_than_the_text_is_long() {
    let text = facts(Some(json!("x".repeat(200_000))));
    for pattern in ["(x+x+)+y", "(x*)*y", "(x|x)*y", "^(x|xx)+$y"] {
        let members = json!({"type": "regex", "pattern": pattern, "must": "not_match"});
        assert_eq!(judged(&members, &text).outcome, CheckOutcome::Pass, "{pattern}");
    }
}

#[test]
fn beyond_the_budget_each_check_is_an_error_and_a_skipped_one_is_skipped() {
    let doc = check(&json!({"type": "length", "unit": "characters", "max": 5}));
    let judge = |spent: Duration| Evaluator::of(CHECK, &doc).judge(RUN, &facts(Some(json!("x"))), NOON, || spent);
    assert_eq!(judge(BUDGET).outcome, CheckOutcome::Pass);
    let late = judge(BUDGET + Duration::from_millis(1));
    assert_eq!(late.outcome, CheckOutcome::Error);
    assert!(late.got.as_str().unwrap().contains("more time"));
}

#[test]
fn events_that_are_not_all_looked_at_are_no_answer() {
    let many = tidegate_agentping_checks::RunFacts { tool_calls: None, ..facts(None) };
    let members = json!({"type": "tool_call", "tool": "search", "made": true});
    assert_eq!(judged(&members, &many).outcome, CheckOutcome::Error);
}
