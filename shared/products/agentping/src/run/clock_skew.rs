//! Clock skew of clients. Client times are stored unchanged, but an implausible start time does not decide where a run
//! is listed.
use tidegate_kernel::Timestamp;

use super::{Opening, Run};

/// Milliseconds that a start may be after its receipt: 24 h. Beyond that the client's clock is wrong.
pub const AHEAD_MAX_MS: i64 = 24 * 3_600_000;
/// Milliseconds that a start may be before its receipt: 400 days, which allows backfills of a year. Beyond that the
/// client's clock or its unit is wrong.
pub const BEHIND_MAX_MS: i64 = 400 * 24 * 3_600_000;

/// How a client's clock is out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClockSkew {
    /// More than [`AHEAD_MAX_MS`] after the receipt.
    Ahead,
    /// More than [`BEHIND_MAX_MS`] before the receipt.
    Behind,
}

impl ClockSkew {
    /// The skew of a client's instant that was received at `received_at`; `None` if it is within the bounds.
    pub fn of(instant: Timestamp, received_at: Timestamp) -> Option<Self> {
        let ahead_ms = instant.as_millis().saturating_sub(received_at.as_millis());
        if ahead_ms > AHEAD_MAX_MS {
            Some(ClockSkew::Ahead)
        } else if ahead_ms < -BEHIND_MAX_MS {
            Some(ClockSkew::Behind)
        } else {
            None
        }
    }
}

/// The instant that listings, their days and monthly sums use: the start, or its receipt if the start's clock is out of
/// bounds. Stored listings depend on it: a change needs a rebuilt store.
pub fn listed_at(started_at: Timestamp, received_at: Timestamp) -> Timestamp {
    if ClockSkew::of(started_at, received_at).is_none() { started_at } else { received_at }
}

impl Opening {
    /// [`listed_at`] of the run with this opening.
    pub fn listed_at(&self) -> Timestamp {
        listed_at(self.start.started_at, self.received_at)
    }
}

impl Run {
    /// The skew of the clock that dated the start, else of the one that dated the end.
    pub fn clock_skew(&self) -> Option<ClockSkew> {
        let started = self.opening().and_then(|opening| ClockSkew::of(opening.start.started_at, opening.received_at));
        let finish = self.finish.as_ref();
        started.or_else(|| finish.and_then(|finish| ClockSkew::of(finish.finished_at, finish.received_at)))
    }

    /// Whether the run ended, as seen at `now`, before it started. Only clocks that disagree cause that.
    pub fn ends_before_start(&self, now: Timestamp) -> bool {
        let started_at = self.opening().map(|opening| opening.start.started_at);
        started_at.zip(self.finished_at(now)).is_some_and(|(started, finished)| finished < started)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_listed_by_its_receipt_only_where_no_clock_could_say_it() {
        const RECEIVED: i64 = 1_778_846_400_000;
        let cases = [
            (RECEIVED, None),
            (RECEIVED + AHEAD_MAX_MS, None),
            (RECEIVED + AHEAD_MAX_MS + 1, Some(ClockSkew::Ahead)),
            (RECEIVED - BEHIND_MAX_MS, None),
            (RECEIVED - BEHIND_MAX_MS - 1, Some(ClockSkew::Behind)),
            // The years 9999 and 1, and instants outside the text format.
            (253_402_300_799_999, Some(ClockSkew::Ahead)),
            (-62_135_596_800_000, Some(ClockSkew::Behind)),
            (i64::MAX, Some(ClockSkew::Ahead)),
            (i64::MIN, Some(ClockSkew::Behind)),
        ];
        let received_at = Timestamp::from_millis(RECEIVED);
        for (started, skew) in cases {
            let started_at = Timestamp::from_millis(started);
            assert_eq!(ClockSkew::of(started_at, received_at), skew, "{started}");
            let expected = if skew.is_some() { received_at } else { started_at };
            assert_eq!(listed_at(started_at, received_at), expected, "{started}");
        }
        assert_eq!(
            ClockSkew::of(Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX)),
            Some(ClockSkew::Behind)
        );
    }
}
