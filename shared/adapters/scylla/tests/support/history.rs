//! A log of records, and how a persister applies a stretch of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_agentping::id::IdKind;
use tidegate_agentping::{
    Body, Event, EventId, Finish, FinishStatus, Heartbeat, HeartbeatStatus, Id, ModelCall, Record, RunId, RunKey,
    RunState, Slug, Start, TeamId,
};
use tidegate_agentping_ports::{EventRow, RunWanted, RunWrite, Runs};
use tidegate_kernel::{FreeJson, Position, Region, Timestamp, Usd};
use tidegate_ports::{Ids, RandomIds, StoreError};

/// 2026-05-15T12:00:00Z.
pub const NOON: Timestamp = Timestamp::from_millis(1_778_846_400_000);

pub fn fresh<K: IdKind>() -> Id<K> {
    Id::mint(Region::Eu, NOON, &RandomIds.random())
}

pub fn at_offset(offset: usize) -> Position {
    Position { generation: 1, partition: 0, offset: offset as i64 }
}

pub fn start(agent: &str, started_at: Timestamp) -> Start {
    Start {
        agent: Slug::parse(agent).expect("a slug"),
        started_at,
        customer_id: Some("a customer".into()),
        feature: Some("a feature".into()),
        metadata: None,
        parent_run_id: None,
        goal: None,
        idle: None,
    }
}

pub fn event(id: EventId, data: &str) -> Event {
    Event {
        id,
        kind: "log".into(),
        ts: NOON,
        turn: None,
        data: FreeJson::parse(data).expect("JSON"),
        content_hash: id.bits() as u64,
        earlier_hash: None,
        errored: false,
        call: None,
    }
}

pub fn unpriced_call(id: EventId) -> Event {
    let call = ModelCall { provider: "p".into(), model: "unheard of".into(), cost: Usd::ZERO, priced: false };
    Event { call: Some(call), ..event(id, "{}") }
}

/// An event with this many bytes of data.
pub fn event_of_bytes(bytes: usize) -> Event {
    event(fresh(), &format!("{{\"text\":\"{}\"}}", "x".repeat(bytes.saturating_sub(11))))
}

pub fn finish(status: FinishStatus) -> Body {
    Body::Finish(Finish { status, finished_at: NOON, output: None, scores: None, metadata: None })
}

pub fn closing_heartbeat(agent: &str) -> Body {
    Body::Heartbeat(Heartbeat {
        agent: Slug::parse(agent).expect("a slug"),
        status: HeartbeatStatus::Ok,
        started_at: None,
        finished_at: None,
        cost: Some(Usd::from_nanos(5)),
        duration_ms: None,
        metadata: None,
        output: None,
        customer_id: None,
        feature: Some("implied".into()),
        input_tokens: None,
        output_tokens: None,
    })
}

/// A run whose story has everything that moves: opened by a closing heartbeat, then by a start of another day,
/// with events of both months, repeated, and one unpriced. It is closed again in both months, and its start spells the
/// agent otherwise than the heartbeat.
pub fn eventful_run(team: TeamId) -> Vec<Record> {
    let key = RunKey { team, run: fresh::<tidegate_agentping::id::RunKind>() as RunId };
    let events: Vec<Event> = (0..6).map(|n| event(fresh(), &format!("{{\"n\":{n}}}"))).collect();
    let month_later = NOON.plus_millis(31 * 86_400_000);
    let days_before = NOON.plus_millis(-3 * 86_400_000);
    let told = [
        (NOON, Body::Events(vec![events[0].clone(), unpriced_call(fresh())])),
        (NOON, closing_heartbeat("an agent")),
        (NOON.plus_millis(1), closing_heartbeat("an agent")),
        (NOON, Body::Events(events[..3].to_vec())),
        (NOON, Body::Start(start("an agent ", days_before))),
        (NOON, Body::Start(start("an agent ", days_before))),
        (month_later, Body::Events(events[2..].to_vec())),
        (month_later, finish(FinishStatus::Failed)),
        (month_later, Body::Events(events)),
    ];
    told.into_iter().map(|(at, body)| Record::new(key, at, body)).collect()
}

/// What a persister would save of this stretch of the log.
pub async fn fold(store: &dyn Runs, log: &[Record], from: usize, to: usize) -> Result<Vec<RunWrite>, StoreError> {
    let mut runs: BTreeMap<RunKey, Vec<(usize, &Record)>> = BTreeMap::new();
    for (offset, record) in log.iter().enumerate().take(to).skip(from) {
        runs.entry(record.key()).or_default().push((offset, record));
    }
    let events = |record: &Record| match &record.body {
        Body::Events(events) => events.iter().map(|event| event.id).collect(),
        Body::Start(_) | Body::Finish(_) | Body::Heartbeat(_) => Vec::new(),
    };
    let wanted: Vec<RunWanted> = runs
        .iter()
        .map(|(key, records)| RunWanted {
            key: *key,
            events: records.iter().flat_map(|(_, one)| events(one)).collect(),
        })
        .collect();
    let stored = store.load(&wanted).await?;
    let mut writes = Vec::new();
    for ((key, records), stored) in runs.into_iter().zip(stored) {
        let known_events = stored.events.into_iter().collect();
        let mut state = RunState { run: stored.run.unwrap_or_default(), known_events };
        let mut new_events = Vec::new();
        let mut last = 0;
        for (offset, record) in records {
            let received_at = record.received_at;
            let change = state.apply(record.clone());
            new_events.extend(change.new_events.into_iter().map(|event| EventRow { event, received_at }));
            last = offset;
        }
        writes.push(RunWrite { key, run: state.run, new_events, position: at_offset(last), again: None });
    }
    Ok(writes)
}

/// Loads, folds, saves.
pub async fn apply(store: &dyn Runs, log: &[Record], from: usize, to: usize) -> Result<(), StoreError> {
    let writes = fold(store, log, from, to).await?;
    store.save(Arc::new(writes)).await
}

/// The whole log in batches of this many records.
pub async fn apply_all(store: &dyn Runs, log: &[Record], batch: usize) {
    for from in (0..log.len()).step_by(batch) {
        apply(store, log, from, (from + batch).min(log.len())).await.expect("applied");
    }
}
