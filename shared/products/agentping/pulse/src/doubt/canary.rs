//! Doubt that the canary brings: a heartbeat of a built-in team, sent every 15 seconds by the public address, has not arrived.
//!
//! Each heartbeat says since when its sender has been trying without success, as its start. So a time in which no sender ran
//! is no doubt, and one in which senders ran and nothing arrived is.

use serde::{Deserialize, Serialize};
use tidegate_agentping::TeamId;
use tidegate_kernel::{Region, Timestamp};

use super::{Doubt, DoubtReason};

/// The team of a region's canary. It is the same in every deployment, so that a judge knows its records by themselves.
pub fn canary_team(region: Region) -> TeamId {
    TeamId::mint(region, Timestamp::from_millis(1_735_689_600_000), b"canarybird")
}

/// What is known of the canary, kept with the judge's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryWatch {
    /// When the last heartbeat was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    doubts: Vec<Doubt>,
}

impl CanaryWatch {
    /// Between two heartbeats.
    pub const EVERY_MS: u64 = 15_000;
    /// With so long between two, one is missing. One that is lost, or a slow one, is not enough.
    pub const MISSING_AFTER_MS: u64 = 3 * Self::EVERY_MS;

    /// A heartbeat was received, whose sender has been trying since `trying_since`.
    pub fn arrived(&mut self, received_at: Timestamp, trying_since: Timestamp) {
        if let Some(last) = self.last
            && last < received_at
        {
            let from = last.max(trying_since);
            if received_at.millis_since(from) > Self::MISSING_AFTER_MS {
                self.doubts.push(Doubt { from, until: received_at, reason: DoubtReason::Canary });
            }
        }
        self.last = self.last.max(Some(received_at));
    }

    /// Up to where it is known whether the canary is missing, by what was received until `to`. A sender runs since `since`;
    /// `is_silent`: nothing of it has come for so long that nothing is waited for, once one is missing.
    pub fn known_to(&self, since: Timestamp, is_silent: bool, to: Timestamp) -> Timestamp {
        match self.missing_from(since, to) {
            Some(_) if is_silent => to,
            _ => to.min(self.waiting_from(since)),
        }
    }

    /// The last heartbeat, or the start of a sender that runs since `since` and has sent none.
    fn waiting_from(&self, since: Timestamp) -> Timestamp {
        self.last.map_or(since, |last| last.max(since))
    }

    /// From where on one is missing at `to`, if a sender runs since `since`.
    fn missing_from(&self, since: Timestamp, to: Timestamp) -> Option<Timestamp> {
        let from = self.waiting_from(since);
        (to.millis_since(from) > Self::MISSING_AFTER_MS).then_some(from)
    }

    /// What is missing until `to` of a sender that runs since `since` and is silent is doubt, whenever it comes again,
    /// and whoever judges then.
    pub fn missing(&mut self, since: Timestamp, to: Timestamp) {
        let Some(from) = self.missing_from(since, to) else { return };
        match self.doubts.last_mut().filter(|doubt| doubt.from == from) {
            Some(doubt) => doubt.until = doubt.until.max(to),
            None => self.doubts.push(Doubt { from, until: to, reason: DoubtReason::Canary }),
        }
    }

    /// All doubt until `to`: what has passed, and what goes on if a sender runs since `since` and is silent.
    pub fn doubts(&self, silent_since: Option<Timestamp>, to: Timestamp) -> Vec<Doubt> {
        let mut doubts = self.doubts.clone();
        let from = silent_since.and_then(|since| self.missing_from(since, to));
        doubts.extend(from.map(|from| Doubt { from, until: to, reason: DoubtReason::Canary }));
        doubts
    }

    /// Forgets what ended before `oldest`.
    pub fn forget(&mut self, oldest: Timestamp) {
        self.doubts.retain(|doubt| doubt.until >= oldest);
    }
}
