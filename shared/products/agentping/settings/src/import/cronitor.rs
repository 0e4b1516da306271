//! What Cronitor lists of monitors: a list under `monitors`, or, in its YAML, mappings by key under `jobs` and `heartbeats`.

use serde_json::Value;

use super::ImportFault;
use super::draft::{Draft, Drafts, When};

const MINUTE_S: u64 = 60;

/// Reads jobs and heartbeats.
///
/// # Errors
/// [`ImportFault::Missing`].
pub fn read(whole: &Value, timezone: &str, drafts: &mut Drafts) -> Result<(), ImportFault> {
    let listed = whole.get("monitors").and_then(Value::as_array);
    let by_key = ["jobs", "heartbeats"].map(|kind| whole.get(kind).and_then(Value::as_object));
    if listed.is_none() && by_key.iter().all(Option::is_none) {
        return Err(ImportFault::Missing("monitors"));
    }
    for (number, monitor) in (1..).zip(listed.into_iter().flatten()) {
        let key = monitor.get("key").and_then(Value::as_str);
        let kind = monitor.get("type").and_then(Value::as_str).unwrap_or("job");
        let whence = format!("monitor {number}");
        if matches!(kind, "job" | "heartbeat" | "cron") {
            add(key, monitor, timezone, &whence, drafts);
        } else {
            let name = key.unwrap_or("?");
            drafts.note(format!("{whence}: '{name}' is a {kind}, and watches no job; it is left out"));
        }
    }
    for (key, monitor) in by_key.into_iter().flatten().flatten() {
        add(Some(key.as_str()), monitor, timezone, key, drafts);
    }
    for kind in ["checks", "sites"].into_iter().filter(|kind| whole.get(*kind).is_some()) {
        drafts.note(format!("{kind}: they watch no jobs, and are left out"));
    }
    Ok(())
}

fn add(key: Option<&str>, monitor: &Value, timezone: &str, whence: &str, drafts: &mut Drafts) {
    let text = |member: &str| monitor.get(member).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let called = text("name");
    let name = key.or(called).unwrap_or("monitor").to_owned();
    let zone = text("timezone").unwrap_or(timezone);
    let more = monitor.get("schedules").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let schedules: Vec<&str> = text("schedule").into_iter().chain(more.iter().filter_map(Value::as_str)).collect();
    if schedules.len() > 1 {
        let dropped = schedules[1..].join("', '");
        drafts.note(format!("{whence}: '{name}' has several schedules; the first one is taken, and not '{dropped}'"));
    }
    let when = schedules.first().map(|schedule| match every(schedule) {
        Some(seconds) => When::Every { seconds },
        None => When::Cron { cron: (*schedule).to_owned(), timezone: zone.to_owned() },
    });
    let tags = monitor.get("tags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let tags = tags.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let description = text("note").or_else(|| called.filter(|called| *called != name)).map(str::to_owned);
    let grace_s = monitor.get("grace_seconds").and_then(Value::as_u64);
    if monitor.get("paused").and_then(Value::as_bool) == Some(true) {
        drafts.note(format!("{whence}: '{name}' is paused there; pauses are no part of a file"));
    }
    drafts.add(Draft { name, description, tags, when, grace_s }, whence);
}

/// The seconds of `every 5 minutes`.
fn every(schedule: &str) -> Option<u64> {
    let mut words = schedule.split_whitespace();
    if words.next()? != "every" {
        return None;
    }
    let (count, unit) = (words.next()?.parse::<u64>().ok()?, words.next()?);
    let seconds = match unit.trim_end_matches('s') {
        "second" | "sec" => 1,
        "minute" | "min" => MINUTE_S,
        "hour" => 60 * MINUTE_S,
        "day" => 24 * 60 * MINUTE_S,
        "week" => 7 * 24 * 60 * MINUTE_S,
        _ => return None,
    };
    count.checked_mul(seconds).filter(|_| words.next().is_none())
}
