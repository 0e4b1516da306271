//! Whether a start is allowed: what a check asks, and the verdict by rules, sums and pauses. Pure.

mod asked;
mod event;
mod verdict;

pub use asked::GuardCheck;
pub use event::{GuardEvent, GuardEventCause, GuardEventKind, guard_event_id};
pub use verdict::{GuardVerdict, RuleShown, ShownWhy, by_pause, by_rules};
