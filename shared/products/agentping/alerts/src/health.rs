//! How a route does, from what came of its tries. Pure.

use serde::{Deserialize, Serialize};
use tidegate_agentping_settings::RouteDoc;
use tidegate_kernel::Timestamp;

/// What is kept of a route's tries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteHealth {
    #[serde(rename = "last_success_at_ms", default, skip_serializing_if = "Option::is_none")]
    pub last_success_at: Option<Timestamp>,
    /// The first try that failed since the last one that did not.
    #[serde(rename = "failing_since_ms", default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Messages that failed since then, each once.
    #[serde(default)]
    pub failed: u32,
    /// The last failure, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A route is disabled after so long without a success, if as many messages failed.
pub const DISABLED_AFTER_MS: u64 = 3 * 86_400_000;
/// See [`DISABLED_AFTER_MS`].
pub const DISABLED_AFTER_FAILED: u32 = 10;

impl RouteHealth {
    pub fn succeeded(&mut self, now: Timestamp) {
        *self = RouteHealth { last_success_at: Some(now), ..RouteHealth::default() };
    }

    /// A try failed. `is_first`: the first one of its message that did. Returns whether the route is to be disabled.
    pub fn failed(&mut self, now: Timestamp, is_first: bool, reason: &str) -> bool {
        let since = *self.failing_since.get_or_insert(now);
        self.failed = self.failed.saturating_add(u32::from(is_first));
        self.reason = Some(reason.to_owned());
        self.failed >= DISABLED_AFTER_FAILED && now.millis_since(since) >= DISABLED_AFTER_MS
    }

    /// The word for people, and why.
    pub fn shown<'h>(&'h self, route: &'h RouteDoc) -> (HealthState, Option<&'h str>) {
        match &route.disabled {
            Some(disabled) => (HealthState::Disabled, Some(&disabled.reason)),
            None if route.target.is_unconfirmed() => (HealthState::Unconfirmed, None),
            None if self.failing_since.is_some() => (HealthState::Failing, self.reason.as_deref()),
            None => (HealthState::Ok, None),
        }
    }
}

/// The states of a route's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    Ok,
    Failing,
    /// Nothing is sent any more, until it is enabled again.
    Disabled,
    /// A mail address that has not confirmed.
    Unconfirmed,
}
