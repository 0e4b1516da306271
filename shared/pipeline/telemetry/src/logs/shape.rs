//! The two formats of a log line, for lines created or changed outside the subscriber.

use std::fmt::Write;

use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

/// The format of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Text,
    Json,
}

impl Shape {
    /// A line of the process itself, printed at every level. `text` may contain any characters.
    pub fn line(self, level: &str, text: &str) -> String {
        let mut time = String::new();
        // A line without a time is better than none.
        let _ = SystemTime.format_time(&mut Writer::new(&mut time));
        match self {
            Shape::Text => format!("{time} {level:>5} tidegate: {text}\n"),
            Shape::Json => {
                let mut line = format!(r#"{{"timestamp":"{time}","level":"{level}","message":""#);
                escape(text, &mut line);
                line.push_str("\",\"target\":\"tidegate\"}\n");
                line
            }
        }
    }

    /// Adds a field with the count of suppressed lines; 0 adds nothing.
    pub fn counted(self, mut line: String, suppressed: u64) -> String {
        if suppressed == 0 {
            return line;
        }
        line.truncate(line.trim_end_matches('\n').len());
        // Writing to a string cannot fail.
        let _ = match self {
            Shape::Text => writeln!(line, " suppressed={suppressed}"),
            Shape::Json => {
                line.truncate(line.strip_suffix('}').map_or(line.len(), str::len));
                writeln!(line, ",\"suppressed\":{suppressed}}}")
            }
        };
        line
    }
}

/// Escapes a text for the inside of a JSON string.
fn escape(text: &str, into: &mut String) {
    for c in text.chars() {
        match c {
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            c if c < ' ' => {
                let _ = write!(into, "\\u{:04x}", u32::from(c));
            }
            c => into.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_process_is_json_among_json() {
        let text = "a \"quoted\"\\ thing\nof two\u{1} lines";
        let line = Shape::Json.line("ERROR", text);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((value["message"].as_str(), value["level"].as_str()), (Some(text), Some("ERROR")));
        assert!(value["timestamp"].as_str().is_some_and(|time| time.starts_with("20") && time.ends_with('Z')));
        assert_eq!(line.matches('\n').count(), 1);
        assert!(Shape::Text.line("WARN", "lost").ends_with("  WARN tidegate: lost\n"));
    }

    #[test]
    fn a_count_is_a_member_or_a_field_more() {
        let counted = Shape::Json.counted("{\"message\":\"no\",\"a\":{\"b\":1}}\n".to_owned(), 7);
        assert_eq!(counted, "{\"message\":\"no\",\"a\":{\"b\":1},\"suppressed\":7}\n");
        assert_eq!(Shape::Text.counted("no a=1\n".to_owned(), 7), "no a=1 suppressed=7\n");
        assert_eq!(Shape::Text.counted("no\n".to_owned(), 0), "no\n");
    }
}
