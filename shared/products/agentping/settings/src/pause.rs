//! Pauses and mutes: an operator's state.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_kernel::Timestamp;
use tidegate_kernel::free_json::text_hash_128;

use crate::fields::{Fields, SettingFault, instant, text};

/// Characters of a note or a reason at most.
const NOTE_CHARS: usize = 500;

/// The pauses of an agent or a team, the oldest first. The last one may be in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseDoc {
    pub spans: Vec<PauseSpan>,
}

/// One pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseSpan {
    #[serde(rename = "paused_at_ms")]
    pub paused_at: Timestamp,
    /// The id of the key.
    pub paused_by: String,
    /// It ends by itself then.
    #[serde(rename = "until_ms", default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// It was ended then.
    #[serde(rename = "resumed_at_ms", default, skip_serializing_if = "Option::is_none")]
    pub resumed_at: Option<Timestamp>,
}

impl PauseSpan {
    /// The first instant after it; `None`: it has no end yet.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.until.into_iter().chain(self.resumed_at).min()
    }

    /// Whether it is in force at `now`.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.paused_at <= now && self.ends_at().is_none_or(|end| now < end)
    }
}

/// What is asked for of a pause.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PauseRequest {
    pub until: Option<Timestamp>,
    pub note: Option<String>,
}

impl PauseRequest {
    /// # Errors
    /// [`SettingFault`]: the first member that is wrong.
    pub fn parse(given: &Value, now: Timestamp) -> Result<Self, SettingFault> {
        let given = Fields::of(given, "", &["until", "note"])?;
        let until = given.read("until", |value, path| later(value, path, now))?;
        Ok(PauseRequest { until, note: given.read("note", text(1, NOTE_CHARS))? })
    }
}

fn later(value: &Value, path: &str, now: Timestamp) -> Result<Timestamp, SettingFault> {
    match instant(value, path)? {
        until if until > now => Ok(until),
        _ => Err(SettingFault::at(path, format!("must be after now, which is {now}"))),
    }
}

impl PauseDoc {
    /// Pauses kept at most.
    pub const MAX_SPANS: usize = 32;

    /// The pause that is in force.
    pub fn at(&self, now: Timestamp) -> Option<&PauseSpan> {
        self.spans.iter().rev().find(|span| span.holds(now))
    }

    /// Pauses, or changes the pause that is in force; its beginning stays.
    pub fn pause(&mut self, now: Timestamp, by: String, until: Option<Timestamp>, note: Option<String>) {
        if let Some(held) = self.spans.last_mut().filter(|span| span.holds(now)) {
            (held.until, held.note, held.paused_by) = (until, note, by);
            return;
        }
        let span = PauseSpan { paused_at: now, paused_by: by, until, note, resumed_at: None };
        self.spans.push(span);
        if self.spans.len() > Self::MAX_SPANS {
            self.spans.remove(0);
        }
    }

    /// Ends the pause that is in force. Returns whether there was one.
    pub fn resume(&mut self, now: Timestamp) -> bool {
        match self.spans.last_mut().filter(|span| span.holds(now)) {
            Some(held) => {
                held.resumed_at = Some(now);
                true
            }
            None => false,
        }
    }
}

/// The id under which guard names a pause, derived from the id of what is paused, such as `agt_eu_…` or `team_eu_…`: always
/// the same for an agent, and for a team.
pub fn pause_rule_id(paused_id: &str) -> String {
    let region = paused_id.split('_').nth(1).unwrap_or_default();
    format!("grl_{region}_{:032x}", text_hash_128(&[b"pause", paused_id.as_bytes()]))
}

/// A mute of an agent, a route or a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MuteDoc {
    #[serde(rename = "muted_at_ms")]
    pub muted_at: Timestamp,
    pub muted_by: String,
    #[serde(rename = "until_ms")]
    pub until: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// It was ended then, before its time.
    #[serde(rename = "unmuted_at_ms", default, skip_serializing_if = "Option::is_none")]
    pub unmuted_at: Option<Timestamp>,
}

/// What is asked for of a mute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MuteRequest {
    pub until: Timestamp,
    pub reason: Option<String>,
}

impl MuteRequest {
    /// # Errors
    /// [`SettingFault`]: the first member that is wrong.
    pub fn parse(given: &Value, now: Timestamp) -> Result<Self, SettingFault> {
        let given = Fields::of(given, "", &["until", "reason"])?;
        let longest = now.plus_millis(MuteDoc::LONGEST_MS);
        let until = given.need("until", |value, path| match later(value, path, now)? {
            until if until <= longest => Ok(until),
            _ => Err(SettingFault::at(path, format!("must be within 30 days: {longest} at the latest"))),
        })?;
        Ok(MuteRequest { until, reason: given.read("reason", text(1, NOTE_CHARS))? })
    }
}

impl MuteDoc {
    /// The longest mute, in milliseconds: 30 days.
    pub const LONGEST_MS: i64 = 30 * 86_400_000;

    /// The first instant after it.
    pub fn ends_at(&self) -> Timestamp {
        self.unmuted_at.map_or(self.until, |ended| ended.min(self.until))
    }

    /// Whether it is in force at `now`.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.muted_at <= now && now < self.ends_at()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + second * 1_000)
    }

    #[test]
    fn a_pause_holds_until_it_is_resumed_or_ends() {
        let mut pause = PauseDoc::default();
        assert!(!pause.resume(at(0)));
        pause.pause(at(10), "key_1".to_owned(), Some(at(20)), None);
        assert_eq!([9, 10, 19, 20].map(|second| pause.at(at(second)).is_some()), [false, true, true, false]);
        pause.pause(at(12), "key_2".to_owned(), None, Some("longer".to_owned()));
        assert_eq!(pause.spans.len(), 1);
        assert_eq!(pause.at(at(500)).map(|span| (span.paused_at, span.paused_by.as_str())), Some((at(10), "key_2")));
        assert!(pause.resume(at(30)));
        assert!(!pause.resume(at(31)) && pause.at(at(30)).is_none());
        pause.pause(at(40), "key_1".to_owned(), None, None);
        assert_eq!(pause.spans.len(), 2);
    }

    #[test]
    fn a_mute_ends_by_itself_or_before() {
        let mute =
            MuteDoc { muted_at: at(10), muted_by: "key_1".to_owned(), until: at(20), reason: None, unmuted_at: None };
        assert_eq!([9, 10, 19, 20].map(|second| mute.holds(at(second))), [false, true, true, false]);
        let ended = MuteDoc { unmuted_at: Some(at(15)), ..mute };
        assert!(ended.holds(at(14)) && !ended.holds(at(15)));
    }
}
