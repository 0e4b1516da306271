//! A badge: a public picture of how an agent, the agents of a tag, or the whole team stands.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_agentping::Slug;
use tidegate_kernel::id::{Id, IdKind, PublicKind};
use tidegate_kernel::{SmolStr, Timestamp};

use crate::agent::AgentDoc;
use crate::fields::{Fields, SettingFault, flag, name};

/// A badge.
#[derive(Debug)]
pub enum BadgeKind {}
impl IdKind for BadgeKind {
    const PREFIX: &'static str = "bdg";
}
impl PublicKind for BadgeKind {}
pub type BadgeId = Id<BadgeKind>;

/// What is set of a badge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadgeDoc {
    pub label: SmolStr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Slug>,
    /// Of all agents that have it. Without agent and tag it is the team's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<SmolStr>,
    /// Whether `late` is shown; otherwise it is `up`.
    pub late: bool,
    /// Names the badge in its public addresses; it says nothing else.
    pub token: String,
    #[serde(rename = "created_at_ms")]
    pub created_at: Timestamp,
}

impl BadgeDoc {
    pub const MEMBERS: [&'static str; 4] = ["label", "agent", "tag", "late"];
    /// Badges of a team at most.
    pub const MOST: usize = 200;

    /// A new badge, of the members that people set.
    ///
    /// # Errors
    /// [`SettingFault`]: the first member that is wrong.
    pub fn parse(given: &Value, token: String, now: Timestamp) -> Result<Self, SettingFault> {
        let given = Fields::of(given, "", &Self::MEMBERS)?;
        let slug = |value: &Value, path: &str| {
            let slug = value.as_str().and_then(|text| Slug::parse(text).ok());
            slug.ok_or_else(|| SettingFault::at(path, "must be an agent's slug"))
        };
        let (agent, tag) = (given.read("agent", slug)?, given.read("tag", name)?);
        if agent.is_some() && tag.is_some() {
            return Err(SettingFault::at(
                "tag",
                "must be left out where agent is given: a badge is of one or the other",
            ));
        }
        let late = given.read("late", flag)?.unwrap_or(true);
        Ok(BadgeDoc { label: given.need("label", name)?, agent, tag, late, token, created_at: now })
    }

    /// Whether an agent belongs to it, given what is set of the agent.
    pub fn is_of(&self, agent: &Slug, set: Option<&AgentDoc>) -> bool {
        match (&self.agent, &self.tag) {
            (Some(own), _) => own == agent,
            (None, Some(tag)) => set.is_some_and(|set| set.tags.contains(tag)),
            (None, None) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(given: &Value) -> Result<BadgeDoc, SettingFault> {
        BadgeDoc::parse(given, "token".to_owned(), Timestamp::from_millis(1))
    }

    #[test]
    fn a_badge_is_of_an_agent_a_tag_or_the_team() {
        let slug = |text: &str| Slug::parse(text).unwrap();
        let tagged = AgentDoc { tags: vec!["nightly".into()], ..AgentDoc::default() };
        let of = |given: &Value| {
            let badge = parsed(given).unwrap();
            [badge.is_of(&slug("a"), None), badge.is_of(&slug("b"), Some(&tagged))]
        };
        assert_eq!(of(&json!({"label": "x", "agent": "a"})), [true, false]);
        assert_eq!(of(&json!({"label": "x", "tag": "nightly"})), [false, true]);
        assert_eq!(of(&json!({"label": "x"})), [true, true]);
    }

    #[test]
    fn a_wrong_badge_is_refused_with_the_member_to_blame() {
        for (given, path) in [
            (json!({}), "label"),
            (json!({"label": ""}), "label"),
            (json!({"label": "x", "agent": "a", "tag": "b"}), "tag"),
            (json!({"label": "x", "agent": 1}), "agent"),
            (json!({"label": "x", "late": "yes"}), "late"),
            (json!({"label": "x", "colour": "red"}), "colour"),
        ] {
            assert_eq!(parsed(&given).unwrap_err().path, path, "{given}");
        }
    }
}
