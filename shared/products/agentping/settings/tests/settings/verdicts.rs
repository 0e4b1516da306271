//! Guard's verdicts.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_pulse::spend::{SpendScope, SpendWindow};
use tidegate_agentping_settings::guard::{GuardEventCause, by_pause, by_rules, guard_event_id};
use tidegate_agentping_settings::pause::pause_rule_id;
use tidegate_agentping_settings::{GuardCheck, GuardEvent, GuardEventKind, GuardVerdict, PauseDoc, RuleDoc};
use tidegate_kernel::{Region, SmolStr, Timestamp, Usd};

const NOON: Timestamp = Timestamp::from_millis(1_778_846_400_000);
const TEAM: TeamId = TeamId::from_bits(Region::Eu, 7);

fn usd(text: &str) -> Usd {
    Usd::parse(text).unwrap()
}

fn check(body: Value) -> GuardCheck {
    GuardCheck::read(body.to_string().as_bytes())
}

/// The verdict of rules named by their places, while an agent and its customer have spent so much.
fn verdict(rules: &[Value], check: &GuardCheck, spent: &str) -> GuardVerdict {
    let docs: BTreeMap<SmolStr, RuleDoc> = rules
        .iter()
        .enumerate()
        .map(|(at, rule)| {
            let mut given =
                json!({"name": format!("rule {at}"), "spend_of": "agent", "window": "day", "limit_usd": 20});
            given.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
            (SmolStr::from(format!("grl_{at}")), RuleDoc::parse(&given, NOON).unwrap())
        })
        .collect();
    by_rules(&docs, check, NOON, |_, _| usd(spent))
}

