//! `GET /v1/ping` (AgentPing: heartbeat in a URL): query parameters instead of a body.

use std::fmt::Write;

use tidegate_agentping::{Heartbeat, HeartbeatStatus, RunId, Slug};
use tidegate_door::query::{Parameter, Query};
use tidegate_kernel::{FreeJson, Usd};

use super::fault::Fault;
use super::heartbeat::STATUS_RULE;
use super::{ParseOptions, ids, near, number};

pub const MAX_NOTE_CHARS: usize = 256;
/// Every parameter that means something. `exit_code` is ours.
pub const KNOWN: [&str; 8] = ["key", "agent", "status", "cost_usd", "duration_ms", "id", "metadata", "exit_code"];

/// From the least exit status of a process anywhere (Windows: 32 bits, signed or not) to the greatest.
const EXIT_CODES: std::ops::RangeInclusive<i64> = -(1 << 31)..=(1 << 32) - 1;
/// How many ignored parameters are named, and how much of a name.
const MAX_IGNORED: usize = 8;
const MAX_IGNORED_CHARS: usize = 40;

/// The credential of a ping that has one in its URL. What is no text is passed on as something that is no credential.
pub fn key<'q>(query: &'q Query<'_>) -> Option<&'q str> {
    let key = query.parameters().iter().find(|parameter| parameter.is("key"))?;
    Some(key.value.as_deref().unwrap_or("%"))
}

/// The run id is `None` where the server is to mint one.
///
/// # Errors
/// The query's first [`Fault`]: its form, then unknown parameters that are slips of known ones, then as for bodies.
pub fn ping(query: &Query<'_>, reading: &ParseOptions) -> Result<(Option<RunId>, Heartbeat), Fault> {
    check_names(query, reading)?;
    let value = |name| query.first(name);
    let malformed = |name: &str, reason: String| Fault::Malformed { field: name.to_owned(), reason };
    let agent =
        value("agent").filter(|agent| !agent.is_empty()).ok_or_else(|| Fault::Missing { field: "agent".to_owned() })?;
    let agent = Slug::sent(agent).map_err(|error| malformed("agent", error.to_string()))?;
    let status = match value("status") {
        Some(word) => Some(HeartbeatStatus::parse(word).ok_or_else(|| malformed("status", STATUS_RULE.to_owned()))?),
        None => None,
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
        started_at: None,
        finished_at: None,
        cost,
        duration_ms,
        metadata: value("metadata").filter(|_| reading.keep_metadata).map(note).transpose()?,
        status: match value("exit_code") {
            Some(text) => status_by_exit_code(text, status).map_err(|reason| malformed("exit_code", reason))?,
            None => status.unwrap_or(HeartbeatStatus::Ok),
        },
        output: None,
        customer_id: None,
        feature: None,
        input_tokens: None,
        output_tokens: None,
    };
    Ok((run, heartbeat))
}

/// The parameters that mean nothing here, for a header: at most eight names in printable ASCII, and how many more there
/// are. `None` if there are none.
pub fn ignored(query: &Query<'_>) -> Option<String> {
    let mut unknown = query.parameters().iter().filter(|parameter| known(parameter).is_none()).peekable();
    unknown.peek()?;
    let mut names = String::new();
    for parameter in unknown.by_ref().take(MAX_IGNORED) {
        if !names.is_empty() {
            names.push_str(", ");
        }
        // A credential in the wrong place is not repeated.
        let is_secret = |name: &&str| ["apk_", "ping_"].iter().any(|prefix| name.contains(prefix));
        let name = parameter.name.as_deref().ok().filter(|name| !is_secret(name)).unwrap_or("?");
        let shown = name.chars().take(MAX_IGNORED_CHARS);
        names.extend(shown.map(|char| if char.is_ascii_graphic() && char != ',' { char } else { '?' }));
    }
    match unknown.count() {
        0 => {}
        // Writing to a String cannot fail.
        more => write!(names, ", and {more} more").unwrap_or_default(),
    }
    Some(names)
}

fn known(parameter: &Parameter<'_>) -> Option<usize> {
    KNOWN.iter().position(|name| parameter.is(name))
}

/// Each known parameter at most once and as text; no unknown one that was meant to be a known one.
fn check_names(query: &Query<'_>, reading: &ParseOptions) -> Result<(), Fault> {
    let mut seen = [false; KNOWN.len()];
    let mut slip = None;
    for parameter in query.parameters() {
        let Some(index) = known(parameter) else {
            let name = parameter.name.as_deref().unwrap_or_default();
            if slip.is_none() && !reading.ignore_unknown {
                slip = near::likely(name, &KNOWN).map(|meant| (name, meant));
            }
            continue;
        };
        let malformed = |reason: String| Fault::Malformed { field: KNOWN[index].to_owned(), reason };
        if std::mem::replace(&mut seen[index], true) {
            return Err(malformed("is given twice: send it once".to_owned()));
        }
        if let Err(fault) = &parameter.value {
            return Err(malformed(fault.to_string()));
        }
    }
    match slip {
        Some((name, meant)) => Err(Fault::UnknownMember { field: name.to_owned(), meant: Some(meant) }),
        None => Ok(()),
    }
}

/// 0 is `ok`, anything else `fail`; a status sent along must say the same.
fn status_by_exit_code(text: &str, status: Option<HeartbeatStatus>) -> Result<HeartbeatStatus, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let Some(code) = text.parse().ok().filter(|code| is_number && EXIT_CODES.contains(code)) else {
        let unset =
            if text.is_empty() || text.starts_with(['$', '%']) { " (was a variable not expanded?)" } else { "" };
        return Err(format!("must be the exit status of a process, a whole number such as 0 or 1{unset}"));
    };
    let agrees = match status {
        None => return Ok(if code == 0 { HeartbeatStatus::Ok } else { HeartbeatStatus::Fail }),
        Some(HeartbeatStatus::Ok) => code == 0,
        Some(HeartbeatStatus::Fail | HeartbeatStatus::Timeout) => code != 0,
        Some(HeartbeatStatus::Start) => false,
    };
    status.filter(|_| agrees).ok_or_else(|| format!("is {code}, which 'status' contradicts: send one of the two"))
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
