//! An agent's own members.

use serde::{Deserialize, Serialize};
use tidegate_kernel::{SmolStr, Timestamp};

/// What is set of an agent. An agent that only reports has no document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentDoc {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<SmolStr>,
    #[serde(skip_serializing_if = "AgentRoutes::is_inherited")]
    pub routes: AgentRoutes,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maintenance: Vec<Maintenance>,
    /// When it was made over the API, if it was.
    #[serde(rename = "created_at_ms", skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// It was deleted then: it is not judged, until it reports again or is made again.
    #[serde(rename = "deleted_at_ms", skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// An apply of a configuration made it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub applied: bool,
}

/// Which routes get an agent's messages, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentRoutes {
    /// The team's.
    #[default]
    Inherit,
    /// These and no others.
    Only(Vec<SmolStr>),
    /// The team's and these.
    Add(Vec<SmolStr>),
}

impl AgentRoutes {
    pub fn is_inherited(&self) -> bool {
        *self == AgentRoutes::Inherit
    }

    /// The names, given the team's.
    pub fn names<'n>(&'n self, of_team: &'n [SmolStr]) -> Vec<&'n SmolStr> {
        let mut names: Vec<&SmolStr> = match self {
            AgentRoutes::Inherit => of_team.iter().collect(),
            AgentRoutes::Only(own) => own.iter().collect(),
            AgentRoutes::Add(own) => of_team.iter().chain(own).collect(),
        };
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// A mute that recurs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    pub cron: SmolStr,
    pub duration_s: u32,
    pub timezone: SmolStr,
}
