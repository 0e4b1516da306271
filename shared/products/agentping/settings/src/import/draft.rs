//! Agents of a configuration that is being made.

use serde_json::{Map, Value};
use tidegate_agentping::Slug;
use tidegate_agentping_pulse::Definition;

use crate::agent::AgentDoc;
use crate::fields::Fields;

/// The shortest and the longest tolerance, in seconds.
const TOLERANCE_S: (u64, u64) = (60, 2_419_200);
/// The shortest and the longest period.
const PERIOD_S: (u64, u64) = (60, 31_536_000);

/// The agents so far, by slug, and what is to be known of them.
#[derive(Debug, Default)]
pub struct Drafts {
    pub agents: Map<String, Value>,
    pub notes: Vec<String>,
}

/// When runs are expected, as another program says it.
#[derive(Clone, Debug)]
pub enum When {
    Cron {
        cron: String,
        timezone: String,
    },
    /// So many seconds after the last run.
    Every {
        seconds: u64,
    },
}

/// One agent, as another program has it.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub name: String,
    pub description: Option<String>,
    pub tags: Vec<String>,
    pub when: Option<When>,
    pub grace_s: Option<u64>,
}

impl Drafts {
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Adds an agent under a name that none has; `whence` is where it was found.
    pub fn add(&mut self, draft: Draft, whence: &str) {
        let slug = self.free_slug(&draft.name);
        if slug != draft.name {
            self.note(format!("{whence}: the agent is '{slug}', since '{}' is taken or no agent's name", draft.name));
        }
        let mut agent = Map::new();
        self.put_texts(&mut agent, &draft, &slug);
        if let Some(when) = &draft.when {
            match self.schedule(when, draft.grace_s, &slug) {
                Ok(schedule) => _ = agent.insert("schedule".to_owned(), Value::Object(schedule)),
                Err(why) => self.note(format!("{whence}: '{slug}' has no schedule: {why}")),
            }
        }
        self.agents.insert(slug, Value::Object(agent));
    }

    /// Description and tags, as far as an agent may have them.
    fn put_texts(&mut self, agent: &mut Map<String, Value>, draft: &Draft, slug: &str) {
        let texts = [
            ("description", draft.description.as_ref().map(|text| Value::from(text.trim()))),
            ("tags", Some(Value::from(draft.tags.clone()))),
        ];
        for (member, value) in texts {
            let Some(value) = value.filter(|value| *value != Value::from("") && *value != Value::Array(Vec::new()))
            else {
                continue;
            };
            let alone = Value::Object(Map::from_iter([(member.to_owned(), value.clone())]));
            let fault =
                Fields::of(&alone, "", &AgentDoc::MEMBERS).and_then(|fields| AgentDoc::default().change(&fields)).err();
            match fault {
                None => _ = agent.insert(member.to_owned(), value),
                Some(fault) => self.note(format!("'{slug}' is without its {member}: it {}", fault.text)),
            }
        }
    }

    fn schedule(&mut self, when: &When, grace_s: Option<u64>, slug: &str) -> Result<Map<String, Value>, String> {
        let mut members = Map::new();
        let mut longest = TOLERANCE_S.1;
        match when {
            When::Cron { cron, timezone } => {
                members.insert("cron".to_owned(), cron.clone().into());
                if timezone != "UTC" {
                    members.insert("timezone".to_owned(), timezone.clone().into());
                }
            }
            When::Every { seconds } => {
                let period = self.within("period", *seconds, PERIOD_S, slug);
                members.insert("every_s".to_owned(), period.into());
                longest = longest.min(period);
            }
        }
        if let Some(grace_s) = grace_s {
            let tolerance = self.within("tolerance", grace_s, (TOLERANCE_S.0, longest), slug);
            members.insert("tolerance_s".to_owned(), tolerance.into());
        }
        match Definition::parse(&members) {
            Ok(_) => Ok(members),
            Err(fault) => Err(fault.to_string()),
        }
    }

    fn within(&mut self, what: &str, seconds: u64, (least, most): (u64, u64), slug: &str) -> u64 {
        let fitting = seconds.clamp(least, most);
        if fitting != seconds {
            self.note(format!("'{slug}': the {what} is {fitting} s, not {seconds} s: {least} to {most} are possible"));
        }
        fitting
    }

    /// The name as an agent may have it, with a number where another one has it.
    fn free_slug(&self, name: &str) -> String {
        let plain: String = name.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
        let short: String = plain.trim().chars().take(Slug::MAX_CHARS - 4).collect();
        let first = Slug::sent(&short).map_or_else(|_| "agent".to_owned(), |slug| slug.as_str().to_owned());
        let numbered = (2..).map(|number: u32| format!("{first}-{number}"));
        let mut names = std::iter::once(first.clone()).chain(numbered);
        names.find(|name| !self.agents.contains_key(name)).unwrap_or(first)
    }
}
