//! What people are alerted to about spend.

use std::collections::BTreeSet;

use tidegate_agentping::{RunId, Slug, TeamId};
use tidegate_agentping_pulse::spend::SpendAnomaly;
use tidegate_kernel::{Month, SmolStr, Timestamp, Usd};

/// Something about spend. The same alert may be found again: its [key](SpendAlert::key) is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpendAlert {
    /// An agent's day is out of the ordinary: once for each UTC day.
    Anomaly {
        team: TeamId,
        agent: Slug,
        /// The first instant of the day.
        day: Timestamp,
        anomaly: SpendAnomaly,
        top: TopSpenders,
        /// When it was found.
        at: Timestamp,
    },
    /// A model was called that no rate is there for: once for each model and month.
    UnpricedModel { team: TeamId, month: Month, provider: SmolStr, model: SmolStr, at: Timestamp },
    /// A part of the month's events is used up: 80, 100 and 150 %, once each.
    Quota { team: TeamId, month: Month, percent: u32, events: u64, allowance: u64, at: Timestamp },
}

/// What a day's spend consists of, greatest cost first, three each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopSpenders {
    /// Of the day's newest 200 runs.
    pub runs: Vec<(RunId, Usd)>,
    /// `None`: the runs without a customer.
    pub customers: Vec<(Option<SmolStr>, Usd)>,
    /// Provider and model of the calls in these runs.
    pub models: Vec<((SmolStr, SmolStr), Usd)>,
}

/// The parts of a month's events that are reported.
pub const QUOTA_MARKS: [u32; 3] = [80, 100, 150];

impl SpendAlert {
    pub const fn team(&self) -> TeamId {
        match self {
            SpendAlert::Anomaly { team, .. }
            | SpendAlert::UnpricedModel { team, .. }
            | SpendAlert::Quota { team, .. } => *team,
        }
    }

    /// Names the alert within its team.
    pub fn key(&self) -> String {
        match self {
            SpendAlert::Anomaly { agent, day, .. } => format!("{}\n{agent}", day.as_millis()),
            SpendAlert::UnpricedModel { month, provider, model, .. } => format!("{month}\n{provider}\n{model}"),
            SpendAlert::Quota { month, percent, .. } => quota_key(*month, *percent),
        }
    }
}

/// Names the alert about a part of a month's events within its team.
pub(super) fn quota_key(month: Month, percent: u32) -> String {
    format!("{month}\n{percent}")
}

/// The marks that so many events of an allowance have reached.
pub fn marks_reached(events: u64, allowance: u64) -> BTreeSet<u32> {
    let has_reached = |percent: &u32| u128::from(events) * 100 >= u128::from(allowance) * u128::from(*percent);
    QUOTA_MARKS.into_iter().filter(|percent| allowance > 0 && has_reached(percent)).collect()
}
