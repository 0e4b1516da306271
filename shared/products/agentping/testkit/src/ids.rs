//! Ids by number, which a test can name again, and fresh ones, for stores that hold other tests' rows.

use tidegate_agentping::id::IdKind;
use tidegate_agentping::{EventId, Id, RunId, RunKey, Slug, TeamId};
use tidegate_kernel::{FreeJson, Region, Timestamp};
use tidegate_ports::{Ids, RandomIds};

use crate::NOON;

/// A team of the region `eu`, as are all ids here.
pub const fn team(number: u128) -> TeamId {
    TeamId::from_bits(Region::Eu, number)
}

/// A run id whose bits are this number.
pub const fn run_id(number: u128) -> RunId {
    RunId::from_bits(Region::Eu, number)
}

/// An event id whose bits are this number.
pub const fn event_id(number: u128) -> EventId {
    EventId::from_bits(Region::Eu, number)
}

/// A run of team 1.
pub const fn key(run: u128) -> RunKey {
    RunKey { team: team(1), run: run_id(run) }
}

/// An id of the region `eu` that was never used before, born at [`NOON`].
pub fn fresh<K: IdKind>() -> Id<K> {
    fresh_at(NOON)
}

/// The same, born at another time.
pub fn fresh_at<K: IdKind>(birth: Timestamp) -> Id<K> {
    Id::mint(Region::Eu, birth, &RandomIds.random())
}

/// A fresh run of a fresh team.
pub fn fresh_key() -> RunKey {
    RunKey { team: fresh(), run: fresh() }
}

/// An agent's name.
///
/// # Panics
/// If the text is no slug.
pub fn slug(text: &str) -> Slug {
    Slug::parse(text).expect("the test gives a slug")
}

/// Free JSON, kept as it is written.
///
/// # Panics
/// If the text is no JSON.
pub fn json(text: &str) -> FreeJson {
    FreeJson::parse(text).expect("the test gives JSON")
}
