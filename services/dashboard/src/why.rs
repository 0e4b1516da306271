//! Why a run failed, in a line: what its end says, or else what an event of it that reported an error says.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use tidegate_agentping::{Event, Run, RunKey};
use tidegate_agentping_ports::EventPage;
use tidegate_kernel::FreeJson;

use crate::problem::Problem;
use crate::visit::Visit;
use crate::walk::SeenRun;

/// Characters of it.
const CHARS: usize = 160;
/// Events of a run that are looked at, and bytes of them.
const EVENTS: usize = 200;
const EVENTS_BYTES: usize = 256 << 10;
/// Texts above this size are not parsed for a line.
const PARSED_BYTES: usize = 64 << 10;
/// Runs whose reasons are kept.
const KEPT: usize = 2_000;

/// Reasons that were found, for the events that a run had then: pages that are renewed ask for the same again.
#[derive(Default)]
pub(crate) struct Reasons(Mutex<HashMap<(RunKey, u64), Option<String>>>);

impl Reasons {
    fn known(&self, run: (RunKey, u64)) -> Option<Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&run).cloned()
    }

    fn keep(&self, run: (RunKey, u64), reason: Option<String>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(run, reason);
    }
}

impl Visit {
    /// Why a run failed or reported an error, as far as it says so.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn reason(&self, run: &SeenRun) -> Result<Option<String>, Problem> {
        if run.said.is_some() || run.events == 0 {
            return Ok(run.said.clone());
        }
        let key = self.key_of(run.id);
        let asked = (key, run.events);
        if let Some(known) = self.pages.reasons.known(asked) {
            return Ok(known);
        }
        let page = EventPage { after: None, limit: EVENTS, max_bytes: EVENTS_BYTES };
        let events = self.pages.ask(self.pages.queries.events(key, &page)).await?;
        let errored = events.rows.iter().rev().filter(|row| row.event.errored);
        let reason = errored.map(|row| of_event(&row.event)).next();
        self.pages.reasons.keep(asked, reason.clone());
        Ok(reason)
    }
}

/// What the end of a run says: its output, where that is a text or names an error.
pub(crate) fn of_run(run: &Run) -> Option<String> {
    run.finish.as_ref()?;
    line_of(&run.output()?)
}

/// What an event says of its error.
fn of_event(event: &Event) -> String {
    let what = match &event.call {
        Some(call) => format!("{} / {}", call.provider, call.model),
        None => member(&event.data, "tool").unwrap_or_else(|| event.kind.to_string()),
    };
    match line_of(&event.data) {
        Some(said) => cut(&format!("{what}: {said}")),
        None => cut(&what),
    }
}

/// The line of a free value: it is a text, or has one that says what went wrong.
fn line_of(value: &FreeJson) -> Option<String> {
    if value.as_str().len() > PARSED_BYTES {
        return None;
    }
    let value: Value = serde_json::from_str(value.as_str()).ok()?;
    let text = match &value {
        Value::String(text) => Some(text.as_str()),
        Value::Object(members) => ["error", "exception", "message", "reason"]
            .into_iter()
            .filter_map(|name| members.get(name))
            .find_map(in_words),
        _ => None,
    };
    text.map(cut).filter(|line| !line.is_empty())
}

/// A text, or the message of an object.
fn in_words(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("message").and_then(Value::as_str))
}

fn member(data: &FreeJson, name: &str) -> Option<String> {
    if data.as_str().len() > PARSED_BYTES {
        return None;
    }
    let value: Value = serde_json::from_str(data.as_str()).ok()?;
    value.get(name)?.as_str().map(str::to_owned)
}

/// The first line of a text, as long as it may be.
fn cut(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let mut chars = line.chars();
    let mut cut: String = chars.by_ref().take(CHARS).collect();
    if chars.next().is_some() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_says_in_a_line_what_went_wrong() {
        for (value, line) in [
            (r#""  \n disk full\nmore""#, Some("disk full")),
            (r#"{"error":"timed out","message":"later"}"#, Some("timed out")),
            (r#"{"error":{"code":5,"message":"no such table"}}"#, Some("no such table")),
            (r#"{"error":null,"message":"refused"}"#, Some("refused")),
            (r#"{"matched":41}"#, None),
            ("[1]", None),
            (r#""""#, None),
        ] {
            assert_eq!(line_of(&FreeJson::parse(value).unwrap()).as_deref(), line, "{value}");
        }
        let long = format!("\"{}\"", "é".repeat(500));
        assert_eq!(line_of(&FreeJson::parse(&long).unwrap()).unwrap().chars().count(), CHARS + 1);
    }
}
