//! An agent's last slots as a row of ticks: drawn compactly, because a page has hundreds of rows, and said as a text.

use maud::{Markup, html};
use serde_json::Value;

use crate::parts::time;
use crate::parts::value::Members;

/// Width of a tick with the gap after it, in units of the picture.
const STEP: usize = 4;
const HEIGHT: usize = 16;
/// Slots that are named one by one in the text.
const NAMED: usize = 6;

/// The slots, oldest first, as `GET /v1/status` answers them. `to`: where more is said of them.
pub(crate) fn ticks(slots: &[Value], to: &str) -> Markup {
    let text = said(slots);
    html! {
        @if slots.is_empty() { span.note { "no slots" } } @else {
            a.ticks href=(to) title=(text) {
                (picture(slots))
                span.tip { (text) }
            }
        }
    }
}

/// Neighbours of one outcome are one dashed line. What went wrong has its own text.
fn picture(slots: &[Value]) -> Markup {
    let width = slots.len() * STEP;
    let (middle, view) = (HEIGHT / 2, format!("0 0 {width} {HEIGHT}"));
    let alike = |one: &Value, other: &Value| one.text("outcome") == other.text("outcome") && !is_bad(one);
    let stretches = slots.chunk_by(alike).scan(0, |place, stretch| {
        let from = *place;
        *place += stretch.len() * STEP;
        Some((from, *place - 1, &stretch[0]))
    });
    html! {
        svg width=(width) height=(HEIGHT) viewBox=(view) aria-hidden="true" focusable="false" {
            @for (from, to, slot) in stretches {
                line class=(slot.text("outcome")) x1=(from) x2=(to) y1=(middle) y2=(middle) {
                    @if is_bad(slot) { title { (one(slot)) } }
                }
            }
        }
    }
}

fn is_bad(slot: &Value) -> bool {
    !matches!(slot.text("outcome"), "ok" | "skipped" | "open")
}

/// A slot: `2026-05-15 02:30 UTC missed`.
fn one(slot: &Value) -> String {
    let at = slot.instant("at").map(time::minute).unwrap_or_default();
    match slot.text("reason") {
        "" => format!("{at} {}", word(slot.text("outcome"))),
        reason => format!("{at} {} ({})", word(slot.text("outcome")), why(reason)),
    }
}

/// How many slots there are of each outcome, and those that went wrong by their time, the latest first.
fn said(slots: &[Value]) -> String {
    let good = slots.iter().filter(|slot| !is_bad(slot)).count();
    let mut parts = vec![format!("{} of the last {} slots without trouble", good, slots.len())];
    let bad: Vec<&Value> = slots.iter().rev().filter(|slot| is_bad(slot)).collect();
    parts.extend(bad.iter().take(NAMED).map(|slot| one(slot)));
    if bad.len() > NAMED {
        parts.push(format!("{} more", bad.len() - NAMED));
    }
    parts.join("; ")
}

/// An outcome as people say it.
pub(crate) fn word(outcome: &str) -> &str {
    if outcome == "ok_late" { "ok, reported late" } else { outcome }
}

/// Why a slot is unknown, as people say it.
pub(crate) fn why(reason: &str) -> &str {
    match reason {
        "front_door" => "no front door took records in",
        "canary" => "the service's own test pings were missing",
        "volume" => "far fewer records than usual came in",
        "dead_letters" => "records could not be applied",
        "log" => "a part of the log stood still or is missing",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn slot(hour: u32, outcome: &str, reason: Option<&str>) -> Value {
        json!({"at": format!("2026-05-15T{hour:02}:30:00.000Z"), "outcome": outcome, "reason": reason})
    }

    #[test]
    fn neighbours_of_one_outcome_are_one_line() {
        let slots: Vec<Value> = (0..24).map(|hour| slot(hour, "ok", None)).collect();
        let drawn = ticks(&slots, "/x").into_string();
        assert_eq!(drawn.matches("<line").count(), 1);
        assert!(drawn.contains(r#"<line class="ok" x1="0" x2="95" y1="8" y2="8">"#), "{drawn}");
        assert!(drawn.contains("24 of the last 24 slots without trouble"));
    }

    #[test]
    fn what_went_wrong_says_when_and_why() {
        let slots =
            [slot(1, "ok", None), slot(2, "missed", None), slot(3, "missed", None), slot(4, "unknown", Some("canary"))];
        let drawn = ticks(&slots, "/x").into_string();
        assert_eq!(drawn.matches("<line").count(), 4, "{drawn}");
        for text in [
            "<title>2026-05-15 02:30 UTC missed</title>",
            "1 of the last 4 slots without trouble; 2026-05-15 04:30 UTC unknown (the service&#39;s own test pings were missing); ",
            r#"<line class="unknown" x1="12" x2="15""#,
        ] {
            let text = text.replace("&#39;", "'");
            assert!(drawn.contains(&text), "{text} in {drawn}");
        }
    }

    #[test]
    fn many_that_went_wrong_are_counted() {
        let slots: Vec<Value> = (0..20).map(|hour| slot(hour, "missed", None)).collect();
        assert!(said(&slots).ends_with("2026-05-15 14:30 UTC missed; 14 more"), "{}", said(&slots));
        assert!(ticks(&[], "/x").into_string().contains("no slots"));
    }
}
