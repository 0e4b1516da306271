//! Which releases can decide a record: what a release knows, and what a record demands of it.

use serde::Deserialize;

use super::Rules;
use crate::{SmolStr, Timestamp};

/// What decides commands: a build of the program, and what it knows. Two builds that decide a command differently have
/// different names or different rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    /// The build's version: `0.1.0`.
    pub name: SmolStr,
    /// The newest format of records that it reads.
    pub format: u32,
    /// The newest rules that it knows.
    pub rules: Rules,
}

/// `0.1.0 (rules 1)`.
impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (rules {})", self.name, self.rules)
    }
}

/// A release whose deciders run, or have run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    pub release: Release,
    /// When one of its deciders last registered: by that one's clock, or by the log's time where that is ahead.
    pub seen_at: Timestamp,
}

impl Registration {
    /// A decider decides a record only if its release has registered within so long before the record was appended, or
    /// since; otherwise it registers again first.
    pub const RENEWED_AFTER_MS: u64 = 5 * 60_000;

    /// A release that has not registered in so long before a record was appended, and not since, has never decided that
    /// record: its deciders would have registered again. Longer than [`RENEWED_AFTER_MS`](Self::RENEWED_AFTER_MS), so
    /// that nothing depends on a few minutes.
    pub const GONE_AFTER_MS: u64 = 60 * 60_000;
}

/// What a record demands of the release that decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demands {
    /// It does not begin as every format of a command does: no release reads it.
    Unreadable,
    /// At least this format, and these rules if it names any.
    Of { format: u32, rules: Option<Rules> },
}

/// What every format of a command begins with.
#[derive(Deserialize)]
pub(super) struct Head {
    pub v: u32,
    #[serde(default)]
    pub rules: Option<Rules>,
}

impl Demands {
    pub fn of(payload: &[u8]) -> Self {
        match serde_json::from_slice::<Head>(payload) {
            Ok(Head { v, rules }) => Demands::Of { format: v, rules },
            Err(_) => Demands::Unreadable,
        }
    }

    /// Whether a release reads such records. It may still be unable to decide one.
    pub fn are_met_by(self, release: &Release) -> bool {
        match self {
            Demands::Unreadable => false,
            Demands::Of { format, rules } => {
                format <= release.format && rules.is_none_or(|rules| rules <= release.rules)
            }
        }
    }
}
