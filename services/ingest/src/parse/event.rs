//! One event of a batch (AgentPing: events).

use tidegate_agentping::{Event, EventId, TeamRates};
use tidegate_kernel::free_json::text_hash;

use super::ParseOptions;
use super::call::Reported;
use super::fault::{Fault, ParentObject};
use super::free;
use super::object::{Object, Shape};

/// `id` and `timestamp` are aliases: older SDKs and readers of the prose send them.
pub static SHAPE: Shape<7> = Shape {
    names: ["external_id", "type", "ts", "data", "turn", "id", "timestamp"],
    required: &[&["external_id", "id"], &["type"], &["ts", "timestamp"], &["data"]],
};

pub const MAX_TYPE_CHARS: usize = 64;

pub(super) fn event(
    object: &Object<'_, 7>,
    index: usize,
    reading: &ParseOptions,
    rates: &TeamRates,
) -> Result<Event, Fault> {
    let text_id = object.member("external_id");
    let id: Option<EventId> = text_id.id(reading.region)?;
    let alias: Option<EventId> = object.member("id").id(reading.region)?;
    let id = match (id, alias) {
        (Some(id), Some(alias)) if id != alias => return Err(text_id.malformed("differs from its alias 'id'")),
        (id, alias) => id.or(alias).ok_or_else(|| text_id.missing())?,
    };
    let word = object.member("type");
    let kind = word.text()?.ok_or_else(|| word.missing())?;
    if !is_type(&kind) {
        return Err(word.malformed("must match pattern ^[a-z][a-z0-9_]{0,63}$"));
    }
    let instant = object.member("ts");
    let ts = match (instant.instant()?, object.member("timestamp").instant()?) {
        (Some(ts), Some(alias)) if ts != alias => return Err(instant.malformed("differs from its alias 'timestamp'")),
        (ts, alias) => ts.or(alias).ok_or_else(|| instant.missing())?,
    };
    let free = object.free("data");
    let mut reported = Reported::default();
    let (data, data_hash) =
        free::hashed(&free, &mut |name, raw| reported.note(name, raw))?.ok_or_else(|| free.member.missing())?;
    if !data.as_str().starts_with('{') {
        return Err(free.member.malformed("must be an object"));
    }
    let errored = reported.is_error();
    let call = if kind == "llm_call" { reported.model_call(ParentObject::Data(index), rates)? } else { None };
    // 1 to u32::MAX: it fits.
    let turn = object.member("turn").whole(1, u64::from(u32::MAX))?.map(|turn| turn as u32);
    let whole_hash = |data_hash: u64| {
        let (ts, turn) = (ts.as_millis().to_le_bytes(), turn.unwrap_or(0).to_le_bytes());
        text_hash(&[kind.as_bytes(), &ts, &turn, &data_hash.to_le_bytes()])
    };
    let content_hash = whole_hash(data_hash.hash);
    let earlier_hash = data_hash.earlier.map(whole_hash);
    Ok(Event { id, kind: kind.into(), ts, turn, data, content_hash, earlier_hash, errored, call })
}

/// The set of types is open (AgentPing: types): any lower-case word.
fn is_type(kind: &str) -> bool {
    let mut bytes = kind.bytes();
    kind.len() <= MAX_TYPE_CHARS
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
