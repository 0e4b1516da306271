//! What a message says of where it comes from: the team's name, and the page to open.

use std::fmt;
use std::sync::Arc;

use tidegate_agentping::{Slug, TeamId};

/// Finds the name of a team in memory; `None`: it is not known (yet).
pub type FindTeamName = Arc<dyn Fn(TeamId) -> Option<String> + Send + Sync>;

/// Names and links of messages.
#[derive(Clone)]
pub struct Naming {
    /// Where people reach the deployment, without a slash at the end; `None`: messages have no links.
    pub public_url: Option<String>,
    pub team_name: FindTeamName,
}

impl Naming {
    /// Neither names nor links.
    pub fn none() -> Self {
        Naming { public_url: None, team_name: Arc::new(|_| None) }
    }

    pub fn team(&self, team: TeamId) -> Option<String> {
        (self.team_name)(team)
    }

    /// The page of an agent, or the alerts of the team.
    pub fn page(&self, team: TeamId, agent: Option<&Slug>) -> Option<String> {
        let base = self.public_url.as_deref()?.trim_end_matches('/');
        let team = encoded(&self.team(team)?);
        Some(match agent {
            Some(agent) => format!("{base}/teams/{team}/agents/{}", encoded(agent.as_str())),
            None => format!("{base}/teams/{team}/alerts"),
        })
    }
}

impl fmt::Debug for Naming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Naming").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}

/// A part of a path: everything but the unreserved characters of RFC 3986 is percent-encoded.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
