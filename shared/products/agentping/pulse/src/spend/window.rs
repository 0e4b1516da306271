//! Which spend a rule looks at: whose, and since when. Calendars are UTC.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tidegate_agentping::AgentNames;
use tidegate_kernel::{Month, SmolStr, Timestamp};

pub(super) const HOUR_MS: i64 = 3_600_000;
pub(super) const DAY_HOURS: i64 = 24;
/// 1970-01-01 was a Thursday: days from the Monday before it.
const THURSDAY: i64 = 3;

/// Since when spend is summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "SmolStr", into = "SmolStr")]
pub enum SpendWindow {
    Day,
    /// From Monday on.
    Week,
    Month,
    /// The hour of now and so many whole hours before it.
    Hours(u16),
    Total,
}

/// A text that names no window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 'day', 'week', 'month', 'total' or 'hours:N' with N from 1 to {}", SpendWindow::MAX_HOURS)]
pub struct SpendWindowError;

impl SpendWindow {
    /// The longest rolling window: 31 days.
    pub const MAX_HOURS: u16 = 744;

    /// The first hour that counts at `now`, as [`hour_of`] numbers them; `None`: every one.
    pub fn first_hour(self, now: Timestamp) -> Option<i64> {
        let hour = hour_of(now);
        let day = hour.div_euclid(DAY_HOURS);
        match self {
            SpendWindow::Day => Some(day * DAY_HOURS),
            SpendWindow::Week => Some((day - (day + THURSDAY).rem_euclid(7)) * DAY_HOURS),
            SpendWindow::Month => Some(hour_of(Month::of(now).start())),
            SpendWindow::Hours(hours) => Some(hour - i64::from(hours)),
            SpendWindow::Total => None,
        }
    }

    /// When all that counts at `now` ceases to count at once; `None`: never, or bit by bit.
    pub fn resets_at(self, now: Timestamp) -> Option<Timestamp> {
        let first_ms = self.first_hour(now)? * HOUR_MS;
        match self {
            SpendWindow::Day => Some(Timestamp::from_millis(first_ms + DAY_HOURS * HOUR_MS)),
            SpendWindow::Week => Some(Timestamp::from_millis(first_ms + 7 * DAY_HOURS * HOUR_MS)),
            SpendWindow::Month => Some(Month::of(now).next().start()),
            SpendWindow::Hours(_) | SpendWindow::Total => None,
        }
    }
}

/// Number of an instant's hour, from 1970 on.
pub const fn hour_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(HOUR_MS)
}

impl fmt::Display for SpendWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpendWindow::Day => f.write_str("day"),
            SpendWindow::Week => f.write_str("week"),
            SpendWindow::Month => f.write_str("month"),
            SpendWindow::Hours(hours) => write!(f, "hours:{hours}"),
            SpendWindow::Total => f.write_str("total"),
        }
    }
}

impl FromStr for SpendWindow {
    type Err = SpendWindowError;

    fn from_str(text: &str) -> Result<Self, SpendWindowError> {
        match text {
            "day" => return Ok(SpendWindow::Day),
            "week" => return Ok(SpendWindow::Week),
            "month" => return Ok(SpendWindow::Month),
            "total" => return Ok(SpendWindow::Total),
            _ => {}
        }
        let digits = text.strip_prefix("hours:").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let hours = digits.filter(|digits| !digits.starts_with('0')).and_then(|digits| digits.parse().ok());
        hours.filter(|hours| *hours <= Self::MAX_HOURS).map(SpendWindow::Hours).ok_or(SpendWindowError)
    }
}

impl TryFrom<SmolStr> for SpendWindow {
    type Error = SpendWindowError;

    fn try_from(text: SmolStr) -> Result<Self, SpendWindowError> {
        text.parse()
    }
}

impl From<SpendWindow> for SmolStr {
    fn from(window: SpendWindow) -> Self {
        SmolStr::from(window.to_string())
    }
}

/// Whose spend a rule sums. The names come from what is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpendOf {
    Team,
    Agent,
    Customer,
    AgentAndCustomer,
}

impl SpendOf {
    pub const ALL: [SpendOf; 4] = [SpendOf::Team, SpendOf::Agent, SpendOf::Customer, SpendOf::AgentAndCustomer];

    pub const fn as_str(self) -> &'static str {
        match self {
            SpendOf::Team => "team",
            SpendOf::Agent => "agent",
            SpendOf::Customer => "customer",
            SpendOf::AgentAndCustomer => "agent_and_customer",
        }
    }

    /// The sum that is meant for this agent and customer; `None`: a name that it needs is not there.
    pub fn scope(self, agent: Option<&str>, customer: Option<&str>) -> Option<SpendScope> {
        Some(match self {
            SpendOf::Team => SpendScope::Team,
            SpendOf::Agent => SpendScope::Agent(agent?.into()),
            SpendOf::Customer => SpendScope::Customer(customer?.into()),
            SpendOf::AgentAndCustomer => SpendScope::AgentAndCustomer(agent?.into(), customer?.into()),
        })
    }
}

/// One sum of a team's spend.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SpendScope {
    Team,
    Agent(SmolStr),
    Customer(SmolStr),
    AgentAndCustomer(SmolStr, SmolStr),
}

impl SpendScope {
    /// The same where the agent is given by its name: sums have [keys](tidegate_agentping::names).
    #[must_use]
    pub fn of_key(self, names: &AgentNames) -> Self {
        let key = |name: SmolStr| SmolStr::new(names.key_of_text(&name));
        match self {
            SpendScope::Agent(name) => SpendScope::Agent(key(name)),
            SpendScope::AgentAndCustomer(name, customer) => SpendScope::AgentAndCustomer(key(name), customer),
            scope @ (SpendScope::Team | SpendScope::Customer(_)) => scope,
        }
    }
}
