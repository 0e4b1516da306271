//! What is taken as a check, and what is refused with which member.

use serde_json::{Value, json};
use tidegate_agentping::Plan;
use tidegate_agentping_checks::{CheckDoc, CheckFault, CheckWhen};

use crate::sample::NOON;

/// The path that is to blame, or the member that the plan does not have.
fn fault(given: &Value, plan: Plan) -> Option<String> {
    match CheckDoc::parse("daily", given, plan, NOON) {
        Ok(_) => None,
        Err(CheckFault::Member(fault)) => Some(fault.path),
        Err(CheckFault::Plan { member }) => Some(format!("plan:{member}")),
    }
}

fn with(base: &Value, member: &str, value: Value) -> Value {
    let mut given = base.clone();
    given[member] = value;
    given
}

#[test]
fn each_fault_names_its_member() {
    let length = json!({"name": "n", "type": "length", "unit": "characters", "max": 10});
    let regex = json!({"name": "n", "type": "regex", "pattern": "x", "must": "match"});
    let fields = json!({"name": "n", "type": "required_fields", "fields": ["/a"]});
    let tool = json!({"name": "n", "type": "tool_call", "tool": "t", "made": true});
    let range = json!({"name": "n", "type": "numeric_range", "path": "/a", "min": 1});
    let schema = |schema: Value| json!({"name": "n", "type": "json_schema", "schema": schema});
    for good in [&length, &regex, &fields, &tool, &range, &schema(json!({"type": "object"})), &schema(json!(true))] {
        assert_eq!(fault(good, Plan::Team), None, "{good}");
    }
    for (given, path) in [
        (json!([]), "type"),
        (json!({}), "type"),
        (json!({"name": "n", "type": "llm"}), "type"),
        (json!({"name": "n", "type": 5}), "type"),
        (with(&length, "name", Value::Null), "name"),
        (with(&length, "name", json!("")), "name"),
        (with(&length, "enabled", json!(1)), "enabled"),
        (with(&length, "when", json!("always")), "when"),
        (with(&length, "alert_after", json!(0)), "alert_after"),
        (with(&length, "alert_after", json!(721)), "alert_after"),
        (with(&length, "unit", json!("words")), "unit"),
        (with(&length, "unit", Value::Null), "unit"),
        (with(&length, "max", Value::Null), "min"),
        (with(&length, "max", json!(-1)), "max"),
        (with(&length, "max", json!(1.5)), "max"),
        (with(&length, "min", json!(11)), "max"),
        (with(&length, "path", json!("title")), "path"),
        (with(&length, "path", json!("/a~2")), "path"),
        (with(&length, "path", json!("run.events")), "path"),
        (with(&length, "pattern", json!("x")), "pattern"),
        (with(&length, "id", json!("chk_eu_1")), "id"),
        (with(&length, "version", json!(3)), "version"),
        (with(&regex, "pattern", json!("")), "pattern"),
        (with(&regex, "pattern", json!("(")), "pattern"),
        (with(&regex, "pattern", json!("x".repeat(1_001))), "pattern"),
        (with(&regex, "pattern", json!("(?=x)")), "pattern"),
        (with(&regex, "pattern", json!("(x)\\1")), "pattern"),
        (with(&regex, "pattern", json!("((x{1000}){1000}){1000}")), "pattern"),
        (with(&regex, "must", json!(true)), "must"),
        (with(&regex, "must", Value::Null), "must"),
        (with(&fields, "fields", json!([])), "fields"),
        (with(&fields, "fields", json!("/a")), "fields"),
        (with(&fields, "fields", json!(["/a", "b"])), "fields[1]"),
        (with(&fields, "fields", json!(vec!["/a"; 101])), "fields"),
        (with(&tool, "tool", json!("")), "tool"),
        (with(&tool, "made", Value::Null), "made"),
        (with(&tool, "made", json!("yes")), "made"),
        (with(&with(&tool, "made", json!(false)), "min", json!(1)), "min"),
        (with(&with(&tool, "made", json!(false)), "max", json!(1)), "max"),
        (with(&with(&tool, "min", json!(3)), "max", json!(1)), "max"),
        (with(&tool, "status", json!(5)), "status"),
        (with(&range, "min", Value::Null), "min"),
        (with(&range, "min", json!("1")), "min"),
        (with(&range, "max", json!(0)), "max"),
        (with(&range, "path", json!("run.name")), "path"),
        (with(&range, "path", json!("metadata.")), "path"),
        (with(&range, "path", json!("scores")), "path"),
        (with(&range, "path", Value::Null), "path"),
        (schema(json!("x")), "schema"),
        (schema(json!({"type": "objekt"})), "schema"),
        (schema(json!({"pattern": "(?=x)"})), "schema"),
        (schema(json!({"properties": {"a": {"pattern": "("}}})), "schema"),
        (schema(json!({"$ref": "https://example.com/x.json"})), "schema.$ref"),
        (schema(json!({"$ref": "file:///etc/passwd"})), "schema.$ref"),
        (schema(json!({"items": {"$ref": "other.json#/a"}})), "schema.items.$ref"),
        (schema(json!({"allOf": [{"$dynamicRef": "x"}]})), "schema.allOf[0].$dynamicRef"),
        (schema(json!({"$ref": "#/$defs/nowhere"})), "schema"),
        (schema(json!({"$schema": "http://json-schema.org/draft-07/schema#"})), "schema.$schema"),
        (schema(json!({"$defs": {"a": {"$id": "https://example.com/"}}})), "schema.$defs.a.$id"),
        (schema(json!({"description": "x".repeat(70_000)})), "schema"),
        (schema((0..80).fold(json!({}), |inner, _| json!({"not": inner}))), "schema"),
    ] {
        let found = fault(&given, Plan::Team).unwrap_or_else(|| panic!("{given:.200} is taken"));
        let is_below = path == "schema" && found.starts_with("schema");
        assert!(found == path || is_below, "{given:.200}: {found}, not {path}");
    }
}

