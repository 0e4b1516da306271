//! Patterns: only those of an engine whose time grows with the text's length and no faster.

use regex::{Regex, RegexBuilder};
use serde_json::Value;
use tidegate_agentping_settings::fields::SettingFault;

/// Characters of a pattern.
pub const MAX_PATTERN_CHARS: usize = 1_000;
/// Bytes that a compiled pattern may take, and those that it may take while it is matched.
pub const SIZE_LIMIT: usize = 1 << 20;

/// Reads a pattern.
///
/// # Errors
/// [`SettingFault`]: it is too long, no pattern, needs look-around or back-references, or is too large once compiled.
pub fn parse(value: &Value, path: &str) -> Result<String, SettingFault> {
    let most = MAX_PATTERN_CHARS;
    let text = value.as_str().filter(|text| (1..=most).contains(&text.chars().take(most + 1).count()));
    let text = text.ok_or_else(|| SettingFault::at(path, format!("must be a pattern of 1 to {most} characters")))?;
    match compile(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(why) => Err(SettingFault::at(path, why)),
    }
}

/// Compiles a pattern.
///
/// # Errors
/// Why it cannot be used, completing "Field 'pattern' ".
pub fn compile(text: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(text).size_limit(SIZE_LIMIT).dfa_size_limit(SIZE_LIMIT).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "is too large: its repetitions multiply".to_owned(),
        error => {
            // The last line of a message says what is wrong; the others draw where.
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            format!("is no pattern that can be used: {last}")
        }
    })
}
