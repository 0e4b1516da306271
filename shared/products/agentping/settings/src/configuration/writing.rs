//! Writes JSON as YAML that people like to read.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// A document. Objects are blocks, lists are written in one line.
pub fn yaml(members: &Map<String, Value>) -> String {
    let mut text = String::new();
    block(&mut text, members, 0);
    text
}

fn block(text: &mut String, members: &Map<String, Value>, indent: usize) {
    for (name, value) in members {
        // Writing to a String cannot fail.
        let _ = write!(text, "{:indent$}{}:", "", scalar(name));
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                text.push('\n');
                block(text, inner, indent + 2);
            }
            value => {
                text.push(' ');
                flow(text, value);
                text.push('\n');
            }
        }
    }
}

fn flow(text: &mut String, value: &Value) {
    match value {
        Value::String(plain) => text.push_str(&scalar(plain)),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                flow(text, item);
            }
            text.push(']');
        }
        Value::Object(members) => {
            text.push('{');
            for (index, (name, item)) in members.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                text.push_str(&scalar(name));
                text.push_str(": ");
                flow(text, item);
            }
            text.push('}');
        }
        other => text.push_str(&other.to_string()),
    }
}

/// In quotes unless nothing of it could be read otherwise.
fn scalar(text: &str) -> String {
    let is_word = text.starts_with(|char: char| char.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/' | b' '))
        && !text.ends_with(' ');
    // Words that some readers of YAML take for something else.
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    match is_word && !reserved.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        true => text.to_owned(),
        false => quoted(text),
    }
}

/// JSON's quotes, and escapes of what YAML does not take as it is.
fn quoted(text: &str) -> String {
    let is_taken = |char: char| !char.is_control() && !matches!(char, '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    let quoted = Value::from(text).to_string();
    quoted
        .chars()
        .map(|char| if is_taken(char) { char.to_string() } else { format!("\\u{:04x}", u32::from(char)) })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::configuration::ConfigText;

    #[test]
    fn what_is_written_reads_back() {
        let whole = json!({
            "version": 1,
            "agents": {
                "daily summary/x": {"tags": ["a", "7", "true", "é: b", ""], "description": "Two\nlines: \"x\"\t\u{7f}"},
                "No": {},
                "- x": {"maintenance": [{"cron": "0 2 * * 0", "duration_s": 60}], "routes": {"add": []}},
                "*": {"sigma": 2.5, "on": true, "none": null, "secret": "${OPS_URL}"},
            },
        });
        let text = yaml(whole.as_object().unwrap());
        assert_eq!(ConfigText::parse(&text).unwrap().value, whole, "{text}");
        assert!(text.contains("\n  daily summary/x:\n    description: "), "{text}");
    }
}
