//! What the clients and workers of an organization were answered.

use std::collections::{BTreeMap, BTreeSet};

/// How a worker said that a run ended, and was answered `200`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// The grant of the run that was ended.
    pub token: u64,
    pub iterations: u64,
}

/// The answers, by what they are about.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Of each idempotency key that was answered `201`: the runs that it was answered with.
    pub accepted: BTreeMap<String, BTreeSet<String>>,
    /// Keys that were refused: nothing was carried out.
    pub refused: BTreeSet<String>,
    /// Keys whose last answer does not say whether it was carried out, and that were not sent again.
    pub unknown: BTreeSet<String>,
    /// Of each run: the ends that were answered `200`.
    pub ended: BTreeMap<String, BTreeSet<End>>,
    /// Runs whose cancel was answered `200`.
    pub cancelled: BTreeSet<String>,
    /// Credits that operators gave, in cents.
    pub granted_cents: u64,
}

impl Ledger {
    pub fn accept(&mut self, key: &str, run: &str) {
        self.refused.remove(key);
        self.unknown.remove(key);
        self.accepted.entry(key.to_owned()).or_default().insert(run.to_owned());
    }

    pub fn refuse(&mut self, key: &str) {
        self.refused.insert(key.to_owned());
    }

    pub fn leave_unknown(&mut self, key: &str) {
        self.unknown.insert(key.to_owned());
    }

    pub fn end(&mut self, run: &str, end: End) {
        self.ended.entry(run.to_owned()).or_default().insert(end);
    }

    pub fn cancel(&mut self, run: &str) {
        self.cancelled.insert(run.to_owned());
    }
}
