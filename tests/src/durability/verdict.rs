//! Compares what is stored with what was sent.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::Value;

use super::book::{Sent, event, finish, heartbeat, minted, start};
use crate::Team;
use crate::team::{events, text};
use crate::wait::eventually;

/// How long the consumers may take to catch up with the log's end.
const CATCHES_UP: Duration = Duration::from_secs(120);
/// Runs that are read at once.
const READS: usize = 8;

/// What is wrong with a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Acknowledged, and not stored: may be on its way.
    Missing(Vec<Sent>),
    /// Stored more than once: an id, or a heartbeat's note.
    Twice(String),
    /// Stored, and never sent.
    Foreign(Sent),
    /// Stored with another content: which member of what.
    Altered(String),
}

/// What a store held when nothing was wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sound {
    pub sent: usize,
    pub acknowledged: usize,
    pub stored: usize,
    pub runs: usize,
}

impl fmt::Display for Sound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sound { sent, acknowledged, stored, runs } = self;
        write!(f, "{sent} sent, {acknowledged} acknowledged, {stored} stored in {runs} runs")
    }
}

/// Waits until every acknowledged id is stored, and holds all that is stored against the book.
///
/// # Panics
/// On any [`Fault`]; on what is missing, only once it had time to come.
pub async fn check(team: &Team, book: &BTreeMap<Sent, bool>) -> Sound {
    eventually(CATCHES_UP, "everything acknowledged is stored", async || match judge(&stored(team).await, book) {
        Ok(sound) => Ok(sound),
        Err(Fault::Missing(sent)) => Err(format!("{} missing, such as {:?}", sent.len(), &sent[..sent.len().min(3)])),
        Err(fault) => panic!("{fault:?}"),
    })
    .await
}

/// The same, for callers that count: waits as long for what is missing, and then returns it.
///
/// # Errors
/// Any [`Fault`].
pub async fn settle(team: &Team, book: &BTreeMap<Sent, bool>) -> Result<Sound, Fault> {
    let since = Instant::now();
    eventually(2 * CATCHES_UP, "a verdict", async || match judge(&stored(team).await, book) {
        Err(Fault::Missing(sent)) if since.elapsed() < CATCHES_UP => Err(format!("{} missing", sent.len())),
        settled => Ok(settled),
    })
    .await
}

/// The verdict on what is stored while clients wait to continue: events and a finish whose start did not come yet are
/// stored and not shown.
///
/// # Errors
/// Any [`Fault`].
pub async fn judge_now(team: &Team, book: &BTreeMap<Sent, bool>) -> Result<Sound, Fault> {
    judge(&stored(team).await, &shown(book))
}

/// The book with what waits for a start as not acknowledged.
fn shown(book: &BTreeMap<Sent, bool>) -> BTreeMap<Sent, bool> {
    let started = |run: &String| book.get(&Sent::Start { run: run.clone() }).is_some_and(|known| *known);
    let shown = |sent: &Sent| match sent {
        Sent::Event { run, .. } | Sent::Finish { run } => started(run),
        _ => true,
    };
    book.iter().map(|(sent, known)| (sent.clone(), *known && shown(sent))).collect()
}

/// The verdict on these runs, as listed and read back one by one.
///
/// # Errors
/// The first [`Fault`]; what is missing comes last.
pub fn judge(runs: &[Value], book: &BTreeMap<Sent, bool>) -> Result<Sound, Fault> {
    let found = found_in(runs)?;
    if let Some(foreign) = found.iter().find(|one| !book.contains_key(*one)) {
        return Err(Fault::Foreign(foreign.clone()));
    }
    for run in runs {
        contents(run, book)?;
    }
    let acknowledged = || book.iter().filter(|(_, known)| **known).map(|(sent, _)| sent);
    let missing: Vec<Sent> = acknowledged().filter(|sent| !found.contains(*sent)).cloned().collect();
    if !missing.is_empty() {
        return Err(Fault::Missing(missing));
    }
    Ok(Sound { sent: book.len(), acknowledged: acknowledged().count(), stored: found.len(), runs: runs.len() })
}

/// All runs that are listed, each read whole, as often as it is listed.
async fn stored(team: &Team) -> Vec<Value> {
    let listed = team.listed("limit=100").await;
    let read = async |run: &Value| {
        let id = text(run, "id");
        team.stored(&id).await.unwrap_or_else(|| panic!("{id} is listed and not there")).json()
    };
    futures_util::stream::iter(listed.iter().map(read)).buffer_unordered(READS).collect().await
}

fn note(run: &Value) -> Option<&str> {
    run["metadata"]["note"].as_str()
}

/// What the stored runs say was sent.
fn found_in(runs: &[Value]) -> Result<BTreeSet<Sent>, Fault> {
    let mut found = BTreeSet::new();
    let mut once = |one: Sent, name: &str| {
        if found.insert(one) { Ok(()) } else { Err(Fault::Twice(name.to_owned())) }
    };
    for stored in runs {
        let run = text(stored, "id");
        if let Some(note) = note(stored) {
            once(Sent::Minted { note: note.to_owned() }, note)?;
            continue;
        }
        for event in events(stored) {
            let event = text(event, "external_id");
            once(Sent::Event { run: run.clone(), event: event.clone() }, &event)?;
        }
        if stored["customer_id"].is_string() {
            if stored["status"] != "running" {
                once(Sent::Finish { run: run.clone() }, &run)?;
            }
            once(Sent::Start { run: run.clone() }, &run)?;
        } else {
            once(Sent::Heartbeat { run: run.clone() }, &run)?;
        }
    }
    Ok(found)
}

/// Whether each member is as it was sent.
fn contents(stored: &Value, book: &BTreeMap<Sent, bool>) -> Result<(), Fault> {
    let run = text(stored, "id");
    let same = |stored: &Value, sent: &Value, members: &[&str]| {
        let differs = members.iter().find(|member| stored[**member] != sent[**member]);
        let told =
            |member: &&str| Fault::Altered(format!("{member} of {run}: {} for {}", stored[*member], sent[*member]));
        differs.map_or(Ok(()), |member| Err(told(member)))
    };
    let succeeded = || match &stored["status"] {
        status if status == "success" => Ok(()),
        status => Err(Fault::Altered(format!("status of {run}: {status} for a heartbeat that was well"))),
    };
    if let Some(note) = note(stored) {
        same(stored, &minted(note), &["agent", "started_at", "metadata"])?;
        return succeeded();
    }
    if book.contains_key(&Sent::Heartbeat { run: run.clone() }) {
        same(stored, &heartbeat(&run), &["id", "agent", "started_at", "finished_at", "metadata"])?;
        return succeeded();
    }
    same(stored, &start(&run), &["id", "agent", "started_at", "customer_id", "metadata"])?;
    if stored["status"] != "running" {
        same(stored, &finish(&run), &["status", "finished_at", "output"])?;
    }
    for one in events(stored) {
        same(one, &event(&text(one, "external_id")), &["external_id", "type", "ts", "data"])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
