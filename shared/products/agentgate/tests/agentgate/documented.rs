//! Every name on the log and in the store is in `docs/agentgate/records.md`.

use std::collections::BTreeSet;

use serde_json::Value;
use tidegate_agentgate::Refusal;

const PAGE: &str = include_str!("../../../../../docs/agentgate/records.md");
const LOG: &str = include_str!("golden/rules_1.jsonl");
const STATE: &str = include_str!("golden/rules_1_state.json");

/// The page names it in code: alone, or as a member in an example.
fn is_documented(name: &str) -> bool {
    ["`", "\""].iter().any(|mark| PAGE.contains(&format!("{mark}{name}{mark}")))
}

/// The names of members. Keys that are ids, rows or hashes are no names.
fn names(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            let is_name = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if is_name && name.len() < 26 {
                found.insert(name.clone());
            }
            names(value, found);
        }),
        Value::Array(values) => values.iter().for_each(|value| names(value, found)),
        _ => {}
    }
}

fn undocumented(values: &[Value]) -> Vec<String> {
    let mut found = BTreeSet::new();
    values.iter().for_each(|value| names(value, &mut found));
    assert!(!found.is_empty(), "there are names");
    found.into_iter().filter(|name| !is_documented(name)).collect()
}

#[test]
fn the_names_of_commands_are_documented() {
    let lines = LOG.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON"));
    let records: Vec<Value> = lines.map(|line| line["record"].clone()).collect();
    assert_eq!(undocumented(&records), [""; 0]);
}

#[test]
fn the_names_of_books_facts_rows_and_messages_are_documented() {
    let states: Value = serde_json::from_str(STATE).expect("the state is JSON");
    let states = states.as_object().expect("a state for each owner").values();
    let parts = states.flat_map(|state| {
        let docs = |part: &str| state[part].as_object().into_iter().flat_map(|docs| docs.values().cloned());
        let facts = state["facts"].as_array().into_iter().flatten().map(|fact| fact["doc"].clone());
        facts.chain([state["book"].clone()]).chain(docs("views")).chain(docs("deliveries")).collect::<Vec<_>>()
    });
    assert_eq!(undocumented(&parts.collect::<Vec<_>>()), [""; 0]);
}

#[test]
fn the_views_and_the_refusals_are_documented() {
    let states: Value = serde_json::from_str(STATE).expect("the state is JSON");
    let views = states.as_object().expect("a state for each owner").values().flat_map(|state| {
        let rows = state["views"].as_object().expect("rows").keys();
        rows.filter_map(|row| row.split(' ').next()).map(str::to_owned).collect::<Vec<_>>()
    });
    let refusals = [
        Refusal::KeyRevoked {},
        Refusal::Suspended {},
        Refusal::UnknownOrganization {},
        Refusal::Erased {},
        Refusal::BillingUnusable {},
        Refusal::CreditsInsufficient { required_cents: 0, available_cents: 0 },
        Refusal::ConcurrencyReached { limit: 0, open: 0 },
        Refusal::Unknown {},
        Refusal::Exists {},
        Refusal::Stale {},
        Refusal::BuiltIn {},
        Refusal::ListFull { limit: 0 },
        Refusal::NotOpen {},
        Refusal::StaleToken {},
        Refusal::BelowHolds { held_cents: 0, balance_cents: 0 },
        Refusal::TooMuch { limit: 0 },
    ];
    let refusals = refusals.map(|refusal| serde_json::to_value(refusal).expect("a refusal is JSON"));
    let views: BTreeSet<String> = views.filter(|view| !is_documented(view)).collect();
    assert_eq!((undocumented(&refusals), views), (vec![], BTreeSet::new()));
}
