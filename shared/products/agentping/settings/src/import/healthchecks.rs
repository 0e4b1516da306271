//! What Healthchecks lists of a project's checks.

use serde_json::Value;

use super::ImportFault;
use super::draft::{Draft, Drafts, When};

/// Reads `checks`.
///
/// # Errors
/// [`ImportFault::Missing`].
pub fn read(whole: &Value, timezone: &str, drafts: &mut Drafts) -> Result<(), ImportFault> {
    let checks = whole.get("checks").and_then(Value::as_array).ok_or(ImportFault::Missing("checks"))?;
    for (number, check) in (1..).zip(checks) {
        let text = |member: &str| check.get(member).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        let seconds = |member: &str| check.get(member).and_then(Value::as_u64);
        let name = text("slug").or_else(|| text("name")).unwrap_or("check").to_owned();
        let zone = text("tz").unwrap_or(timezone).to_owned();
        let cron = text("schedule").map(|cron| When::Cron { cron: cron.to_owned(), timezone: zone });
        let when = cron.or_else(|| seconds("timeout").map(|seconds| When::Every { seconds }));
        let tags = text("tags").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        let description = text("desc").or_else(|| text("name").filter(|called| *called != name)).map(str::to_owned);
        let whence = format!("check {number}");
        let is_paused = text("status") == Some("paused");
        if is_paused {
            drafts.note(format!("{whence}: '{name}' is paused there; pauses are no part of a file"));
        }
        drafts.add(Draft { name, description, tags, when, grace_s: seconds("grace") }, &whence);
    }
    Ok(())
}
