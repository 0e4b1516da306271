//! Records to choose from, short to write.

use bytes::Bytes;
use tidegate_agentping::{Body, Event, EventId, Finish, FinishStatus, Record, RunId, RunKey, Slug, Start, TeamId};
use tidegate_kernel::{FreeJson, Position, Region, Timestamp};
use tidegate_ports::Consumed;

use super::choice::Candidate;

pub const NOW: Timestamp = Timestamp::from_millis(1_778_855_521_123);

/// A run of the first team.
pub fn key(run: u128) -> RunKey {
    RunKey { team: team(1), run: RunId::from_bits(Region::Eu, run) }
}

pub fn team(number: u128) -> TeamId {
    TeamId::from_bits(Region::Eu, number)
}

pub fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

fn encoded(run: u128, body: Body) -> Bytes {
    Record::new(key(run), NOW, body).encode().into()
}

pub fn start(run: u128, agent: &str) -> Bytes {
    let started = Start {
        agent: slug(agent),
        started_at: NOW,
        customer_id: None,
        feature: None,
        metadata: None,
        parent_run_id: None,
        goal: None,
        idle: None,
    };
    encoded(run, Body::Start(started))
}

pub fn events(run: u128, ids: impl IntoIterator<Item = u128>) -> Bytes {
    let event = |id: u128| Event {
        id: EventId::from_bits(Region::Eu, id),
        kind: "log".into(),
        ts: NOW,
        turn: None,
        data: FreeJson::parse("{}").unwrap(),
        content_hash: id as u64,
        earlier_hash: None,
        errored: false,
        call: None,
    };
    encoded(run, Body::Events(ids.into_iter().map(event).collect()))
}

pub fn finish(run: u128) -> Bytes {
    let finish = Finish { status: FinishStatus::Success, finished_at: NOW, output: None, scores: None, metadata: None };
    encoded(run, Body::Finish(finish))
}

/// No record at all.
pub fn unreadable() -> Bytes {
    Bytes::from_static(b"not a record")
}

/// A record of a version to come.
pub fn newer(run: u128) -> Bytes {
    let text = String::from_utf8(finish(run).to_vec()).unwrap();
    text.replace("\"v\":1", "\"v\":99").into_bytes().into()
}

pub fn place(offset: i64) -> Position {
    Position { generation: 1, partition: 0, offset }
}

pub fn candidate(offset: i64, payload: &Bytes) -> Candidate {
    Candidate::of_record(Consumed::plain(place(offset), NOW, payload.clone()))
}
