//! JSON Schemas (draft 2020-12) that need nothing but themselves.

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;
use tidegate_agentping_settings::fields::SettingFault;

use crate::regexes::{MAX_PATTERN_CHARS, SIZE_LIMIT};

/// Bytes of a schema as compact JSON: 64 KiB.
const MAX_BYTES: usize = 64 << 10;
/// Levels of a schema.
const MAX_DEPTH: usize = 64;
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Reads a schema.
///
/// # Errors
/// [`SettingFault`]: it is too large, leaves the document, or is no schema.
pub fn parse(value: &Value, path: &str) -> Result<Value, SettingFault> {
    if !value.is_object() && !value.is_boolean() {
        return Err(SettingFault::at(path, "must be a JSON Schema: an object, true or false"));
    }
    if serde_json::to_vec(value).map_or(true, |bytes| bytes.len() > MAX_BYTES) {
        return Err(SettingFault::at(path, format!("must be at most {MAX_BYTES} bytes of JSON")));
    }
    inspect(value, path, 0)?;
    match compile(value) {
        Ok(_) => Ok(value.clone()),
        Err(why) => Err(SettingFault::at(path, why)),
    }
}

/// Compiles a schema. It fetches nothing: a reference that leaves the document is an error.
///
/// # Errors
/// Why it cannot be used, completing "Field 'schema' ".
pub fn compile(schema: &Value) -> Result<Validator, String> {
    let patterns = PatternOptions::regex().size_limit(SIZE_LIMIT).dfa_size_limit(SIZE_LIMIT);
    let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(false).offline();
    let built = options.with_pattern_options(patterns).build(schema);
    built.map_err(|error| {
        let text: String = error.to_string().chars().take(300).collect();
        format!("is no JSON Schema of draft 2020-12 that can be used: {text}")
    })
}

/// Looks at every object of a schema: also where no schema is expected, which is stricter than need be.
fn inspect(value: &Value, path: &str, depth: usize) -> Result<(), SettingFault> {
    if depth > MAX_DEPTH {
        return Err(SettingFault::at(path, format!("must be at most {MAX_DEPTH} levels deep")));
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let below = format!("{path}.{name}");
                if let Some(text) = member.as_str() {
                    keyword(name, text, &below, depth)?;
                }
                inspect(member, &below, depth + 1)?;
            }
            Ok(())
        }
        Value::Array(items) => {
            items.iter().enumerate().try_for_each(|(index, item)| inspect(item, &format!("{path}[{index}]"), depth + 1))
        }
        _ => Ok(()),
    }
}

fn keyword(name: &str, text: &str, path: &str, depth: usize) -> Result<(), SettingFault> {
    match name {
        "$ref" | "$dynamicRef" | "$recursiveRef" if !text.starts_with('#') => Err(SettingFault::at(
            path,
            "must stay in the document: a reference begins with '#', and nothing is fetched",
        )),
        "$schema" if text.trim_end_matches('#') != DIALECT => {
            Err(SettingFault::at(path, format!("must be {DIALECT}, or absent")))
        }
        "$id" if depth > 0 => {
            Err(SettingFault::at(path, "must not be given below the root: references begin with '#'"))
        }
        "pattern" if text.chars().take(MAX_PATTERN_CHARS + 1).count() > MAX_PATTERN_CHARS => {
            Err(SettingFault::at(path, format!("must be at most {MAX_PATTERN_CHARS} characters")))
        }
        _ => Ok(()),
    }
}
