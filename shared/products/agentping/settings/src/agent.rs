//! An agent's own members.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use tidegate_agentping_pulse::{Cron, Zone};
use tidegate_kernel::{SmolStr, Timestamp};

use crate::fields::{Fields, SettingFault, list, names, text, whole};

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

impl AgentDoc {
    /// The members that people set.
    pub const MEMBERS: [&'static str; 4] = ["description", "tags", "routes", "maintenance"];
    const DESCRIPTION_CHARS: usize = 1_000;
    const TAGS: usize = 20;

    /// Changes the members that are given; `null` sets the default again.
    ///
    /// # Errors
    /// [`SettingFault`]: the first member that is wrong.
    pub fn change(&mut self, given: &Fields<'_>) -> Result<(), SettingFault> {
        given.patch("description", text(1, Self::DESCRIPTION_CHARS))?.apply(&mut self.description);
        given.patch("tags", names(Self::TAGS))?.apply_or(&mut self.tags, Vec::new());
        given.patch("routes", AgentRoutes::parse)?.apply_or(&mut self.routes, AgentRoutes::Inherit);
        given.patch("maintenance", Maintenance::parse_list)?.apply_or(&mut self.maintenance, Vec::new());
        Ok(())
    }

    /// Whether the agent is there, given when a run of it was last received: it was not deleted, or has reported since.
    pub fn is_there(&self, last_seen: Option<Timestamp>) -> bool {
        self.deleted_at.is_none_or(|deleted| last_seen.is_some_and(|seen| seen > deleted))
    }
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
    const MOST: usize = 50;

    /// `"inherit"`, a list of names that replaces the team's, or `{"add": […]}`.
    ///
    /// # Errors
    /// [`SettingFault`].
    pub fn parse(value: &Value, path: &str) -> Result<Self, SettingFault> {
        match value {
            Value::String(word) if word == "inherit" => Ok(AgentRoutes::Inherit),
            Value::Array(_) => Ok(AgentRoutes::Only(names(Self::MOST)(value, path)?)),
            Value::Object(_) => {
                let added = Fields::of(value, path, &["add"])?.need("add", names(Self::MOST))?;
                Ok(AgentRoutes::Add(added))
            }
            _ => Err(SettingFault::at(path, "must be \"inherit\", a list of routes, or {\"add\": […]}")),
        }
    }

    /// As people write it.
    ///
    /// # Errors
    /// The serializer's.
    pub fn written<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Added<'n> {
            add: &'n [SmolStr],
        }
        match self {
            AgentRoutes::Inherit => serializer.serialize_str("inherit"),
            AgentRoutes::Only(names) => names.serialize(serializer),
            AgentRoutes::Add(add) => Added { add }.serialize(serializer),
        }
    }

    /// The names that it mentions, each with its path.
    pub fn mentioned<'n>(&'n self, path: &str) -> Vec<(String, &'n SmolStr)> {
        let (path, names) = match self {
            AgentRoutes::Inherit => return Vec::new(),
            AgentRoutes::Only(names) => (path.to_owned(), names),
            AgentRoutes::Add(names) => (format!("{path}.add"), names),
        };
        names.iter().enumerate().map(|(index, name)| (format!("{path}[{index}]"), name)).collect()
    }

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

impl Maintenance {
    const MOST: usize = 20;
    /// Seconds of a window: a minute to a week.
    const DURATION_S: (u32, u32) = (60, 604_800);

    /// A list of windows.
    ///
    /// # Errors
    /// [`SettingFault`].
    pub fn parse_list(value: &Value, path: &str) -> Result<Vec<Self>, SettingFault> {
        list(Self::MOST, Self::parse)(value, path)
    }

    fn parse(value: &Value, path: &str) -> Result<Self, SettingFault> {
        let given = Fields::of(value, path, &["cron", "duration_s", "timezone"])?;
        let cron = given.need("cron", |value, path| {
            let text = value.as_str().ok_or_else(|| SettingFault::at(path, "must be text"))?.trim();
            Cron::parse(text).map_err(|fault| SettingFault::at(path, fault.to_string()))?;
            Ok(SmolStr::new(text))
        })?;
        let zone = given.read("timezone", |value, path| {
            let name = value.as_str().ok_or_else(|| SettingFault::at(path, "must be text"))?;
            Zone::parse(name).map_err(|fault| SettingFault::at(path, fault.to_string()))
        })?;
        let (least, most) = Self::DURATION_S;
        let timezone = zone.as_ref().map_or("UTC", Zone::name).into();
        Ok(Maintenance { cron, duration_s: given.need("duration_s", whole(least, most))?, timezone })
    }
}
