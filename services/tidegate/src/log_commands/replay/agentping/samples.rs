//! Records to choose from, short to write.

use bytes::Bytes;
use tidegate_agentping::FinishStatus;
pub use tidegate_agentping_testkit::{AFTERNOON as NOW, key, slug, team};
use tidegate_agentping_testkit::{EventWith as _, FinishWith as _, IntoBody, StartWith as _, event, record};
use tidegate_kernel::Position;
use tidegate_ports::Consumed;
use tidegate_replay::Candidate;

use super::readable::Readable;

fn encoded(run: u128, body: impl IntoBody) -> Bytes {
    record(key(run), NOW, body).encode().into()
}

pub fn start(run: u128, agent: &str) -> Bytes {
    encoded(run, tidegate_agentping_testkit::start(agent).at(NOW))
}

pub fn events(run: u128, ids: impl IntoIterator<Item = u128>) -> Bytes {
    encoded(run, ids.into_iter().map(|id| event(id).at(NOW)).collect::<Vec<_>>())
}

pub fn finish(run: u128) -> Bytes {
    encoded(run, tidegate_agentping_testkit::finish(FinishStatus::Success).at(NOW))
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

pub fn candidate(offset: i64, payload: &Bytes) -> Candidate<Readable> {
    Candidate::of_record(Consumed::plain(place(offset), NOW, payload.clone()))
}
