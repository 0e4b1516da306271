//! Free JSON members: `output` as it is, `scores` and `data` as objects.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use tidegate_kernel::FreeJson;
use tidegate_kernel::free_json::{ContentHash, FreeJsonError, FreeJsonLimits, content_hash_noting};

use super::diagnosis::{self, Diagnosis};
use super::fault::Fault;
use super::member::Member;
use super::number;

/// A member whose value is free JSON.
#[derive(Clone, Copy, Debug)]
pub struct FreeMember<'de> {
    pub(super) member: Member<'de>,
    pub(super) raw: Option<&'de RawValue>,
}

/// `[]`, which PHP writes for an empty map, and is read as `{}`.
pub fn is_empty_list(raw: &RawValue) -> bool {
    let inner = raw.get().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.is_some_and(|inner| inner.trim().is_empty())
}

/// The member's value as it was sent and the hash of its content; the members of an object are shown to `note`.
///
/// # Errors
/// [`Fault::Malformed`]: nested too deep, too many members, or not readable. [`Fault::Twice`]: a repeated member.
pub fn hashed<'de>(
    free: &FreeMember<'de>,
    note: &mut dyn FnMut(&str, &'de str),
) -> Result<Option<(FreeJson, ContentHash)>, Fault> {
    let Some(raw) = free.raw else { return Ok(None) };
    let empty = is_empty_list(raw);
    let text = if empty { "{}" } else { raw.get() };
    let hash = content_hash_noting(text, FreeJsonLimits::DEFAULT, note)
        .map_err(|error| free_fault(&free.member, raw.get(), &error))?;
    Ok(Some((if empty { FreeJson::empty_object() } else { FreeJson::from_raw(raw) }, hash)))
}

/// The fault with the member of the value that it is in.
pub(super) fn free_fault(member: &Member<'_>, raw: &str, error: &FreeJsonError) -> Fault {
    let found = match error {
        FreeJsonError::NotJson | FreeJsonError::Repeated => diagnosis::of_free(raw),
        FreeJsonError::TooDeep { .. } | FreeJsonError::TooManyMembers { .. } => None,
    };
    let Some(Diagnosis { path, what, is_repeat, .. }) = found else { return member.malformed(error.to_string()) };
    let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
    let field = format!("{}{dot}{path}", member.field());
    if is_repeat { Fault::Twice { field } } else { Fault::Malformed { field, reason: what } }
}

/// `output`: any value.
///
/// # Errors
/// As [`hashed`].
pub fn output(free: &FreeMember<'_>) -> Result<Option<FreeJson>, Fault> {
    Ok(hashed(free, &mut |_, _| {})?.map(|(json, _)| json))
}

/// `scores`: names to finite numbers.
///
/// # Errors
/// [`Fault::Malformed`].
pub fn scores(free: &FreeMember<'_>) -> Result<Option<FreeJson>, Fault> {
    let member = &free.member;
    let (Some(json), Some(raw)) = (output(free)?, free.raw) else { return Ok(None) };
    if is_empty_list(raw) {
        return Ok(Some(json));
    }
    let scores: BTreeMap<String, &RawValue> =
        serde_json::from_str(raw.get()).map_err(|_| member.malformed("must be an object of names and numbers"))?;
    match scores.iter().find(|(_, score)| number::finite(score.get()).is_none()) {
        Some((name, _)) => {
            let name: String = name.chars().take(64).collect();
            Err(member.malformed(format!("must have finite numbers only, which '{name}' is not")))
        }
        None => Ok(Some(json)),
    }
}
