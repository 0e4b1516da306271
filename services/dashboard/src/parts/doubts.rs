//! When it could not be judged whether agents ran: stretches of slots that are unknown, with why.

use std::collections::BTreeMap;

use maud::{Markup, html};
use tidegate_kernel::Timestamp;

use crate::parts::amount::{counted, permille};
use crate::parts::bar;
use crate::parts::health::Health;
use crate::parts::ticks::why;
use crate::parts::time::{self, DAY_MS};
use crate::parts::value::Members;

/// Unknown slots that are no further apart are one stretch.
const GAP_MS: u64 = 30 * 60_000;
/// Stretches that are shown.
const SHOWN: usize = 5;

/// A stretch of unknown slots for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Doubted {
    reason: String,
    from: Timestamp,
    until: Timestamp,
    slots: u64,
}

/// Of the last 24 hours, the latest first; nothing where all was judged.
pub(crate) fn doubts(health: &Health, now: Timestamp) -> Markup {
    let since = now.plus_millis(-i64::try_from(DAY_MS).unwrap_or(i64::MAX));
    let found = stretches(health, since);
    let place = |at: Timestamp| permille(at.millis_since(since), DAY_MS);
    html! {
        @if !found.is_empty() {
            section aria-labelledby="doubts" {
                h2 #doubts { "Not judged in the last 24 hours" }
                p.hint { "In these times runs may not have got through to us. Slots without a run are unknown then, not missed, and nobody is alerted." }
                ul.doubts {
                    @for doubted in found.iter().take(SHOWN) {
                        li {
                            span { (time::minute(doubted.from)) @if doubted.until > doubted.from { " to " (time::minute(doubted.until)) } ": " (why(&doubted.reason)) ", " (counted(doubted.slots, "slot")) }
                            (bar::span(place(doubted.from), place(doubted.until), "warn"))
                        }
                    }
                    @if found.len() > SHOWN { li { (found.len() - SHOWN) " more" } }
                }
            }
        }
    }
}

fn stretches(health: &Health, since: Timestamp) -> Vec<Doubted> {
    let mut of_reasons: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
    for slot in health.doubted_slots() {
        let at = slot.instant("at").filter(|at| slot.text("outcome") == "unknown" && *at >= since);
        if let Some(at) = at {
            of_reasons.entry(slot.text("reason").to_owned()).or_default().push(at);
        }
    }
    let mut found: Vec<Doubted> = Vec::new();
    for (reason, mut instants) in of_reasons {
        instants.sort_unstable();
        let new = |at| Doubted { reason: reason.clone(), from: at, until: at, slots: 1 };
        for at in instants {
            match found.last_mut().filter(|last| last.reason == reason && at.millis_since(last.until) <= GAP_MS) {
                Some(last) => (last.until, last.slots) = (at, last.slots + 1),
                None => found.push(new(at)),
            }
        }
    }
    found.sort_by_key(|doubted| std::cmp::Reverse(doubted.from));
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tidegate_agentping_testkit::NOON;

    use super::*;

    #[test]
    fn unknown_slots_are_stretches_by_reason() {
        let slot = |minutes: i64, outcome: &str, reason: &str| json!({"at": NOON.plus_millis(minutes * 60_000).to_string(), "outcome": outcome, "reason": reason});
        let one = json!({"agent": "a", "recent_slots": [slot(-2_000, "unknown", "log"), slot(-300, "unknown", "canary"), slot(-280, "unknown", "canary"), slot(-10, "ok", "")]});
        let other = json!({"agent": "b", "recent_slots": [slot(-290, "unknown", "canary"), slot(-285, "unknown", "log"), slot(-100, "unknown", "canary")]});
        let health = Health::of([one, other]);
        let at = |minutes: i64| NOON.plus_millis(minutes * 60_000);
        let found = stretches(&health, at(-1_440));
        let expected = [("canary", -100, -100, 1), ("log", -285, -285, 1), ("canary", -300, -280, 3)];
        let expected = expected.map(|(reason, from, until, slots)| Doubted {
            reason: reason.to_owned(),
            from: at(from),
            until: at(until),
            slots,
        });
        assert_eq!(found, expected);
        let drawn = doubts(&health, NOON).into_string();
        assert!(
            drawn.contains(
                "2026-05-15 07:00 UTC to 2026-05-15 07:20 UTC: the service's own test pings were missing, 3 slots"
            ),
            "{drawn}"
        );
        assert_eq!(doubts(&Health::of([]), NOON).into_string(), "");
    }
}
