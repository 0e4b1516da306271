//! A log of records, and how a persister applies a stretch of it.

use tidegate_agentping::{
    Event, EventId, FinishStatus, Heartbeat, HeartbeatStatus, ModelCall, Record, RunKey, Start, TeamId,
};
use tidegate_agentping_ports::{RunWrite, Runs};
use tidegate_agentping_testkit::{EventWith as _, IntoBody as _, StartWith as _, heartbeat, persist};
pub use tidegate_agentping_testkit::{NOON, finish, fresh, record};
use tidegate_kernel::{Position, Timestamp, Usd};
use tidegate_ports::StoreError;

pub fn at_offset(offset: usize) -> Position {
    Position { generation: 1, partition: 0, offset: offset as i64 }
}

pub fn start(agent: &str, started_at: Timestamp) -> Start {
    tidegate_agentping_testkit::start(agent).at(started_at).customer("a customer").feature("a feature")
}

pub fn event(id: EventId, data: &str) -> Event {
    tidegate_agentping_testkit::event(id).data(data)
}

pub fn unpriced_call(id: EventId) -> Event {
    event(id, "{}").call(ModelCall { provider: "p".into(), model: "unheard of".into(), cost: Usd::ZERO, priced: false })
}

/// An event with this many bytes of data.
pub fn event_of_bytes(bytes: usize) -> Event {
    event(fresh(), &format!("{{\"text\":\"{}\"}}", "x".repeat(bytes.saturating_sub(11))))
}

pub fn closing_heartbeat(agent: &str) -> Heartbeat {
    Heartbeat {
        cost: Some(Usd::from_nanos(5)),
        feature: Some("implied".into()),
        ..heartbeat(agent, HeartbeatStatus::Ok)
    }
}

/// A run whose story has everything that moves: opened by a closing heartbeat, then by a start of another day,
/// with events of both months, repeated, and one unpriced. It is closed again in both months, and its start spells the
/// agent otherwise than the heartbeat.
pub fn eventful_run(team: TeamId) -> Vec<Record> {
    let key = RunKey { team, run: fresh() };
    let events: Vec<Event> = (0..6).map(|n| event(fresh(), &format!("{{\"n\":{n}}}"))).collect();
    let month_later = NOON.plus_millis(31 * 86_400_000);
    let days_before = NOON.plus_millis(-3 * 86_400_000);
    let told = [
        (NOON, vec![events[0].clone(), unpriced_call(fresh())].into_body()),
        (NOON, closing_heartbeat("an agent").into_body()),
        (NOON.plus_millis(1), closing_heartbeat("an agent").into_body()),
        (NOON, events[..3].to_vec().into_body()),
        (NOON, start("an agent ", days_before).into_body()),
        (NOON, start("an agent ", days_before).into_body()),
        (month_later, events[2..].to_vec().into_body()),
        (month_later, finish(FinishStatus::Failed).into_body()),
        (month_later, events.into_body()),
    ];
    told.into_iter().map(|(at, body)| record(key, at, body)).collect()
}

fn stretch(log: &[Record], from: usize, to: usize) -> impl Iterator<Item = (Position, Record)> {
    (from..to).map(|offset| (at_offset(offset), log[offset].clone()))
}

/// What a persister would save of this stretch of the log.
pub async fn fold(store: &dyn Runs, log: &[Record], from: usize, to: usize) -> Result<Vec<RunWrite>, StoreError> {
    tidegate_agentping_testkit::fold(store, stretch(log, from, to)).await
}

/// Loads, folds, saves.
pub async fn apply(store: &dyn Runs, log: &[Record], from: usize, to: usize) -> Result<(), StoreError> {
    persist(store, stretch(log, from, to)).await
}

/// The whole log in batches of this many records.
pub async fn apply_all(store: &dyn Runs, log: &[Record], batch: usize) {
    for from in (0..log.len()).step_by(batch) {
        apply(store, log, from, (from + batch).min(log.len())).await.expect("applied");
    }
}
