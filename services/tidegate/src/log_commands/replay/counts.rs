//! What a replay did so far, by kind of record and by reason.

use std::fmt::Display;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_replay::{CountFates, Reason};

/// Records counted by their kinds, which are a product's. The text leaves out kinds without a record.
pub trait CountKinds: Clone + Default + Send + Display + Serialize + DeserializeOwned {
    type Record;

    fn count(&mut self, record: &Self::Record);

    fn add(&mut self, other: &Self);

    fn total(&self) -> u64;

    /// An object: `total`, and each kind.
    fn as_json(&self) -> Value;
}

/// Every record looked at is counted exactly once: done = appended + skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts<K> {
    /// In a dry run: would be appended.
    pub appended: K,
    pub passed_over: PassedOver,
}

/// Records that were not appended again, by [`Reason`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    pub not_asked_for: u64,
    pub replays: u64,
    pub unreadable: u64,
    pub agent_unknown: u64,
    pub gone: u64,
    pub too_large: u64,
    #[serde(default)]
    pub void: u64,
}

impl PassedOver {
    const fn count(&mut self, reason: Reason, records: u64) {
        let counted = match reason {
            Reason::NotAskedFor => &mut self.not_asked_for,
            Reason::Replay => &mut self.replays,
            Reason::Unreadable => &mut self.unreadable,
            Reason::Unknown => &mut self.agent_unknown,
            Reason::Gone => &mut self.gone,
            Reason::TooLarge => &mut self.too_large,
            Reason::SetAside => &mut self.void,
        };
        *counted += records;
    }

    pub const fn total(&self) -> u64 {
        let of_records = self.not_asked_for + self.replays + self.unreadable + self.agent_unknown;
        of_records + self.gone + self.too_large + self.void
    }

    const fn add(&mut self, other: &PassedOver) {
        self.not_asked_for += other.not_asked_for;
        self.replays += other.replays;
        self.unreadable += other.unreadable;
        self.agent_unknown += other.agent_unknown;
        self.gone += other.gone;
        self.too_large += other.too_large;
        self.void += other.void;
    }

    /// One sentence for each reason that was counted.
    pub fn in_words(&self) -> Vec<String> {
        [
            (self.not_asked_for, "are not what was asked for"),
            (self.replays, "are replays themselves: their originals count"),
            (self.unreadable, "cannot be decoded by this release: appended again they could not be applied either"),
            (self.agent_unknown, "are events or finishes of runs whose agent is unknown: choose them without --agent"),
            (self.gone, "are not on the log any more"),
            (self.too_large, "are larger than the log takes now: raise log.max_record_bytes and replay them again"),
            (self.void, "are void: `tidegate void` has set them aside for good"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, why)| format!("{count} {why}"))
        .collect()
    }
}

impl<K: CountKinds> CountFates<K::Record> for Counts<K> {
    fn appended(&mut self, record: &K::Record) {
        self.appended.count(record);
    }

    fn passed_over(&mut self, reason: Reason, records: u64) {
        self.passed_over.count(reason, records);
    }

    fn add(&mut self, other: &Counts<K>) {
        self.appended.add(&other.appended);
        self.passed_over.add(&other.passed_over);
    }
}
