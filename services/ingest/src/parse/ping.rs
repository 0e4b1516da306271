//! `GET /v1/ping` (AgentPing: heartbeat in a URL): query parameters instead of a body.

use tidegate_domain::{FreeJson, Heartbeat, HeartbeatStatus, RunId, Slug, Usd};

use super::fault::Fault;
use super::heartbeat::STATUS_RULE;
use super::{Reading, ids, number};

pub const MAX_NOTE_CHARS: usize = 256;

/// The first value of a parameter: a repeated one is passed over, and so are unknown ones.
pub fn parameter<'q>(query: &'q [(String, String)], name: &str) -> Option<&'q str> {
    query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The run id is `None` where the server is to mint one.
///
/// # Errors
/// The query's first [`Fault`].
pub fn ping(query: &[(String, String)], reading: &Reading) -> Result<(Option<RunId>, Heartbeat), Fault> {
    let value = |name| parameter(query, name);
    let malformed = |name: &str, reason: String| Fault::Malformed { field: name.to_owned(), reason };
    let agent =
        value("agent").filter(|agent| !agent.is_empty()).ok_or_else(|| Fault::Missing { field: "agent".to_owned() })?;
    let agent = Slug::parse(agent).map_err(|error| malformed("agent", error.to_string()))?;
    let status = match value("status") {
        Some(word) => HeartbeatStatus::parse(word).ok_or_else(|| malformed("status", STATUS_RULE.to_owned()))?,
        None => HeartbeatStatus::Ok,
    };
    let cost = value("cost_usd")
        .map(|text| Usd::parse(text).map_err(|error| malformed("cost_usd", error.to_string())))
        .transpose()?;
    let duration_ms = value("duration_ms")
        .map(|text| {
            number::whole(text).filter(|duration| *duration <= number::MAX_EXACT).ok_or_else(|| {
                malformed("duration_ms", format!("must be a whole number from 0 to {}", number::MAX_EXACT))
            })
        })
        .transpose()?;
    let run = value("id").map(|id| ids::of_region(id, reading.region, || "id".to_owned())).transpose()?;
    let heartbeat = Heartbeat {
        agent,
        status,
        started_at: None,
        finished_at: None,
        cost,
        duration_ms,
        metadata: value("metadata").filter(|_| reading.keep_metadata).map(note).transpose()?,
        output: None,
        customer_id: None,
        feature: None,
        input_tokens: None,
        output_tokens: None,
    };
    Ok((run, heartbeat))
}

/// The one string of a ping's metadata, kept as a note.
fn note(text: &str) -> Result<FreeJson, Fault> {
    let malformed = |reason: String| Fault::Malformed { field: "metadata".to_owned(), reason };
    if text.chars().count() > MAX_NOTE_CHARS {
        return Err(malformed(format!("must be at most {MAX_NOTE_CHARS} characters")));
    }
    let json = serde_json::json!({ "note": text }).to_string();
    FreeJson::parse(&json).map_err(|error| malformed(error.to_string()))
}
