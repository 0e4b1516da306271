//! Guard rules as people write them.

use serde_json::{Value, json};
use tidegate_agentping_pulse::spend::{SpendWindow, first_day};
use tidegate_agentping_settings::{RuleAction, RuleDoc};
use tidegate_kernel::Timestamp;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn rule() -> Value {
    json!({"name": "daily cap", "spend_of": "agent", "window": "day", "limit_usd": 20.35})
}

fn with(member: &str, value: Value) -> Value {
    let mut rule = rule();
    rule[member] = value;
    rule
}

#[test]
fn defaults_are_filled_in_and_amounts_are_exact() {
    let now = at("2026-05-15T12:00:00Z");
    let parsed = RuleDoc::parse(&rule(), now).unwrap();
    assert!(parsed.enabled && parsed.matches.is_empty() && !parsed.applied);
    assert_eq!((parsed.action, parsed.created_at), (RuleAction::Block, now));
    assert_eq!(parsed.limit.as_nanos(), 20_350_000_000);
    let stored = serde_json::to_vec(&parsed).unwrap();
    assert_eq!(serde_json::from_slice::<RuleDoc>(&stored).unwrap(), parsed);
}

#[test]
fn each_fault_names_its_member() {
    for (given, path) in [
        (json!([]), ""),
        (json!("x"), ""),
        (json!({}), "name"),
        (with("name", json!("")), "name"),
        (with("name", json!(" x")), "name"),
        (with("name", json!("x".repeat(65))), "name"),
        (with("name", json!(5)), "name"),
        (with("name", json!("a\nb")), "name"),
        (with("name", Value::Null), "name"),
        (with("spend_of", Value::Null), "spend_of"),
        (with("spend_of", json!("teams")), "spend_of"),
        (with("spend_of", json!(1)), "spend_of"),
        (with("window", Value::Null), "window"),
        (with("window", json!("year")), "window"),
        (with("window", json!("hours:")), "window"),
        (with("window", json!("hours:0")), "window"),
        (with("window", json!("hours:01")), "window"),
        (with("window", json!("hours:+1")), "window"),
        (with("window", json!("hours:1.5")), "window"),
        (with("window", json!("hours:745")), "window"),
        (with("window", json!("hours:99999999999")), "window"),
        (with("window", json!("Day")), "window"),
        (with("window", json!(24)), "window"),
        (with("limit_usd", Value::Null), "limit_usd"),
        (with("limit_usd", json!(0)), "limit_usd"),
        (with("limit_usd", json!(-1)), "limit_usd"),
        (with("limit_usd", json!("20")), "limit_usd"),
        (with("limit_usd", json!(1e10)), "limit_usd"),
        (with("limit_usd", json!(1e-12)), "limit_usd"),
        (with("action", json!("stop")), "action"),
        (with("enabled", json!("yes")), "enabled"),
        (with("match", json!([])), "match"),
        (with("match", json!({"agents": "x"})), "match.agents"),
        (with("match", json!({"agent": ""})), "match.agent"),
        (with("match", json!({"agent": 5})), "match.agent"),
        (with("match", json!({"customer_ref": "x".repeat(513)})), "match.customer_ref"),
        (with("match", json!({"function": "a\tb"})), "match.function"),
        (with("match", json!({"environment": ["prod"]})), "match.environment"),
        (with("id", json!("grl_eu_1")), "id"),
        (with("created_at", json!("2026-05-15T12:00:00Z")), "created_at"),
    ] {
        let fault = RuleDoc::parse(&given, Timestamp::FIRST).unwrap_err();
        assert_eq!(fault.path, path, "{given}: {fault}");
        assert_eq!(fault.is_unknown, matches!(path, "match.agents" | "id" | "created_at"), "{given}");
    }
}

#[test]
fn a_change_keeps_what_it_does_not_name() {
    let mut changed = RuleDoc::parse(&with("match", json!({"agent": "*"})), Timestamp::FIRST).unwrap();
    let before = changed.clone();
    changed.change(&json!({"limit_usd": 7, "action": "warn", "match": {"environment": "prod"}})).unwrap();
    assert_eq!((changed.limit.to_string().as_str(), changed.action), ("7", RuleAction::Warn));
    assert_eq!((changed.matches.agent.as_deref(), changed.matches.environment.as_deref()), (None, Some("prod")));
    assert_eq!((&changed.name, changed.window, changed.created_at), (&before.name, before.window, before.created_at));
    changed.change(&json!({"action": null, "match": null, "enabled": false})).unwrap();
    assert!(changed.matches.is_empty() && changed.action == RuleAction::Block && !changed.enabled);
    for (given, path) in [
        (json!({"window": null}), "window"),
        (json!({"name": null}), "name"),
        (json!({"limit_usd": 0}), "limit_usd"),
        (json!({"nme": "x"}), "nme"),
    ] {
        assert_eq!(changed.clone().change(&given).unwrap_err().path, path, "{given}");
    }
}

/// AC-13: the first hour that counts, and when all of it ceases to.
#[test]
fn ac_13_windows_are_utc() {
    // 2026-05-15 is a Friday, 2026-06-01 a Monday.
    for (window, now, from, resets_at) in [
        ("day", "2026-05-15T00:00:00Z", Some("2026-05-15T00:00:00Z"), Some("2026-05-16T00:00:00Z")),
        ("day", "2026-05-15T23:59:59.999Z", Some("2026-05-15T00:00:00Z"), Some("2026-05-16T00:00:00Z")),
        ("week", "2026-05-15T12:00:00Z", Some("2026-05-11T00:00:00Z"), Some("2026-05-18T00:00:00Z")),
        ("week", "2026-05-17T23:59:59.999Z", Some("2026-05-11T00:00:00Z"), Some("2026-05-18T00:00:00Z")),
        ("week", "2026-06-01T00:00:00Z", Some("2026-06-01T00:00:00Z"), Some("2026-06-08T00:00:00Z")),
        ("month", "2026-02-28T12:00:00Z", Some("2026-02-01T00:00:00Z"), Some("2026-03-01T00:00:00Z")),
        ("month", "2026-12-31T23:00:00Z", Some("2026-12-01T00:00:00Z"), Some("2027-01-01T00:00:00Z")),
        ("hours:1", "2026-05-15T12:30:00Z", Some("2026-05-15T11:00:00Z"), None),
        ("hours:744", "2026-05-31T23:30:00Z", Some("2026-04-30T23:00:00Z"), None),
        ("total", "2026-05-15T12:00:00Z", None, None),
    ] {
        let (parsed, now) = (window.parse::<SpendWindow>().unwrap(), at(now));
        let first = parsed.first_hour(now).map(|hour| Timestamp::from_millis(hour * 3_600_000));
        assert_eq!((first, parsed.resets_at(now)), (from.map(at), resets_at.map(at)), "{window} at {now}");
        assert_eq!(parsed.to_string(), window);
    }
    let now = at("2026-05-15T12:00:00Z");
    let today = first_day([SpendWindow::Total], now);
    assert_eq!(first_day([SpendWindow::Day, SpendWindow::Week], now), today - 4);
    assert_eq!(first_day([], now), today);
}
