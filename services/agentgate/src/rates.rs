//! How many requests an organization may send: what a request takes, and the headers that say what is left.

use http::{HeaderMap, HeaderName, HeaderValue};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{Take, Window};

use crate::refusal::{Refusal, Why};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Windows last a minute, from their first request.
const WINDOW_MS: u32 = 60_000;
/// Tests of one webhook in a minute.
const TESTS_PER_MINUTE: u32 = 10;

/// The window of all requests.
pub(crate) fn requests(per_minute: u32) -> Take {
    take("requests".into(), per_minute)
}

/// The window of submissions.
pub(crate) fn submissions(per_minute: u32) -> Take {
    take("submissions".into(), per_minute)
}

/// The window of the tests of one webhook.
pub(crate) fn webhook_tests(webhook: &str) -> Take {
    take(SmolStr::from(format!("test/{webhook}")), TESTS_PER_MINUTE)
}

fn take(name: SmolStr, limit: u32) -> Take {
    Take { name, limit, window_ms: WINDOW_MS }
}

/// A window, as headers say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateHeaders {
    limit: u32,
    remaining: u32,
    /// In whole Unix seconds.
    reset_s: i64,
}

impl RateHeaders {
    /// Of the state of a window at `now`.
    pub fn of(take: &Take, window: Window, now: Timestamp) -> Self {
        let reset_ms = now.plus_millis(i64::from(window.resets_in_ms)).as_millis();
        // Rounded up: the window is over then.
        let reset_s = reset_ms.div_euclid(1_000) + i64::from(reset_ms.rem_euclid(1_000) > 0);
        RateHeaders { limit: take.limit, remaining: window.remaining, reset_s }
    }

    /// The refusal of a request that found the window used up.
    pub fn used_up(self, window: Window) -> Refusal {
        let retry_after_s = u64::from(window.resets_in_ms.div_ceil(1_000)).clamp(1, u64::from(WINDOW_MS / 1_000));
        let reset_at = Timestamp::from_millis(self.reset_s.saturating_mul(1_000));
        let why = Why::RateLimited { limit: self.limit, reset_at, retry_after_s };
        Refusal { why, rate: Some(RateHeaders { remaining: 0, ..self }) }
    }

    /// Puts the headers on an answer.
    pub fn put_on(self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(self.reset_s));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_names_the_reset_names_the_same_second() {
        let take = requests(100);
        let window = Window { remaining: 0, resets_in_ms: 1_001 };
        let now = Timestamp::from_millis(1_705_316_000_500);
        let headers = RateHeaders::of(&take, window, now);
        assert_eq!(headers.reset_s, 1_705_316_002);
        let refusal = headers.used_up(window);
        let Why::RateLimited { limit: 100, reset_at, retry_after_s: 2 } = refusal.why else { panic!("{refusal:?}") };
        assert_eq!(reset_at.as_millis(), 1_705_316_002_000);
    }
}
