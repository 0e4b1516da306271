//! Setting a record aside: when a record may be void, and what deciders do meanwhile.
//!
//! If one decider decides a record and another one skips it, the store is no function of the log. So a void is first
//! asked for; then the releases are read that have registered; only if none of them could decide the record is the void
//! in force. Every decider registers before it reads the voids. Either the void sees the release, or the release sees the
//! void (docs/protocol-models.md).

use super::{Demands, Registration, Release};
use crate::Timestamp;

/// Whether a record is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VoidState {
    /// An operator asked for it; whether it will be is open.
    Asked,
    /// It is, for good.
    InForce,
    /// It is not: a release could decide it. It may be asked for again.
    Withdrawn,
}

/// What becomes of a record that a consumer reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtRecord {
    /// It is applied, or halts its partition.
    Apply,
    /// Its partition waits, until the void is settled.
    Wait,
    /// It is not applied.
    Skip,
}

impl VoidState {
    /// What becomes of a record; `None`: no operator asked for it to be void.
    pub const fn at(state: Option<VoidState>) -> AtRecord {
        match state {
            None | Some(VoidState::Withdrawn) => AtRecord::Apply,
            Some(VoidState::Asked) => AtRecord::Wait,
            Some(VoidState::InForce) => AtRecord::Skip,
        }
    }

    /// What a void that is asked for becomes; `could_decide`: the releases that [could decide](could_decide) its record.
    pub const fn settled(could_decide: &[Release]) -> VoidState {
        if could_decide.is_empty() { VoidState::InForce } else { VoidState::Withdrawn }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            VoidState::Asked => "asked",
            VoidState::InForce => "in_force",
            VoidState::Withdrawn => "withdrawn",
        }
    }

    /// The inverse of [`as_str`](Self::as_str).
    pub fn parse(text: &str) -> Option<Self> {
        [VoidState::Asked, VoidState::InForce, VoidState::Withdrawn].into_iter().find(|state| state.as_str() == text)
    }
}

/// The releases that could decide a record, or have decided it: all that have registered, but for those whose format or
/// rules are older than what the record demands, those that reported that they are halted at it (`unable`), and those
/// that were gone when it was appended.
pub fn could_decide(
    demands: Demands,
    appended_at: Timestamp,
    registered: &[Registration],
    unable: &[Release],
) -> Vec<Release> {
    let could = |registration: &&Registration| {
        let Registration { release, seen_at } = registration;
        demands.are_met_by(release)
            && !unable.contains(release)
            && appended_at.millis_since(*seen_at) < Registration::GONE_AFTER_MS
    };
    registered.iter().filter(could).map(|registration| registration.release.clone()).collect()
}
