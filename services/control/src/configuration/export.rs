//! A team's settings as a file. Members at their defaults are left out.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tidegate_agentping::Slug;
use tidegate_agentping_checks::CheckDoc;
use tidegate_agentping_pulse::{Definition, RoutePolicy};
use tidegate_agentping_settings::configuration::yaml;
use tidegate_agentping_settings::{AgentDoc, RouteDoc, RuleDoc, ScheduleDoc, TeamDoc, kinds};

use super::stored::Stored;
use super::variables::{SecretNames, name_for, secrets_of};
use super::{agents, checks, guard, routes, team};
use crate::manage::Kept;
use crate::problem::Problem;

/// # Errors
/// [`Problem::StoreBroken`]: a document cannot be read.
pub(super) fn file(stored: &Stored) -> Result<String, Problem> {
    let of_team: Kept<TeamDoc> = stored.kept(kinds::TEAM, kinds::WHOLE_TEAM)?;
    let team = apart_from(team::written(&of_team.doc), &team::written(&TeamDoc::default()));
    let mut rules = Map::new();
    for (_, rule) in stored.all::<RuleDoc>(kinds::RULE)? {
        let defaults = Map::from_iter([
            ("enabled".to_owned(), json!(true)),
            ("match".to_owned(), json!({})),
            ("action".to_owned(), json!("block")),
        ]);
        rules.insert(rule.doc.name.to_string(), Value::Object(apart_from(guard::written(&rule.doc)?, &defaults)));
    }
    let names: Kept<SecretNames> = stored.kept(kinds::CONFIG, kinds::WHOLE_TEAM)?;
    let mut all_routes = Map::new();
    for (_, route) in stored.all::<RouteDoc>(kinds::ROUTE)? {
        all_routes.insert(route.doc.name.to_string(), Value::Object(of_route(&route.doc, &names.doc)));
    }
    // In the order in which people read it.
    let mut text = yaml(&Map::from_iter([("version".to_owned(), json!(1))]));
    for (name, section) in [("team", team), ("routes", all_routes), ("agents", all_agents(stored)?), ("guard", rules)] {
        if !section.is_empty() {
            text.push_str(&yaml(&Map::from_iter([(name.to_owned(), Value::Object(section))])));
        }
    }
    Ok(text)
}

/// With the names of variables for its secrets. A webhook's own secret is left out unless a file has given it.
fn of_route(route: &RouteDoc, names: &SecretNames) -> Map<String, Value> {
    let defaults = Map::from_iter([
        ("min_severity".to_owned(), json!("info")),
        ("min_interval_s".to_owned(), json!(RoutePolicy::MIN_INTERVAL_S)),
        ("reminders".to_owned(), json!(true)),
        ("digest_timezone".to_owned(), json!("UTC")),
        ("enabled".to_owned(), json!(true)),
    ]);
    let mut file = apart_from(routes::written(route), &defaults);
    let mut headers = Map::new();
    for path in secrets_of(&route.target).into_keys() {
        let is_given = names.routes.get(route.name.as_str()).is_some_and(|given| given.contains_key(&path));
        let value = Value::from(format!("${{{}}}", name_for(names, &route.name, &path)));
        match path.strip_prefix("headers.") {
            Some(header) => _ = headers.insert(header.to_owned(), value),
            None if path != "secret" || is_given => _ = file.insert(path, value),
            None => {}
        }
    }
    if !headers.is_empty() {
        file.insert("headers".to_owned(), Value::Object(headers));
    }
    file
}

/// Those of whom something is set, or that were made over the API.
fn all_agents(stored: &Stored) -> Result<Map<String, Value>, Problem> {
    let mut file: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let unset = agents::written(&AgentDoc::default());
    for (name, kept) in stored.all::<AgentDoc>(kinds::AGENT)? {
        if Slug::parse(&name).is_ok_and(|slug| stored.has_agent(&slug, &kept.doc)) && kept.doc.is_there(None) {
            file.insert(name.to_string(), apart_from(agents::written(&kept.doc), &unset));
        }
    }
    for (name, kept) in stored.all::<ScheduleDoc>(kinds::SCHEDULE)? {
        if let Some((_, definition)) = kept.doc.current() {
            below(&mut file, &name).insert("schedule".to_owned(), Value::Object(schedule(definition)?));
        }
    }
    for (_, kept) in stored.all::<CheckDoc>(kinds::CHECK)? {
        let defaults = Map::from_iter([
            ("enabled".to_owned(), json!(true)),
            ("when".to_owned(), json!("success")),
            ("alert_after".to_owned(), json!(1)),
        ]);
        let check = Value::Object(apart_from(checks::written(&kept.doc), &defaults));
        let agent = below(&mut file, &kept.doc.agent);
        let all = agent.entry("checks").or_insert_with(|| json!({}));
        if let Some(all) = all.as_object_mut() {
            all.insert(kept.doc.name.to_string(), check);
        }
    }
    Ok(file.into_iter().map(|(name, members)| (name, Value::Object(members))).collect())
}

fn schedule(definition: &Definition) -> Result<Map<String, Value>, Problem> {
    let whole = agents::definition(definition)?;
    let timing: Map<String, Value> = whole
        .iter()
        .filter(|(name, _)| matches!(name.as_str(), "cron" | "every_s"))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    let bare = Definition::parse(&timing).map_err(|fault| Problem::Defect { cause: fault.to_string() })?;
    let mut file = apart_from(whole, &agents::definition(&bare)?);
    file.extend(timing);
    Ok(file)
}

/// An agent's members in the file.
fn below<'f>(file: &'f mut BTreeMap<String, Map<String, Value>>, name: &str) -> &'f mut Map<String, Value> {
    file.entry(name.to_owned()).or_default()
}

/// The members that are not at their defaults.
fn apart_from(mut members: Map<String, Value>, defaults: &Map<String, Value>) -> Map<String, Value> {
    members.retain(|name, value| defaults.get(name) != Some(value));
    members
}