/// AC-02, AC-03: no body stops a job.
#[test]
fn whatever_is_sent_is_a_check() {
    let long = "x".repeat(513);
    for (body, agent) in [
        ("", None),
        ("{}", None),
        ("[]", None),
        ("null", None),
        ("nonsense", None),
        ("\u{0}", None),
        (r#"{"agent":""}"#, None),
        (r#"{"agent":"  "}"#, None),
        (r#"{"agent":7}"#, None),
        (r#"{"agent":["a"]}"#, None),
        (r#"{"agent":"a","more":{"x":[1]}}"#, Some("a")),
        (r#"{"agent":" a "}"#, Some("a")),
        (&format!(r#"{{"agent":"{long}"}}"#), None),
        (&format!(r#"{{"agent":"{}"}}"#, &long[1..]), Some(&long[1..])),
    ] {
        assert_eq!(GuardCheck::read(body.as_bytes()).agent.as_deref(), agent, "{body:.40}");
    }
    assert_eq!(GuardCheck::read(b"\xff\xfe"), GuardCheck::default());
}

/// AC-04, AC-05, AC-14.
#[test]
fn a_limit_blocks_from_its_amount_on() {
    let asked = check(json!({"agent": "a"}));
    for (spent, blocks) in [("19.999999999", false), ("20", true), ("20.35", true)] {
        let given = verdict(&[json!({}), json!({"action": "warn"})], &asked, spent);
        assert_eq!(given.is_block(), blocks, "{spent}");
        assert_eq!(given.blocked_by, if blocks { vec![SmolStr::new("grl_0")] } else { vec![] });
        let shown: Vec<Value> = given.rules.iter().map(|rule| serde_json::to_value(rule).unwrap()).collect();
        assert_eq!(shown[0]["triggered"], blocks);
        assert_eq!((&shown[1]["action"], &shown[1]["triggered"]), (&json!("warn"), &json!(blocks)));
    }
    let text = serde_json::to_string(&verdict(&[json!({})], &asked, "20.35").rules[0]).unwrap();
    let expected = concat!(
        r#"{"id":"grl_0","name":"rule 0","action":"block","triggered":true,"window":"day","spend_of":"agent","#,
        r#""limit_usd":20,"spent_usd":20.35,"resets_at":"2026-05-16T00:00:00.000Z"}"#,
    );
    assert_eq!(text, expected);
}

/// AC-12: what a check does not have, and what a rule is not for.
#[test]
fn ac_12_a_rule_applies_if_all_of_it_matches() {
    let full = json!({"agent": "a", "customer_ref": "c", "function": "f", "environment": "prod"});
    for (rule, asked, applies) in [
        (json!({}), json!({}), false),
        (json!({}), json!({"customer_ref": "c"}), false),
        (json!({}), json!({"agent": "a"}), true),
        (json!({"enabled": false}), full.clone(), false),
        (json!({"spend_of": "team"}), json!({}), true),
        (json!({"spend_of": "customer"}), json!({"agent": "a"}), false),
        (json!({"spend_of": "customer"}), json!({"customer_ref": "c"}), true),
        (json!({"spend_of": "agent_and_customer"}), json!({"customer_ref": "c"}), false),
        (json!({"spend_of": "agent_and_customer"}), full.clone(), true),
        (json!({"match": {"environment": "prod"}}), json!({"agent": "a"}), false),
        (json!({"match": {"environment": "prod"}}), json!({"agent": "a", "environment": "test"}), false),
        (json!({"match": {"environment": "prod"}}), full.clone(), true),
        (json!({"match": {"environment": "*"}}), json!({"agent": "a"}), false),
        (json!({"match": {"environment": "*"}}), json!({"agent": "a", "environment": "test"}), true),
        (json!({"match": {"agent": "A"}}), full.clone(), false),
        (json!({"match": {"agent": "a", "customer_ref": "c", "function": "f"}}), full.clone(), true),
        (json!({"match": {"agent": "a", "customer_ref": "c", "function": "g"}}), full.clone(), false),
    ] {
        let given = verdict(std::slice::from_ref(&rule), &check(asked.clone()), "20");
        assert_eq!((given.is_block(), given.rules.len()), (applies, usize::from(applies)), "{rule} {asked}");
    }
}

#[test]
fn a_sum_is_asked_for_once() {
    let given = json!({"name": "x", "spend_of": "agent", "window": "day", "limit_usd": 1});
    let rule = RuleDoc::parse(&given, NOON).unwrap();
    let rules: Vec<(SmolStr, RuleDoc)> = (0..100).map(|at| (SmolStr::from(format!("{at}")), rule.clone())).collect();
    let mut asked = Vec::new();
    by_rules(rules.iter().map(|(id, rule)| (id, rule)), &check(json!({"agent": "a"})), NOON, |scope, window| {
        asked.push((scope.clone(), window));
        Usd::ZERO
    });
    assert_eq!(asked, [(SpendScope::Agent("a".into()), SpendWindow::Day)]);
}

/// AC-14 and the alerts of 1.3: once for each rule, agent and window.
#[test]
fn ac_14_what_is_alerted_is_the_same_event_within_a_window() {
    let asked = check(json!({"agent": "a"}));
    let kinds = |action: &str, spent: &str| -> Vec<GuardEventKind> {
        verdict(&[json!({"action": action})], &asked, spent).events.iter().map(|event| event.kind).collect()
    };
    for (action, spent, expected) in [
        ("block", "15.99", vec![]),
        ("block", "16", vec![GuardEventKind::Warning]),
        ("block", "19.99", vec![GuardEventKind::Warning]),
        ("block", "20", vec![GuardEventKind::Blocked]),
        ("warn", "19.99", vec![]),
        ("warn", "20", vec![GuardEventKind::Warning]),
    ] {
        assert_eq!(kinds(action, spent), expected, "{action} {spent}");
    }
    let event = verdict(&[json!({})], &asked, "20").events.remove(0);
    let cause = GuardEventCause::Spend { spent: usd("25"), limit: usd("20") };
    let later = GuardEvent { at: NOON.plus_millis(60_000), cause, ..event.clone() };
    assert_eq!(guard_event_id(TEAM, &event), guard_event_id(TEAM, &later));
    let other = GuardEvent { agent: Some("b".into()), ..event.clone() };
    assert_ne!(guard_event_id(TEAM, &event), guard_event_id(TEAM, &other));
}

/// AC-07's answer: a pause has an id of its own, which stays.
#[test]
fn a_pause_is_a_rule_of_a_fixed_id() {
    let mut pause = PauseDoc::default();
    pause.pause(NOON, "key_eu_1".to_owned(), None, Some("on fire".to_owned()));
    let id = pause_rule_id("agt_eu_1");
    assert_eq!(id, pause_rule_id("agt_eu_1"));
    assert!(id.starts_with("grl_eu_"));
    assert_ne!(id, pause_rule_id("agt_eu_2"));
    let given = by_pause(&id, pause.at(NOON).unwrap(), None);
    assert_eq!(given.blocked_by, [SmolStr::from(id)]);
    let shown = serde_json::to_value(&given.rules[0]).unwrap();
    assert_eq!((&shown["name"], &shown["reason"]), (&json!("paused"), &json!("operator_pause")));
    assert_eq!((&shown["paused_by"], &shown["note"]), (&json!("key_eu_1"), &json!("on fire")));
    assert_eq!(shown["paused_at"], "2026-05-15T12:00:00.000Z");
    let back: tidegate_agentping_settings::guard::RuleShown = serde_json::from_value(shown).unwrap();
    assert_eq!(back, given.rules[0]);
}

/// The alerts of 1.3, of a pause: once for each time that it begins, whatever is changed of it meanwhile.
#[test]
fn a_pause_is_one_event_from_its_beginning_on() {
    let agent = Slug::parse("a").unwrap();
    let mut pause = PauseDoc::default();
    pause.pause(NOON, "key_eu_1".to_owned(), None, None);
    let event = |pause: &PauseDoc, agent: Option<&Slug>, second: i64| {
        let held = pause.at(NOON.plus_millis(second * 1_000)).unwrap();
        by_pause("grl_eu_1", held, agent).events.remove(0)
    };
    let first = event(&pause, Some(&agent), 0);
    assert_eq!((first.kind, first.rule.as_str(), first.at), (GuardEventKind::Blocked, "grl_eu_1", NOON));
    assert_eq!((first.agent.as_deref(), first.is_pause_of_team()), (Some("a"), false));
    let of_team = event(&pause, None, 0);
    assert!(of_team.agent.is_none() && of_team.is_pause_of_team());
    let until = NOON.plus_millis(60_000);
    pause.pause(NOON.plus_millis(5_000), "key_eu_2".to_owned(), Some(until), Some("on fire".to_owned()));
    assert_eq!(guard_event_id(TEAM, &first), guard_event_id(TEAM, &event(&pause, Some(&agent), 10)));
    pause.resume(NOON.plus_millis(20_000));
    pause.pause(NOON.plus_millis(30_000), "key_eu_1".to_owned(), None, None);
    let again = event(&pause, Some(&agent), 30);
    assert_ne!(guard_event_id(TEAM, &first), guard_event_id(TEAM, &again));
    assert_ne!(guard_event_id(TEAM, &first), guard_event_id(TEAM, &of_team));
}
