//! What a replay did so far. It is part of the progress file, so that the report of a resumed one is whole.

use serde::{Deserialize, Serialize};

use super::choice::Reason;
use crate::log_commands::kind::ByKind;

/// Every place looked at ends in exactly one of these: done = appended + passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// In a dry run: would be appended.
    pub appended: ByKind,
    pub passed_over: PassedOver,
}

/// Places whose records were not appended again, by [`Reason`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    pub not_asked_for: u64,
    pub replays: u64,
    pub unreadable: u64,
    pub agent_unknown: u64,
    pub gone: u64,
    pub too_large: u64,
}

impl PassedOver {
    pub const fn count(&mut self, reason: Reason, places: u64) {
        let counted = match reason {
            Reason::NotAskedFor => &mut self.not_asked_for,
            Reason::Replay => &mut self.replays,
            Reason::Unreadable => &mut self.unreadable,
            Reason::AgentUnknown => &mut self.agent_unknown,
            Reason::Gone => &mut self.gone,
            Reason::TooLarge => &mut self.too_large,
        };
        *counted += places;
    }

    pub const fn total(&self) -> u64 {
        self.not_asked_for + self.replays + self.unreadable + self.agent_unknown + self.gone + self.too_large
    }

    /// One sentence for each reason that was counted.
    pub fn in_words(&self) -> Vec<String> {
        [
            (self.not_asked_for, "are not what was asked for"),
            (self.replays, "are replays themselves: their originals count"),
            (self.unreadable, "cannot be decoded by this release: they would become dead letters again"),
            (self.agent_unknown, "are events or finishes of runs whose agent is unknown: choose them without --agent"),
            (self.gone, "are not on the log any more"),
            (self.too_large, "are larger than the log takes now: raise log.max_record_bytes and replay them again"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, why)| format!("{count} {why}"))
        .collect()
    }
}

impl Counts {
    /// Adds those of another part.
    pub const fn add(&mut self, other: &Counts) {
        self.appended.add(&other.appended);
        self.passed_over.add(&other.passed_over);
    }
}

impl PassedOver {
    pub const fn add(&mut self, other: &PassedOver) {
        self.not_asked_for += other.not_asked_for;
        self.replays += other.replays;
        self.unreadable += other.unreadable;
        self.agent_unknown += other.agent_unknown;
        self.gone += other.gone;
        self.too_large += other.too_large;
    }
}
