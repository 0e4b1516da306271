//! Plans and the limits they set, per team (AgentPing: quotas).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A tier. Enterprise limits are agreed per team: absent numbers mean no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    Starter,
    Team,
    Business,
    Enterprise(Limits),
}

/// The limits of a team. `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Requests per second, refilled continuously. Never 0.
    pub sustained_per_s: Option<u32>,
    /// Requests that may come at once: the bucket's capacity. Never 0.
    pub burst: Option<u32>,
    pub events_per_month: Option<u64>,
    pub agents: Option<u32>,
}

/// A text that names no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown plan '{0}': the plans are starter, team, business, enterprise")]
pub struct UnknownPlan(pub String);

impl Plan {
    pub const fn limits(&self) -> Limits {
        let (sustained, burst, events, agents) = match self {
            Plan::Starter => (100, 200, 100_000, 10),
            Plan::Team => (500, 1_000, 1_000_000, 50),
            Plan::Business => (2_000, 5_000, 10_000_000, 100),
            Plan::Enterprise(limits) => return *limits,
        };
        Limits {
            sustained_per_s: Some(sustained),
            burst: Some(burst),
            events_per_month: Some(events),
            agents: Some(agents),
        }
    }

    /// Whether metadata is kept. It is a paid feature: on Starter it is dropped without an error (AgentPing: metadata).
    pub const fn keeps_metadata(&self) -> bool {
        !matches!(self, Plan::Starter)
    }

    pub const fn name(&self) -> &'static str {
        match self {
            Plan::Starter => "starter",
            Plan::Team => "team",
            Plan::Business => "business",
            Plan::Enterprise(_) => "enterprise",
        }
    }
}

impl Limits {
    /// The count from which on every ingest is refused: 150 % of the allowance, rounded down.
    pub const fn hard_cap(&self) -> Option<u64> {
        match self.events_per_month {
            Some(allowance) => Some(allowance.saturating_add(allowance / 2)),
            None => None,
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Plan {
    type Err = UnknownPlan;

    /// The plan's limits. Only `enterprise` has none.
    fn from_str(text: &str) -> Result<Self, UnknownPlan> {
        match text {
            "starter" => Ok(Plan::Starter),
            "team" => Ok(Plan::Team),
            "business" => Ok(Plan::Business),
            "enterprise" => Ok(Plan::Enterprise(Limits::default())),
            _ => Err(UnknownPlan(text.to_owned())),
        }
    }
}
