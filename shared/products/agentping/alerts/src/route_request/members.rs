//! Members of a JSON object by their types.

use serde_json::{Map, Value};
use tidegate_agentping_settings::{SecretText, SettingFault};

use super::invalid;

/// The members that were given.
pub(super) struct Members<'m>(pub &'m Map<String, Value>);

const MAX_HEADERS: usize = 10;
const MAX_VALUE_BYTES: usize = 1_024;
/// Headers of the connection, and those that are ours to set.
const FIXED: [&str; 12] = [
    "host",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
    "user-agent",
];

impl Members<'_> {
    /// `None`: absent or `null`.
    fn given(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub fn text(&self, name: &str) -> Result<Option<String>, SettingFault> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(invalid(name, "must be a text")),
        }
    }

    pub fn flag(&self, name: &str) -> Result<Option<bool>, SettingFault> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(invalid(name, "must be true or false")),
        }
    }

    pub fn whole(&self, name: &str, most: u64) -> Result<Option<u64>, SettingFault> {
        match self.given(name) {
            None => Ok(None),
            Some(value) => match value.as_u64().filter(|number| *number <= most) {
                Some(number) => Ok(Some(number)),
                None => Err(invalid(name, &format!("must be a whole number from 0 to {most}"))),
            },
        }
    }

    pub fn list(&self, name: &str) -> Result<Option<&Vec<Value>>, SettingFault> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::Array(all)) if all.len() <= 100 => Ok(Some(all)),
            Some(_) => Err(invalid(name, "must be a list of at most 100 texts")),
        }
    }

    /// Headers as an object of names and values.
    pub fn headers(&self) -> Result<Option<Vec<(String, SecretText)>>, SettingFault> {
        let all = match self.given("headers") {
            None => return Ok(None),
            Some(Value::Object(all)) if all.len() <= MAX_HEADERS => all,
            Some(_) => return Err(invalid("headers", "must be an object of at most 10 names and values")),
        };
        let mut headers: Vec<(String, SecretText)> = Vec::new();
        for (name, value) in all {
            // A name of a stranger is not repeated where it may break a line.
            let shown: String = name.chars().filter(|letter| !letter.is_control()).take(64).collect();
            let field = format!("headers.{shown}");
            header_name(name).map_err(|why| invalid(&field, why))?;
            let is_value =
                |text: &str| text.len() <= MAX_VALUE_BYTES && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
            let text = value.as_str().filter(|text| is_value(text));
            let text = text.ok_or_else(|| invalid(&field, "must be at most 1024 bytes of printable ASCII"))?;
            if headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
                return Err(invalid(&field, "is given twice"));
            }
            headers.push((name.clone(), SecretText::new(text)));
        }
        Ok(Some(headers))
    }
}

fn header_name(name: &str) -> Result<(), &'static str> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !(1..=64).contains(&name.len()) || !name.bytes().all(is_token) {
        return Err("must have a name of 1 to 64 characters that headers allow");
    }
    let lower = name.to_ascii_lowercase();
    if FIXED.contains(&lower.as_str()) || lower.starts_with("content-") || lower.starts_with("webhook-") {
        return Err("cannot be set: it is the sender's own, or of the connection");
    }
    Ok(())
}
