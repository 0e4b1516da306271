//! A digest in words. All texts are plain: the mail's form escapes them.

use serde_json::Value;

use crate::body::MessageBody;

/// The lists, the word that their lines begin with, and what one entry and several are called.
const LISTS: [(&str, &str, [&str; 2]); 6] = [
    ("down", "Down", ["incident", "incidents"]),
    ("missed", "Missed", ["agent with missed runs", "agents with missed runs"]),
    ("late", "Late", ["agent with late runs", "agents with late runs"]),
    ("unknown", "Unknown", ["agent not judged", "agents not judged"]),
    ("failed_checks", "Check failed", ["failed check", "failed checks"]),
    ("failed_deliveries", "Not delivered", ["message not delivered", "messages not delivered"]),
];

/// One line: how much there is of what.
pub fn title(body: &MessageBody) -> String {
    let count =
        |name: &str| body.data.get(name).and_then(Value::as_array).map_or(0, Vec::len) as u64 + more(body, name);
    let counted = LISTS.iter().filter_map(|(name, _, [one, several])| match count(name) {
        0 => None,
        1 => Some(format!("1 {one}")),
        many => Some(format!("{many} {several}")),
    });
    let counted: Vec<String> = counted.collect();
    let said = if counted.is_empty() { "no trouble".to_owned() } else { counted.join(", ") };
    let period = if text(body.data.get("period")) == "weekly" { "Weekly" } else { "Daily" };
    match &body.team {
        Some(team) => format!("{period} digest of {team}: {said}"),
        None => format!("{period} digest: {said}"),
    }
}

/// What it lists, one a line.
pub fn lines(body: &MessageBody) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, word, _) in LISTS {
        let entries = body.data.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        lines.extend(entries.iter().map(|entry| format!("{word}: {}", worded(name, entry))));
        match more(body, name) {
            0 => {}
            left => lines.push(format!("{word}: {left} more")),
        }
    }
    let agents = body.data.get("spend").and_then(|spend| spend.get("agents")).and_then(Value::as_array);
    let spent = |entry: &Value| format!("Spent: {} USD by {}", shown(entry.get("spent_usd")), text(entry.get("agent")));
    lines.extend(agents.into_iter().flatten().map(spent));
    match more(body, "spend") {
        0 => {}
        left => lines.push(format!("Spent: by {left} more")),
    }
    lines
}

fn worded(list: &str, entry: &Value) -> String {
    let agent = text(entry.get("agent"));
    match list {
        "down" | "failed_checks" => {
            let until = match entry.get("resolved_at") {
                Some(at) => format!("until {}", minute(Some(at))),
                None => "still open".to_owned(),
            };
            let (alert, since, count) =
                (text(entry.get("alert")), minute(entry.get("opened_at")), shown(entry.get("count")));
            format!("{agent}: {alert} since {since}, {until}; {count} in a row")
        }
        "failed_deliveries" => {
            let (route, alert, at) =
                (text(entry.get("route")), text(entry.get("alert")), minute(entry.get("created_at")));
            let of = if agent.is_empty() { String::new() } else { format!(" of {agent}") };
            format!("{alert}{of} to the route {route}, made at {at}")
        }
        _ => {
            let slots = match entry.get("slots").and_then(Value::as_u64) {
                Some(1) => format!("the run expected at {}", minute(entry.get("first"))),
                slots => {
                    let (first, last) = (minute(entry.get("first")), minute(entry.get("last")));
                    format!("{} runs expected from {first} to {last}", slots.unwrap_or(0))
                }
            };
            match entry.get("reason") {
                Some(reason) => format!("{agent}: {slots} ({})", text(Some(reason))),
                None => format!("{agent}: {slots}"),
            }
        }
    }
}

fn more(body: &MessageBody, list: &str) -> u64 {
    body.data.get("more").and_then(|more| more.get(list)).and_then(Value::as_u64).unwrap_or(0)
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

/// A number as it is written.
fn shown(value: Option<&Value>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

/// An instant up to its minute.
fn minute(value: Option<&Value>) -> String {
    let text = text(value);
    format!("{} UTC", text.get(..16).unwrap_or(text).replace('T', " "))
}
