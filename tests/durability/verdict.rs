//! Compares what is stored with what was sent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use tidegate_tests::team::{events, text};
use tidegate_tests::{Team, eventually};

use crate::book::{Sent, event, finish, heartbeat, minted, start};

/// The last restart caught up before it was ready; only the last few records may still be on their way.
const CATCHES_UP: Duration = Duration::from_secs(60);

/// Waits until every acknowledged id is stored, then checks all that is stored. Returns a summary.
pub async fn check(team: &Team, book: &BTreeMap<Sent, bool>) -> String {
    let runs = eventually(CATCHES_UP, "everything acknowledged is stored", async || {
        let runs = stored(team).await;
        let found = found_in(&runs);
        let missing: Vec<&Sent> =
            book.iter().filter(|(sent, known)| **known && !found.contains(*sent)).map(|(sent, _)| sent).collect();
        if missing.is_empty() {
            return Ok(runs);
        }
        Err(format!("{} acknowledged and not stored, such as {:?}", missing.len(), &missing[..missing.len().min(3)]))
    })
    .await;
    let found = found_in(&runs);
    for one in &found {
        assert!(book.contains_key(one), "stored and never sent: {one:?}");
    }
    for run in &runs {
        contents(run, book);
    }
    let acknowledged = book.values().filter(|known| **known).count();
    format!("{} sent, {acknowledged} acknowledged, {} stored in {} runs", book.len(), found.len(), runs.len())
}

/// All runs of the team, each whole; none listed twice.
async fn stored(team: &Team) -> Vec<Value> {
    let listed = team.listed("limit=100").await;
    let ids: BTreeSet<String> = listed.iter().map(|run| text(run, "id")).collect();
    assert_eq!(ids.len(), listed.len(), "a run is listed twice");
    let mut runs = Vec::new();
    for id in ids {
        runs.push(team.stored(&id).await.unwrap_or_else(|| panic!("{id} is listed and not there")).json());
    }
    runs
}

fn note(run: &Value) -> Option<&str> {
    run["metadata"]["note"].as_str()
}

/// What the stored runs say was sent. An event that stands twice is a failure.
fn found_in(runs: &[Value]) -> BTreeSet<Sent> {
    let mut found = BTreeSet::new();
    for stored in runs {
        let run = text(stored, "id");
        if let Some(note) = note(stored) {
            assert!(found.insert(Sent::Minted { note: note.to_owned() }), "the heartbeat {note} is stored twice");
            continue;
        }
        for event in events(stored) {
            let event = text(event, "external_id");
            assert!(found.insert(Sent::Event { run: run.clone(), event: event.clone() }), "{event} is stored twice");
        }
        if stored["customer_id"].is_string() {
            if stored["status"] != "running" {
                found.insert(Sent::Finish { run: run.clone() });
            }
            found.insert(Sent::Start { run });
        } else {
            found.insert(Sent::Heartbeat { run });
        }
    }
    found
}

/// Each member is as it was sent.
fn contents(stored: &Value, book: &BTreeMap<Sent, bool>) {
    let run = text(stored, "id");
    let same = |sent: &Value, members: &[&str]| {
        for member in members {
            assert_eq!(stored[*member], sent[*member], "{member} of {run}");
        }
    };
    if let Some(note) = note(stored) {
        same(&minted(note), &["agent", "started_at", "metadata"]);
        assert_eq!(stored["status"], "success", "{run}");
        return;
    }
    if book.contains_key(&Sent::Heartbeat { run: run.clone() }) {
        same(&heartbeat(&run), &["id", "agent", "started_at", "finished_at", "metadata"]);
        assert_eq!(stored["status"], "success", "{run}");
        return;
    }
    same(&start(&run), &["id", "agent", "started_at", "customer_id", "metadata"]);
    if stored["status"] != "running" {
        same(&finish(&run), &["status", "finished_at", "output"]);
    }
    for stored in events(stored) {
        let sent = event(&text(stored, "external_id"));
        for member in ["external_id", "type", "ts", "data"] {
            assert_eq!(stored[member], sent[member], "{member} of an event of {run}");
        }
    }
}
