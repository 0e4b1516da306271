//! The kinds of documents, and what their names are.

use tidegate_agentping::Slug;
use tidegate_agentping_ports::NamesDoc;

/// Renames of the team's agents; the name is [`WHOLE_TEAM`]. It is written together with all that moves with an agent.
pub const NAMES: &str = NamesDoc::KIND;
/// An agent's own members; the name is its slug.
pub const AGENT: &str = "agent";
/// An agent's schedule with its history; the name is its slug.
pub const SCHEDULE: &str = "schedule";
/// The pauses of an agent (its slug), or of the whole team ([`WHOLE_TEAM`]).
pub const PAUSE: &str = "pause";
/// The mute of an agent (`agent/` and its slug), a route (`route/` and its id), or of the whole team ([`WHOLE_TEAM`]).
pub const MUTE: &str = "mute";
/// The team's own members; the name is [`WHOLE_TEAM`].
pub const TEAM: &str = "team";
/// A route; the name is its id.
pub const ROUTE: &str = "route";
/// A guard rule; the name is its id.
pub const RULE: &str = "rule";
/// A check; the name is its id.
pub const CHECK: &str = "check";
/// That a guard rule has this name.
pub const RULE_NAME: &str = "rule-name";
/// That a check of an agent has this name; the document's name is the slug, a line end, and the name.
pub const CHECK_NAME: &str = "check-name";
/// A badge; the name is its id.
pub const BADGE: &str = "badge";
/// Whose badge a token is, in the space [`BADGES`]; the name is the token's hash.
pub const BADGE_TOKEN: &str = "badge_token";
/// The space of tokens of badges, which is no team's.
pub const BADGES: &str = "badges";
/// By which variables secrets were given in a configuration; the name is [`WHOLE_TEAM`].
pub const CONFIG: &str = "config";
/// Which mail addresses were asked for their confirmation within a day; the name is [`WHOLE_TEAM`].
pub const MAIL_QUESTIONS: &str = "mail_questions";
/// What is shown of a ping token besides the registry's row; the name is its id.
pub const TOKEN: &str = "token";
/// What was changed by whom; the name sorts by time. It ends after 90 days.
pub const AUDIT: &str = "audit";

/// Names what is of a team as a whole. No slug is empty.
pub const WHOLE_TEAM: &str = "";

/// How long what was changed by whom is kept, in milliseconds: 90 days.
pub const AUDIT_KEPT_MS: i64 = 90 * 86_400_000;

/// The name of an agent's mute.
pub fn mute_of_agent(agent: &Slug) -> String {
    format!("agent/{agent}")
}

/// The name of a route's mute.
pub fn mute_of_route(id: &str) -> String {
    format!("route/{id}")
}
