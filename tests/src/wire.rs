//! Valid bodies to begin with; a test changes the one member it is about.

use serde_json::{Value, json};

use crate::clock::{iso, now_ms};

/// A run's start with the three required members.
pub fn start(run: &str, agent: &str) -> Value {
    json!({"id": run, "agent": agent, "started_at": iso(now_ms())})
}

/// A plain event.
pub fn log_event(id: &str) -> Value {
    json!({"external_id": id, "type": "log", "ts": iso(now_ms()), "data": {"message": "as expected"}})
}

/// A model call with gross input, cached input and output tokens.
pub fn llm_call(id: &str, provider: &str, model: &str, tokens: (u64, u64, u64)) -> Value {
    let (input, cached, output) = tokens;
    json!({"external_id": id, "type": "llm_call", "ts": iso(now_ms()), "data": {
        "provider": provider, "model": model,
        "input_tokens": input, "cached_input_tokens": cached, "output_tokens": output,
    }})
}

/// A successful finish with the two members that SDKs always send.
pub fn finish() -> Value {
    json!({"status": "success", "finished_at": iso(now_ms())})
}

/// `body` with `member` (a path such as `events.0.type`) set to `value`.
#[must_use]
pub fn with(mut body: Value, member: &str, value: Value) -> Value {
    let (parent, name) = parent(&mut body, member);
    parent.as_object_mut().unwrap_or_else(|| panic!("'{member}' is in no object")).insert(name, value);
    body
}

/// `body` without `member`.
#[must_use]
pub fn without(mut body: Value, member: &str) -> Value {
    let (parent, name) = parent(&mut body, member);
    let removed = parent.as_object_mut().and_then(|members| members.remove(&name));
    assert!(removed.is_some(), "'{member}' was not there");
    body
}

fn parent<'v>(body: &'v mut Value, member: &str) -> (&'v mut Value, String) {
    let mut steps: Vec<&str> = member.split('.').collect();
    let name = steps.pop().expect("a path has a last step").to_owned();
    let pointer: String = steps.iter().map(|step| format!("/{step}")).collect();
    (body.pointer_mut(&pointer).unwrap_or_else(|| panic!("'{member}' leads nowhere")), name)
}
