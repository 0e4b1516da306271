//! Reads what the API answers: members that are absent are empty.

use serde_json::Value;
use tidegate_kernel::Timestamp;

/// The members of an object.
pub(crate) trait Members {
    /// A text; empty if there is none.
    fn text(&self, name: &str) -> &str;
    /// Anything but a list or an object as a text: numbers as they are written.
    fn shown(&self, name: &str) -> String;
    /// A list; empty if there is none.
    fn rows(&self, name: &str) -> &[Value];
    fn instant(&self, name: &str) -> Option<Timestamp>;
    fn flag(&self, name: &str) -> bool;
    fn number(&self, name: &str) -> Option<u64>;
}

impl Members for Value {
    fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn shown(&self, name: &str) -> String {
        match self.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
            Some(value @ (Value::Array(_) | Value::Object(_))) => value.to_string(),
            Some(Value::Null) | None => String::new(),
        }
    }

    fn rows(&self, name: &str) -> &[Value] {
        self.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn instant(&self, name: &str) -> Option<Timestamp> {
        Timestamp::parse(self.text(name)).ok()
    }

    fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.get(name).and_then(Value::as_u64)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn absent_members_are_empty() {
        let value = json!({"a": "b", "n": 20.35, "l": [1], "o": {"x": 1}, "t": "2026-05-15T12:00:00.000Z", "f": true, "z": null});
        assert_eq!((value.text("a"), value.text("n"), value.text("none")), ("b", "", ""));
        assert_eq!([value.shown("n"), value.shown("z"), value.shown("o")], ["20.35", "", "{\"x\":1}"]);
        assert_eq!((value.rows("l").len(), value.rows("a").len()), (1, 0));
        assert_eq!(value.instant("t").map(|at| at.as_millis()), Some(1_778_846_400_000));
        assert!(value.flag("f") && !value.flag("a") && value.number("n").is_none());
    }
}
