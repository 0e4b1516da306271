//! Every name on the log and in the store is in `docs/agentgate/records.md`.

use std::collections::BTreeSet;

use serde_json::Value;
use tidegate_agentgate::Refusal;

use crate::golden::LOGS;

const PAGE: &str = include_str!("../../../../../docs/agentgate/records.md");

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

/// The state of each owner, of every golden log.
fn states() -> Vec<Value> {
    let states = LOGS.into_iter().map(|golden| serde_json::from_str::<Value>(golden.state).expect("the state is JSON"));
    let of_owners = |states: Value| states.as_object().expect("a state for each owner").values().cloned().collect();
    states.flat_map::<Vec<_>, _>(of_owners).collect()
}

#[test]
fn the_names_of_commands_are_documented() {
    let lines = LOGS.into_iter().flat_map(|golden| golden.log.lines());
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON"));
    let records: Vec<Value> = lines.map(|line| line["record"].clone()).collect();
    assert_eq!(undocumented(&records), [""; 0]);
}

#[test]
fn the_names_of_books_facts_rows_and_messages_are_documented() {
    let parts = states().into_iter().flat_map(|state| {
        let docs = |part: &str| state[part].as_object().into_iter().flat_map(|docs| docs.values().cloned());
        let facts = state["facts"].as_array().into_iter().flatten().map(|fact| fact["doc"].clone());
        facts.chain([state["book"].clone()]).chain(docs("views")).chain(docs("deliveries")).collect::<Vec<_>>()
    });
    assert_eq!(undocumented(&parts.collect::<Vec<_>>()), [""; 0]);
}

#[test]
fn the_views_and_the_refusals_are_documented() {
    let views = states().into_iter().flat_map(|state| {
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
