//! A team's own members, and everything that it has set, as those read it who decide by it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tidegate_agentping::{AgentNames, Slug};
use tidegate_agentping_ports::NamesDoc;
use tidegate_kernel::{SmolStr, Timestamp, Usd};
use tidegate_mirror::Mirrored;
use tidegate_ports::Document;

use crate::agent::{AgentDoc, Maintenance};
use crate::badge::BadgeDoc;
use crate::fields::{Fields, Patch, SettingFault, names};
use crate::kinds;
use crate::pause::{MuteDoc, PauseDoc, PauseSpan};
use crate::route::RouteDoc;
use crate::rule::RuleDoc;
use crate::schedule::ScheduleDoc;

/// What is set of a team as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize)]
#[serde(default)]
pub struct TeamDoc {
    /// The names of the routes that agents inherit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<SmolStr>,
    /// How many deviations above the mean a day's spend must be to alert.
    pub sigma: f64,
    /// Below this a day's spend never alerts.
    pub min_usd: SmolStr,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maintenance: Vec<Maintenance>,
}

impl TeamDoc {
    /// The members that people set.
    pub const MEMBERS: [&'static str; 3] = ["routes", "spend", "maintenance"];
    const ROUTES: usize = 50;

    /// Changes the members that are given; `null` sets the default again.
    ///
    /// # Errors
    /// [`SettingFault`]: the first member that is wrong.
    pub fn change(&mut self, given: &Fields<'_>) -> Result<(), SettingFault> {
        let unset = TeamDoc::default();
        given.patch("routes", names(Self::ROUTES))?.apply_or(&mut self.routes, Vec::new());
        match given.patch("spend", |value, path| Fields::of(value, path, &["sigma", "min_usd"]))? {
            Patch::Keep => {}
            Patch::Unset => (self.sigma, self.min_usd) = (unset.sigma, unset.min_usd),
            Patch::Set(spend) => {
                spend.patch("sigma", sigma)?.apply_or(&mut self.sigma, unset.sigma);
                spend.patch("min_usd", usd)?.apply_or(&mut self.min_usd, unset.min_usd);
            }
        }
        given.patch("maintenance", Maintenance::parse_list)?.apply_or(&mut self.maintenance, Vec::new());
        Ok(())
    }

    /// Below this a day's spend never alerts.
    pub fn min_spend(&self) -> Usd {
        Usd::parse(&self.min_usd).unwrap_or(Usd::ZERO)
    }
}

fn sigma(value: &Value, path: &str) -> Result<f64, SettingFault> {
    let number = value.as_f64().filter(|number| *number > 0.0 && *number <= 100.0);
    number.ok_or_else(|| SettingFault::at(path, "must be a number above 0, at most 100"))
}

fn usd(value: &Value, path: &str) -> Result<SmolStr, SettingFault> {
    let number = value.as_number().map(serde_json::Number::to_string);
    let number = number.filter(|text| Usd::parse(text).is_ok());
    number.map(SmolStr::from).ok_or_else(|| SettingFault::at(path, "must be a number of US dollars, not below 0"))
}

impl Default for TeamDoc {
    fn default() -> Self {
        TeamDoc { routes: Vec::new(), sigma: 2.5, min_usd: "1".into(), maintenance: Vec::new() }
    }
}

/// Everything that a team has set.
#[derive(Debug, Default)]
pub struct TeamSettings {
    pub team: TeamDoc,
    /// What agents' names mean. All that is set is by name.
    pub names: AgentNames,
    pub agents: BTreeMap<Slug, AgentDoc>,
    pub schedules: BTreeMap<Slug, ScheduleDoc>,
    /// By slug; that of the whole team is apart.
    pub pauses: BTreeMap<Slug, PauseDoc>,
    pub team_pause: PauseDoc,
    /// By the names of their documents.
    pub mutes: BTreeMap<SmolStr, MuteDoc>,
    /// Guard rules by id.
    pub rules: BTreeMap<SmolStr, RuleDoc>,
    /// Checks by id, as they are stored: what they ask is the business of whoever evaluates them.
    pub checks: BTreeMap<SmolStr, Value>,
    /// By id.
    pub routes: BTreeMap<SmolStr, RouteDoc>,
    /// By id.
    pub badges: BTreeMap<SmolStr, BadgeDoc>,
}

impl TeamSettings {
    /// The mute that holds for an agent: its own, or the team's.
    pub fn mute_of(&self, agent: &Slug, now: Timestamp) -> Option<&MuteDoc> {
        let own = self.mutes.get(kinds::mute_of_agent(agent).as_str());
        let of_team = self.mutes.get(kinds::WHOLE_TEAM);
        own.into_iter().chain(of_team).find(|mute| mute.holds(now))
    }

    /// The pause that holds for an agent: its own, or the team's.
    pub fn pause_of(&self, agent: &Slug, now: Timestamp) -> Option<&PauseSpan> {
        self.team_pause.at(now).or_else(|| self.pauses.get(agent)?.at(now))
    }
}

impl Mirrored for TeamSettings {
    /// A rename moves documents of the other kinds.
    const MOVES: Option<&'static str> = Some(kinds::NAMES);
    const KINDS: &'static [&'static str] = &[
        kinds::NAMES,
        kinds::TEAM,
        kinds::AGENT,
        kinds::SCHEDULE,
        kinds::PAUSE,
        kinds::MUTE,
        kinds::RULE,
        kinds::CHECK,
        kinds::ROUTE,
        kinds::BADGE,
    ];

    fn of(space: &str, documents: Vec<Document>) -> Self {
        let mut settings = TeamSettings::default();
        for document in documents {
            let Document { kind, name, .. } = &document;
            let slug = || Slug::parse(name).ok();
            match kind.as_str() {
                kinds::NAMES => {
                    let renames = read::<NamesDoc>(space, &document).unwrap_or_default();
                    settings.names = AgentNames::of(&renames.renames);
                }
                kinds::TEAM => settings.team = read(space, &document).unwrap_or_default(),
                kinds::AGENT => keep(&mut settings.agents, slug(), read(space, &document)),
                kinds::SCHEDULE => keep(&mut settings.schedules, slug(), read(space, &document)),
                kinds::PAUSE if name.is_empty() => settings.team_pause = read(space, &document).unwrap_or_default(),
                kinds::PAUSE => keep(&mut settings.pauses, slug(), read(space, &document)),
                kinds::MUTE => keep(&mut settings.mutes, Some(name.clone()), read(space, &document)),
                kinds::CHECK => keep(&mut settings.checks, Some(name.clone()), read(space, &document)),
                kinds::RULE => keep(&mut settings.rules, Some(name.clone()), read(space, &document)),
                kinds::ROUTE => keep(&mut settings.routes, Some(name.clone()), read(space, &document)),
                kinds::BADGE => keep(&mut settings.badges, Some(name.clone()), read(space, &document)),
                _ => {}
            }
        }
        settings
    }
}

fn keep<K: Ord, V>(map: &mut BTreeMap<K, V>, key: Option<K>, value: Option<V>) {
    if let (Some(key), Some(value)) = (key, value) {
        map.insert(key, value);
    }
}

/// Reads a document. One of a later build, or a damaged one, is left out and reported.
pub fn read<T: DeserializeOwned>(space: &str, document: &Document) -> Option<T> {
    let Document { kind, name, doc, .. } = document;
    serde_json::from_slice(doc)
        .inspect_err(|error| tracing::error!(team = space, %kind, %name, %error, "a setting cannot be read"))
        .ok()
}
