//! What an answer of a receiver means, and when a message is tried again. Pure.

use std::time::Duration;

use tidegate_agentping_settings::RouteTarget;

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TryVerdict {
    Sent,
    Again {
        /// What the receiver asked for.
        after: Option<Duration>,
        /// Everything of the route waits as long.
        slows_route: bool,
    },
    /// This message is never accepted.
    Refused,
    /// Neither is any other: the reason, for people.
    Gone(&'static str),
}

/// The longest pause that a receiver may ask for.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// The pauses after the first try and those that follow. With them the tries are at 0, 5 s, 5 min, 35 min, 2.5 h, 7.5 h,
/// 17.5 h and 31.5 h.
const PAUSES_S: [u64; 7] = [5, 295, 1_800, 6_900, 18_000, 36_000, 50_400];

/// Tries of a message.
pub const TRIES: u32 = PAUSES_S.len() as u32 + 1;

/// The pause after `tries` tries that failed, by a fifth shorter or longer as `spread` (0 to 1,000) says; `None`: that was
/// the last one. A longer pause that the receiver asked for holds instead, up to an hour.
pub fn pause(tries: u32, spread: u32, asked: Option<Duration>) -> Option<Duration> {
    let planned = Duration::from_secs(*PAUSES_S.get(usize::try_from(tries.checked_sub(1)?).ok()?)?);
    let spread = planned * (800 + spread.min(1_000) * 400 / 1_000) / 1_000;
    Some(spread.max(asked.unwrap_or_default().min(MAX_RETRY_AFTER)))
}

/// Judges a status of HTTP. `body` is the beginning of the answer.
pub fn of_status(target: &RouteTarget, status: u16, body: &[u8], retry_after: Option<Duration>) -> TryVerdict {
    let again = TryVerdict::Again {
        after: retry_after.map(|asked| asked.min(MAX_RETRY_AFTER)),
        slows_route: matches!(status, 429 | 502 | 504),
    };
    match (target, status) {
        (_, 200..=299) => TryVerdict::Sent,
        (RouteTarget::Webhook(_), 410) => TryVerdict::Gone("the receiver answered 410: it is gone"),
        (RouteTarget::Slack { .. }, 404 | 410) => {
            TryVerdict::Gone("the receiver answered that this URL is not one of its own")
        }
        (RouteTarget::Slack { .. }, 400) if contains(body, b"invalid_token") => {
            TryVerdict::Gone("the receiver answered invalid_token")
        }
        (RouteTarget::Slack { .. } | RouteTarget::Pagerduty { .. }, 400) => TryVerdict::Refused,
        _ => again,
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Judges a reply of an SMTP server by its first digit.
pub const fn of_reply(is_permanent: bool) -> TryVerdict {
    if is_permanent { TryVerdict::Refused } else { TryVerdict::Again { after: None, slows_route: false } }
}
