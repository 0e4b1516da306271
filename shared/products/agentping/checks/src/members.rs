//! The six types of checks and their members.

use serde_json::{Map, Value};
use tidegate_agentping_settings::fields::{Fields, SettingFault, flag, list, whole};
use tidegate_kernel::SmolStr;

use crate::place::Place;
use crate::regexes::{self, MAX_PATTERN_CHARS};
use crate::schema;

/// Characters of a pattern that counts as simple.
pub const STARTER_PATTERN_CHARS: usize = 200;
/// Paths of one check.
const MAX_FIELDS: usize = 100;
const MAX_COUNT: u32 = u32::MAX;

/// What is asked.
#[derive(Clone, Debug)]
pub enum CheckKind {
    JsonSchema { schema: Value },
    Regex { pattern: String, must_match: bool, path: Option<Place> },
    Length { in_tokens: bool, min: Option<u32>, max: Option<u32>, path: Option<Place> },
    RequiredFields { fields: Vec<Place> },
    ToolCall { tool: SmolStr, status: Option<SmolStr>, min: u32, max: Option<u32> },
    NumericRange { path: Place, min: Option<f64>, max: Option<f64> },
}

impl CheckKind {
    /// The members of a type, apart from those that all have.
    ///
    /// # Errors
    /// There is no such type.
    pub fn members_of(kind: &Value) -> Result<&'static [&'static str], SettingFault> {
        Ok(match kind.as_str() {
            Some("json_schema") => &["schema"],
            Some("regex") => &["pattern", "must", "path"],
            Some("length") => &["unit", "min", "max", "path"],
            Some("required_fields") => &["fields"],
            Some("tool_call") => &["tool", "made", "status", "min", "max"],
            Some("numeric_range") => &["path", "min", "max"],
            _ => {
                let types = "json_schema, regex, length, required_fields, tool_call, numeric_range";
                return Err(SettingFault::at("type", format!("must be one of {types}")));
            }
        })
    }

    /// Reads the members of a type.
    ///
    /// # Errors
    /// [`SettingFault`].
    pub fn parse(fields: &Fields<'_>, kind: &Value) -> Result<Self, SettingFault> {
        match kind.as_str().unwrap_or_default() {
            "json_schema" => Ok(CheckKind::JsonSchema { schema: fields.need("schema", schema::parse)? }),
            "regex" => Ok(CheckKind::Regex {
                pattern: fields.need("pattern", regexes::parse)?,
                must_match: fields.need("must", must)?,
                path: fields.read("path", Place::parse_pointer)?,
            }),
            "length" => {
                let (min, max) =
                    bounds(fields.read("min", whole(0, MAX_COUNT))?, fields.read("max", whole(0, MAX_COUNT))?)?;
                let in_tokens = fields.need("unit", unit)?;
                Ok(CheckKind::Length { in_tokens, min, max, path: fields.read("path", Place::parse_pointer)? })
            }
            "required_fields" => {
                let paths = fields.need("fields", list(MAX_FIELDS, Place::parse_pointer))?;
                if paths.is_empty() {
                    return Err(SettingFault::at("fields", "must have at least one path"));
                }
                Ok(CheckKind::RequiredFields { fields: paths })
            }
            "tool_call" => tool_call(fields),
            _ => {
                let (min, max) = bounds(fields.read("min", number)?, fields.read("max", number)?)?;
                Ok(CheckKind::NumericRange { path: fields.need("path", Place::parse)?, min, max })
            }
        }
    }

    /// Reads stored members, which were parsed before.
    ///
    /// # Errors
    /// [`SettingFault`]: a later build wrote them.
    pub fn stored(members: &Map<String, Value>) -> Result<Self, SettingFault> {
        let given = Value::Object(members.clone());
        let kind = given.get("type").cloned().unwrap_or_default();
        let known: Vec<&str> = Self::members_of(&kind)?.iter().copied().chain(["type"]).collect();
        CheckKind::parse(&Fields::of(&given, "", &known)?, &kind)
    }
}

fn tool_call(fields: &Fields<'_>) -> Result<CheckKind, SettingFault> {
    let made = fields.need("made", flag)?;
    if !made && (fields.has("min") || fields.has("max")) {
        let member = if fields.has("min") { "min" } else { "max" };
        return Err(SettingFault::at(member, "is only for calls that must be made: 'made' is false"));
    }
    let given = (fields.read("min", whole(0, MAX_COUNT))?, fields.read("max", whole(0, MAX_COUNT))?);
    let (min, max) = match (made, given) {
        (false, _) => (0, Some(0)),
        (true, (None, None)) => (1, None),
        (true, (min, max)) => {
            bounds(min, max)?;
            // A call that must be made is made once at least, unless another number is asked for.
            (min.unwrap_or(1).min(max.unwrap_or(MAX_COUNT)), max)
        }
    };
    Ok(CheckKind::ToolCall { tool: fields.need("tool", label)?, status: fields.read("status", label)?, min, max })
}

/// At least one of two bounds, and the lower one not above the other.
fn bounds<N: PartialOrd + Copy>(min: Option<N>, max: Option<N>) -> Result<(Option<N>, Option<N>), SettingFault> {
    match (min, max) {
        (None, None) => Err(SettingFault::at("min", "must be given, or max, or both")),
        (Some(low), Some(high)) if low > high => Err(SettingFault::at("max", "must not be below min")),
        both => Ok(both),
    }
}

fn must(value: &Value, path: &str) -> Result<bool, SettingFault> {
    match value.as_str() {
        Some("match") => Ok(true),
        Some("not_match") => Ok(false),
        _ => Err(SettingFault::at(path, "must be 'match' or 'not_match'")),
    }
}

fn unit(value: &Value, path: &str) -> Result<bool, SettingFault> {
    match value.as_str() {
        Some("characters") => Ok(false),
        Some("tokens") => Ok(true),
        _ => Err(SettingFault::at(path, "must be 'characters' or 'tokens'")),
    }
}

fn number(value: &Value, path: &str) -> Result<f64, SettingFault> {
    value.as_f64().filter(|number| number.is_finite()).ok_or_else(|| SettingFault::at(path, "must be a number"))
}

fn label(value: &Value, path: &str) -> Result<SmolStr, SettingFault> {
    let text = value.as_str().filter(|text| (1..=256).contains(&text.chars().take(257).count()));
    text.map(SmolStr::new).ok_or_else(|| SettingFault::at(path, "must be text of 1 to 256 characters"))
}

/// Whether Starter has a check of these members.
///
/// # Errors
/// The member that it does not have.
pub fn starts_with_plan(members: &Map<String, Value>) -> Result<(), &'static str> {
    let pattern = members.get("pattern").and_then(Value::as_str).unwrap_or_default();
    match members.get("type").and_then(Value::as_str) {
        Some("length" | "required_fields") => Ok(()),
        Some("regex") if pattern.chars().take(MAX_PATTERN_CHARS + 1).count() <= STARTER_PATTERN_CHARS => Ok(()),
        Some("regex") => Err("pattern"),
        _ => Err("type"),
    }
}
