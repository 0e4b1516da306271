//! Doubt: intervals in which our own pipeline may have lost openings, so that a slot without a run is no miss.

use serde::{Deserialize, Serialize};
use tidegate_kernel::Timestamp;

use crate::slots::Slot;

pub mod canary;
pub mod volume;

pub use canary::{CanaryWatch, canary_team};
pub use volume::VolumeWatch;

/// Why a run may not have got through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoubtReason {
    /// Front doors refused openings for reasons of ours, or none was ready.
    FrontDoor,
    /// The canary's heartbeats were missing.
    Canary,
    /// Far fewer records than at that time of other days.
    Volume,
    /// Records were dead-lettered.
    DeadLetters,
    /// A part of the log stood still or is missing.
    Log,
}

impl DoubtReason {
    pub const ALL: [DoubtReason; 5] =
        [DoubtReason::FrontDoor, DoubtReason::Canary, DoubtReason::Volume, DoubtReason::DeadLetters, DoubtReason::Log];

    pub const fn as_str(self) -> &'static str {
        match self {
            DoubtReason::FrontDoor => "front_door",
            DoubtReason::Canary => "canary",
            DoubtReason::Volume => "volume",
            DoubtReason::DeadLetters => "dead_letters",
            DoubtReason::Log => "log",
        }
    }
}

/// One interval; both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    pub from: Timestamp,
    pub until: Timestamp,
    pub reason: DoubtReason,
}

/// Makes one of intervals that touch, of one owner and reason. An outage of days is then as small as one of minutes.
pub fn join<O: Copy + Ord>(doubts: &mut Vec<(O, Doubt)>) {
    doubts.sort_unstable_by_key(|(owner, doubt)| (*owner, doubt.reason, doubt.from));
    doubts.dedup_by(|(owner, next), (before, joined)| {
        let touches = *owner == *before && next.reason == joined.reason && next.from <= joined.until.plus_millis(1);
        if touches {
            joined.until = joined.until.max(next.until);
        }
        touches
    });
}

/// The intervals that concern one agent: its team's, and those of all teams.
#[derive(Clone, Copy, Debug, Default)]
pub struct Doubts<'d> {
    pub of_all: &'d [Doubt],
    pub of_team: &'d [Doubt],
}

impl Doubts<'_> {
    pub const NONE: Doubts<'static> = Doubts { of_all: &[], of_team: &[] };
    /// Of the time before a deadline, so much at most is looked at.
    const BEFORE_DEADLINE_MS: u64 = 15 * 60_000;
    /// Of the time after a slot, so much.
    const AFTER_SLOT_MS: i64 = 5 * 60_000;

    /// Why there is doubt between two instants, if there is: the reason that comes first in the order of reasons.
    pub fn between(&self, from: Timestamp, until: Timestamp) -> Option<DoubtReason> {
        let all = self.of_all.iter().chain(self.of_team);
        all.filter(|doubt| doubt.from <= until && from <= doubt.until).map(|doubt| doubt.reason).min()
    }

    /// Why a slot without a run cannot be judged: doubt within the last part before its deadline, or right after it.
    pub fn about(&self, slot: &Slot) -> Option<DoubtReason> {
        let before_ms = slot.deadline.millis_since(slot.at).min(Self::BEFORE_DEADLINE_MS);
        let before = self.between(slot.deadline.plus_millis(-(before_ms as i64)), slot.deadline);
        let after = self.between(slot.at, slot.at.plus_millis(Self::AFTER_SLOT_MS));
        before.into_iter().chain(after).min()
    }
}
