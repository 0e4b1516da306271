//! The limits port: rates by fixed windows, and marks of keys that are in flight.

use async_trait::async_trait;
use tidegate_kernel::SmolStr;
use tidegate_kernel::command::Attempt;

use crate::FailureCause;

/// Counts requests. All of it is a brake and a hint; no decision about money or state depends on it.
#[async_trait]
pub trait RequestLimits: Send + Sync + 'static {
    /// Takes one from each window, and the mark; or, if one of them has nothing left or the mark is held, takes nothing
    /// at all. One atomic step. A window begins with its first request and ends [`Take::window_ms`] later.
    ///
    /// # Errors
    /// [`LimitsDown`]; nothing is known of what was taken.
    async fn enter(&self, enter: &Enter) -> Result<LimitsEntered, LimitsDown>;

    /// Gives the mark back. Only its holder removes it; for others, and where it has lapsed, nothing happens.
    ///
    /// # Errors
    /// [`LimitsDown`]; the mark then lapses.
    async fn leave(&self, owner: &str, mark: &Mark) -> Result<(), LimitsDown>;
}

/// What a request takes, all of one owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enter {
    pub owner: SmolStr,
    pub takes: Vec<Take>,
    pub mark: Option<Mark>,
}

/// One from a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Take {
    /// Which of the owner's windows.
    pub name: SmolStr,
    /// How many requests a window admits.
    pub limit: u32,
    pub window_ms: u32,
}

/// Says that a request with this idempotency key is in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub key: SmolStr,
    pub holder: Attempt,
    /// The mark lapses by itself after this.
    pub lives_ms: u32,
}

/// What a request found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitsEntered {
    /// Each window, in the order asked, after the take if all was taken.
    pub windows: Vec<Window>,
    pub verdict: LimitsVerdict,
}

/// Whether a request is within its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitsVerdict {
    Admitted,
    /// The window at this index has nothing left: the first such one. Nothing was taken.
    Exhausted(usize),
    /// Another attempt holds the mark. Nothing was taken.
    InFlight(Attempt),
}

/// The state of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub remaining: u32,
    /// Milliseconds until the window ends, by the clock of whoever counts; at least 1, at most the window.
    pub resets_in_ms: u32,
}

/// Limits cannot be counted now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the limits cannot be counted: {0}")]
pub struct LimitsDown(#[source] pub FailureCause);
