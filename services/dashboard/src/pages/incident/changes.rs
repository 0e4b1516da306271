//! What changed in an incident, in the order of time.

use maud::{Markup, html};
use serde_json::Value;
use tidegate_kernel::Timestamp;

use crate::parts::time;
use crate::parts::value::Members;

/// Edges of messages that are changes of their own: the others follow from its opening, its slots and its end.
const KNOWN_BY_MESSAGES: [(&str, &str); 3] = [
    ("flapping", "it changes too often: no more messages until it is stable"),
    ("reminder", "it was still open, and a reminder was made"),
    ("unmuted", "a mute ended, and it was still open"),
];

/// Changes that are shown; the first and the last ones.
const SHOWN: usize = 60;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    at: Timestamp,
    what: String,
}

/// The list. `slots`: those in the incident.
pub(super) fn changes(incident: &Value, slots: &[Value]) -> Markup {
    let all = in_order(incident, slots);
    let (first, rest) = all.split_at(all.len().min(SHOWN / 2));
    let (left_out, last) = rest.split_at(rest.len().saturating_sub(SHOWN / 2));
    html! {
        ol.rows.changes {
            @for change in first { (line(change)) }
            @if !left_out.is_empty() { li.note { (left_out.len()) " more" } }
            @for change in last { (line(change)) }
        }
    }
}

fn line(change: &Change) -> Markup {
    html! { li { (time::stamped(change.at)) ": " (change.what) } }
}

fn in_order(incident: &Value, slots: &[Value]) -> Vec<Change> {
    let opened = incident.instant("opened_at").map(|at| Change { at, what: "opened".to_owned() });
    let further = slots.iter().filter(|slot| slot.instant("at") != incident.instant("slot")).filter_map(|slot| {
        let (at, slot) = (slot.instant("deadline")?, slot.instant("at")?);
        Some(Change { at, what: format!("one more slot was missed: that of {}", time::minute(slot)) })
    });
    let resolved = incident.instant("resolved_at").map(|at| Change { at, what: "resolved".to_owned() });
    let mut all: Vec<Change> = further.chain(incident.rows("deliveries").iter().filter_map(of_message)).collect();
    // Several routes have a message about the same.
    all.sort();
    all.dedup();
    // Whatever else has the same instant comes between the two.
    let mut ordered: Vec<Change> = opened.into_iter().chain(all).chain(resolved).collect();
    ordered.sort_by_key(|change| change.at);
    ordered
}

/// The change that a message is about, at the time at which it became true.
fn of_message(message: &Value) -> Option<Change> {
    let (_, what) = KNOWN_BY_MESSAGES.iter().find(|(edge, _)| *edge == message.text("edge"))?;
    let body: Value = serde_json::from_str(message.text("body")).unwrap_or_default();
    let at = body.instant("timestamp").or_else(|| message.instant("created_at"))?;
    Some(Change { at, what: (*what).to_owned() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_in_the_order_of_time_and_there_once() {
        let at = |minute: u32| format!("2026-05-15T12:{minute:02}:00.000Z");
        let message = |edge: &str, minute: u32| json!({"edge": edge, "created_at": at(59), "body": json!({"timestamp": at(minute)}).to_string()});
        let incident = json!({
            "slot": at(0), "opened_at": at(5), "resolved_at": at(40),
            "deliveries": [message("resolved", 40), message("reminder", 30), message("reminder", 30), message("firing", 5)],
        });
        let slots = [json!({"at": at(10), "deadline": at(15)}), json!({"at": at(0), "deadline": at(5)})];
        let found: Vec<String> = in_order(&incident, &slots)
            .iter()
            .map(|change| format!("{} {}", time::clock(change.at), change.what))
            .collect();
        let expected = [
            "12:05:00.000 opened",
            "12:15:00.000 one more slot was missed: that of 2026-05-15 12:10 UTC",
            "12:30:00.000 it was still open, and a reminder was made",
            "12:40:00.000 resolved",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn of_many_changes_the_first_and_the_last_ones_are_shown() {
        let slot = |number: i64| {
            let at = Timestamp::from_millis(1_778_846_400_000 + number * 60_000).to_string();
            json!({"at": at, "deadline": at})
        };
        let slots: Vec<Value> = (0..100).map(slot).collect();
        let shown = changes(&json!({"opened_at": "2026-05-15T11:00:00.000Z"}), &slots).into_string();
        assert_eq!(shown.matches("<li").count(), SHOWN + 1);
        assert!(shown.contains("<li class=\"note\">41 more</li>"), "{shown}");
    }
}
