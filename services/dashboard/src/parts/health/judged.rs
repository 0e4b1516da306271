//! What the status says of one agent. Its slots are most of the text, and few of them are drawn: they stay text until then.

use std::ops::Deref;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// An agent of the status. It reads like the object that the API answers, without the slots.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Judged {
    #[serde(default)]
    recent_slots: Option<Box<RawValue>>,
    #[serde(flatten)]
    members: Value,
}

impl Judged {
    /// Its last slots, oldest first; none where they were not asked for.
    pub fn slots(&self) -> Vec<Value> {
        let read = |slots: &RawValue| serde_json::from_str(slots.get()).unwrap_or_default();
        self.recent_slots.as_deref().map(read).unwrap_or_default()
    }

    /// Whether one of its slots may be unknown, without reading them.
    pub fn has_unknown_slots(&self) -> bool {
        self.recent_slots.as_deref().is_some_and(|slots| slots.get().contains("\"unknown\""))
    }
}

impl Deref for Judged {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.members
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::value::Members;

    #[test]
    fn slots_are_read_where_they_are_asked_for() {
        let text = r#"{"agent": "a", "paused": true, "recent_slots": [{"outcome": "unknown"}, {"outcome": "ok"}], "routes": ["x"]}"#;
        let judged: Judged = serde_json::from_str(text).unwrap();
        assert_eq!((judged.text("agent"), judged.flag("paused"), judged.rows("routes").len()), ("a", true, 1));
        assert!(judged.get("recent_slots").is_none() && judged.has_unknown_slots());
        let outcomes: Vec<String> = judged.slots().iter().map(|slot| slot.text("outcome").to_owned()).collect();
        assert_eq!(outcomes, ["unknown", "ok"]);
        let without: Judged = serde_json::from_str(r#"{"agent": "a", "state": "unknown"}"#).unwrap();
        assert!(without.slots().is_empty() && !without.has_unknown_slots());
        assert!(Judged::default().slots().is_empty() && Judged::default().text("state").is_empty());
    }
}