/// AC-46.
#[test]
fn ac_46_starter_has_length_fields_and_short_patterns() {
    let regex = |chars: usize| json!({"name": "n", "type": "regex", "pattern": "x".repeat(chars), "must": "match"});
    for (given, refused) in [
        (json!({"name": "n", "type": "length", "unit": "tokens", "max": 5}), None),
        (json!({"name": "n", "type": "required_fields", "fields": ["/a"]}), None),
        (regex(200), None),
        (regex(201), Some("plan:pattern")),
        (json!({"name": "n", "type": "json_schema", "schema": {}}), Some("plan:type")),
        (json!({"name": "n", "type": "tool_call", "tool": "t", "made": true}), Some("plan:type")),
        (json!({"name": "n", "type": "numeric_range", "path": "/a", "min": 1}), Some("plan:type")),
    ] {
        assert_eq!(fault(&given, Plan::Starter).as_deref(), refused, "{given:.100}");
        assert_eq!(fault(&given, Plan::Business), None, "{given:.100}");
    }
    let text = CheckDoc::parse("a", &regex(201), Plan::Starter, NOON).unwrap_err().to_string();
    assert!(text.contains("Team") && text.contains("200"), "{text}");
}

/// AC-51.
#[test]
fn ac_51_a_change_is_a_version_from_then_on() {
    let given = json!({"name": "n", "type": "length", "unit": "characters", "max": 10, "alert_after": 3});
    let mut check = CheckDoc::parse("daily", &given, Plan::Team, NOON).unwrap();
    assert_eq!((check.version, check.since, check.when, check.alert_after), (1, NOON, CheckWhen::Success, 3));
    let later = NOON.plus_millis(60_000);
    check.change(&json!({"max": 10}), Plan::Team, later).unwrap();
    assert_eq!((check.version, check.since), (1, NOON), "the same again is no change");
    check.change(&json!({"max": 20, "when": "finished", "alert_after": null}), Plan::Team, later).unwrap();
    assert_eq!((check.version, check.since, check.when, check.alert_after), (2, later, CheckWhen::Finished, 1));
    assert_eq!(check.created_at, NOON);
    check.change(&json!({"type": "regex", "pattern": "x", "must": "match"}), Plan::Team, later).unwrap();
    assert_eq!((check.version, check.members.contains_key("max")), (3, false));
    let before = check.clone();
    assert!(check.change(&json!({"pattern": null}), Plan::Team, later).is_err());
    assert!(check.change(&json!({"max": 5}), Plan::Team, later).is_err(), "of another type");
    assert!(check.change(&json!([]), Plan::Team, later).is_err());
    assert_eq!(check, before);
    let stored = serde_json::to_vec(&check).unwrap();
    assert_eq!(serde_json::from_slice::<CheckDoc>(&stored).unwrap(), check);
    let tried = check.tried(&json!({"pattern": "y"}), Plan::Team).unwrap();
    assert_eq!(tried.members["pattern"], "y");
    let CheckFault::Member(fault) = check.tried(&json!({"pattern": "("}), Plan::Team).unwrap_err() else { panic!() };
    assert_eq!(fault.path, "definition.pattern");
}
