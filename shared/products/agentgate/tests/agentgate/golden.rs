//! Logs of rules 1, and the books, facts, rows and messages that they make. All stand in files and never change: a log
//! outlives every release, and every later decision of it must be the same. A new kind of command has a log of its own.
//!
//! A failing test writes what it found to cargo's folder for test files, and says where. Copying it here is right only
//! for what is new: a log and a state of rules 2 or of a new kind, never those that were there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_agentgate::{AgentGate, Owner};
use tidegate_kernel::Position;
use tidegate_kernel::Timestamp;
use tidegate_kernel::command::{CommandOutcome, Envelope, FactId, Judged};

use crate::rig::Rig;
use crate::story::{erasing, story};

/// A log, and what it makes.
pub struct Golden {
    name: &'static str,
    story: fn() -> Vec<Line>,
    pub log: &'static str,
    pub state: &'static str,
}

pub const LOGS: [Golden; 2] = [
    Golden {
        name: "rules_1",
        story,
        log: include_str!("golden/rules_1.jsonl"),
        state: include_str!("golden/rules_1_state.json"),
    },
    Golden {
        name: "rules_1_erase",
        story: erasing,
        log: include_str!("golden/rules_1_erase.jsonl"),
        state: include_str!("golden/rules_1_erase_state.json"),
    },
];

/// A record, and when the log took it.
#[derive(Serialize, Deserialize)]
pub struct Line {
    pub appended_at_ms: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed_from: Option<Position>,
    pub record: Value,
}

/// Compares what a test found with a file. The order of an object's members does not count.
#[track_caller]
fn same(name: &str, found: &[Value], file: &[Value], text: &str) {
    if found != file {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, text).expect("a writable file");
        panic!("golden/{name} is another than what was found, which is in {}", path.display());
    }
}

fn parsed(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

fn lines(log: &str) -> Vec<Line> {
    log.lines().map(|line| serde_json::from_str(line).expect("a line of the log")).collect()
}

/// Decides the log; each owner has a rig.
fn decided(lines: &[Line], mut on_outcome: impl FnMut(&Value, &str)) -> BTreeMap<Owner, Rig> {
    let mut rigs: BTreeMap<Owner, Rig> = BTreeMap::new();
    for (offset, line) in lines.iter().enumerate() {
        let envelope = Envelope::decode(line.record.to_string().as_bytes()).expect("a record of rules 1");
        let rig = rigs.entry(envelope.owner).or_insert_with(|| Rig::empty(envelope.owner));
        (rig.offset, rig.now_ms) = (offset as i64, line.appended_at_ms.as_millis());
        let outcome = match rig.append(&envelope, line.replayed_from).1 {
            Judged::Decided(decision) => match decision.outcome {
                CommandOutcome::Answered(_) => "answered",
                CommandOutcome::Refused(_) => "refused",
                CommandOutcome::Repeated(_) => "repeated",
                CommandOutcome::Mismatched => "mismatched",
                CommandOutcome::Expired => "expired",
            },
            Judged::Duplicate => "duplicate",
            Judged::Before => "before",
        };
        on_outcome(&line.record, outcome);
    }
    rigs
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn state_of(rig: &Rig) -> Value {
    let doc = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect("a document is JSON");
    let fact = |(id, fact): &(FactId, tidegate_kernel::command::Fact<AgentGate>)| json!({"fact": hex(&id.to_bytes()), "position": fact.position.to_string(), "doc": doc(&fact.encode())});
    let row = |key: &tidegate_kernel::command::ViewKey| format!("{} {} {}", key.view, key.shard, key.row);
    json!({
        "decided_to": rig.state.decided_to.map(|position| position.to_string()),
        "book": doc(&rig.state.encode()),
        "facts": rig.facts.iter().map(fact).collect::<Vec<_>>(),
        "views": rig.views.iter().map(|(key, doc)| (row(key), doc.clone())).collect::<BTreeMap<_, _>>(),
        "deliveries": rig.deliveries,
    })
}

#[test]
fn records_are_written_as_ever() {
    for Golden { name, story, log, .. } in LOGS {
        let lined = |line: &Line| serde_json::to_string(line).expect("a line") + "\n";
        let text: String = story().iter().map(lined).collect();
        same(&format!("{name}.jsonl"), &parsed(&text), &parsed(log), &text);
        for line in lines(log) {
            let envelope: Envelope<AgentGate> = Envelope::decode(line.record.to_string().as_bytes()).expect("a record");
            let again: Value = serde_json::from_slice(&envelope.encode()).expect("a record is JSON");
            assert_eq!(again, line.record);
        }
    }
}

#[test]
fn the_logs_make_what_they_made() {
    for Golden { name, log, state, .. } in LOGS {
        let rigs = decided(&lines(log), |_, _| {});
        let states: Value = rigs.iter().map(|(owner, rig)| (owner.to_string(), state_of(rig))).collect();
        let text = serde_json::to_string_pretty(&states).expect("a map of JSON") + "\n";
        let file = serde_json::from_str(state).unwrap_or(Value::Null);
        same(&format!("{name}_state.json"), &[states], &[file], &text);
    }
}

#[test]
fn the_logs_have_every_kind_and_every_outcome() {
    const KINDS: [&str; 16] = [
        "submit",
        "cancel",
        "webhook_put",
        "webhook_drop",
        "template_put",
        "template_drop",
        "lease",
        "progress",
        "finish",
        "org_put",
        "key_put",
        "key_revoke",
        "credit",
        "suspend",
        "erase",
        "tick",
    ];
    let mut found = BTreeSet::new();
    for golden in LOGS {
        decided(&lines(golden.log), |record, outcome| {
            let body = record["body"].as_object().expect("a body");
            found.extend(body.keys().map(|kind| format!("{outcome} {kind}")));
            found.insert(outcome.to_owned());
        });
    }
    for kind in KINDS {
        assert!(found.contains(&format!("answered {kind}")), "{kind}");
    }
    for outcome in ["refused", "repeated", "mismatched", "expired", "duplicate"] {
        assert!(found.contains(outcome), "{outcome}");
    }
}
