//! Write timestamps that do not come from the log.

use tidegate_kernel::Timestamp;

/// A write timestamp by which the earliest instant wins. In microseconds it lies in the past, since servers may refuse
/// timestamps of the future.
pub(crate) fn first_wins(at: Timestamp) -> i64 {
    const FIRST: i64 = 1_000_000_000_000_000;
    FIRST.saturating_sub(at.as_millis())
}
