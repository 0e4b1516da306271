//! The part of a file about agents: what is set of each, and its schedule.

use serde_json::{Map, Value, json};
use tidegate_agentping::Slug;
use tidegate_agentping_pulse::Definition;
use tidegate_agentping_settings::configuration::all_faults;
use tidegate_agentping_settings::fields::joined;
use tidegate_agentping_settings::{AgentDoc, AgentRoutes, Fields, ScheduleDoc, SettingFault, kinds};

use super::plan::Planner;
use super::stored::Stored;
use super::{Owner, checks};
use crate::manage::Kept;
use crate::problem::Problem;

pub(super) fn plan(
    planner: &mut Planner<'_>,
    stored: &Stored,
    given: &Value,
    owner: &Owner<'_>,
) -> Result<(), Problem> {
    let Some(agents) = given.as_object() else {
        planner.fault(&SettingFault::at("agents", "must be an object of agents by their slugs"));
        return Ok(());
    };
    for (name, given) in agents {
        let path = joined("agents", name);
        match Slug::sent(name) {
            Ok(slug) if slug.as_str() == name => agent(planner, stored, &slug, &path, given, owner)?,
            Ok(_) => planner.fault(&SettingFault::at(&path, "has blanks at its ends: leave them out")),
            Err(error) => planner.fault(&SettingFault::at(&path, error.to_string())),
        }
    }
    within_cap(planner, stored, owner);
    if planner.prune {
        prune(planner, stored, agents)?;
        checks::prune(planner, stored, agents)?;
    }
    Ok(())
}

fn agent(
    planner: &mut Planner<'_>,
    stored: &Stored,
    slug: &Slug,
    path: &str,
    given: &Value,
    owner: &Owner<'_>,
) -> Result<(), Problem> {
    let empty = Value::Object(Map::new());
    let given = if given.is_null() { &empty } else { given };
    let Some(members) = given.as_object() else {
        planner.fault(&SettingFault::at(path, "must be an object"));
        return Ok(());
    };
    let mut own = members.clone();
    let (schedule, checks) = (own.remove("schedule"), own.remove("checks"));
    let parse = |given: &Value| {
        let mut doc = AgentDoc::default();
        doc.change(&Fields::of(given, "", &AgentDoc::MEMBERS)?)?;
        Ok(doc)
    };
    match all_faults(&Value::Object(own), &[], parse) {
        Ok(wanted) => set(planner, stored, slug, path, wanted)?,
        Err(faults) => planner.faults(path, faults),
    }
    if let Some(given) = schedule.filter(|given| !given.is_null()) {
        set_schedule(planner, stored, slug, &joined(path, "schedule"), &given)?;
    }
    let checks = checks.filter(|given| !given.is_null()).unwrap_or(empty);
    checks::plan(planner, stored, slug, &joined(path, "checks"), (&checks, owner))
}

fn set(planner: &mut Planner<'_>, stored: &Stored, slug: &Slug, path: &str, wanted: AgentDoc) -> Result<(), Problem> {
    let known = stored.route_names()?;
    for (path, name) in wanted.routes.mentioned(&joined(path, "routes")) {
        if !known.contains(name) {
            planner.fault(&SettingFault::at(path, format!("'{name}' names no route of the team")));
        }
    }
    let mut kept: Kept<AgentDoc> = stored.kept(kinds::AGENT, slug.as_str())?;
    let is_there = stored.has_agent(slug, &kept.doc);
    if !is_there {
        planner.agents.push(slug.clone());
        planner.created(path.to_owned());
        kept.doc = AgentDoc { created_at: Some(planner.now), deleted_at: None, applied: true, ..wanted };
        planner.writes.push(kept.write()?);
        return Ok(());
    }
    // One that was deleted and has reported again has nothing of what was set before.
    let before = if kept.doc.is_there(None) { kept.doc.clone() } else { AgentDoc::default() };
    let (created_at, applied) = (before.created_at, before.applied || !kept.is_stored());
    let after = AgentDoc { created_at, deleted_at: None, applied, ..wanted };
    let (from, to) = (written(&before), written(&after));
    if from != to {
        planner.updated(path, &from, &to);
        kept.doc = after;
        planner.writes.push(kept.write()?);
    }
    Ok(())
}

fn set_schedule(
    planner: &mut Planner<'_>,
    stored: &Stored,
    slug: &Slug,
    path: &str,
    given: &Value,
) -> Result<(), Problem> {
    let parse = |given: &Value| {
        let members = given.as_object().ok_or_else(|| SettingFault::at("", "must be an object"))?;
        Definition::parse(members).map_err(SettingFault::from)
    };
    let wanted = match all_faults(given, &[("cron", json!("@daily"))], parse) {
        Ok(wanted) => wanted,
        Err(faults) => {
            planner.faults(path, faults);
            return Ok(());
        }
    };
    let mut kept: Kept<ScheduleDoc> = stored.kept(kinds::SCHEDULE, slug.as_str())?;
    let before = kept.doc.current().map(|(_, definition)| definition.clone());
    match &before {
        None => {
            planner.created(path.to_owned());
            kept.doc.applied = true;
        }
        Some(before) => planner.updated(path, &definition(before)?, &definition(&wanted)?),
    }
    if kept.doc.set(planner.now, Some(wanted)) {
        planner.writes.push(kept.write()?);
    }
    Ok(())
}

/// Whether the plan has slots for the agents that are to be made.
fn within_cap(planner: &mut Planner<'_>, stored: &Stored, owner: &Owner<'_>) {
    let counted = stored.rows.values().filter(|row| !row.is_archived()).count() + planner.agents.len();
    if let Some(cap) =
        owner.plan.limits().agents.filter(|cap| !planner.agents.is_empty() && counted as u64 > u64::from(*cap))
    {
        let text = format!("would be {counted} agents with those that there are; the plan allows {cap}");
        planner.fault(&SettingFault::at("agents", text));
    }
}

/// Deletes what an apply has made and is not in the file any more.
fn prune(planner: &mut Planner<'_>, stored: &Stored, given: &Map<String, Value>) -> Result<(), Problem> {
    for (name, mut kept) in stored.all::<ScheduleDoc>(kinds::SCHEDULE)? {
        let is_given =
            given.get(name.as_str()).and_then(|agent| agent.get("schedule")).is_some_and(|one| !one.is_null());
        if kept.doc.applied && !is_given && kept.doc.set(planner.now, None) {
            planner.deleted(joined(&joined("agents", &name), "schedule"));
            planner.writes.push(kept.write()?);
        }
    }
    for (name, mut kept) in stored.all::<AgentDoc>(kinds::AGENT)? {
        let is_there = kept.doc.applied && kept.doc.deleted_at.is_none();
        if !is_there || given.contains_key(name.as_str()) {
            continue;
        }
        planner.deleted(joined("agents", &name));
        let has_run = Slug::parse(&name).ok().and_then(|slug| stored.rows.get(&slug)?.last_seen).is_some();
        if has_run {
            // It reports: only what was set of it goes.
            planner.writes.push(kept.removal());
        } else {
            kept.doc = AgentDoc { deleted_at: Some(planner.now), ..AgentDoc::default() };
            planner.writes.push(kept.write()?);
        }
    }
    Ok(())
}

/// All members, with their defaults.
pub(super) fn written(doc: &AgentDoc) -> Map<String, Value> {
    #[derive(serde::Serialize)]
    struct Routes<'r>(#[serde(serialize_with = "AgentRoutes::written")] &'r AgentRoutes);
    let mut members = Map::from_iter([
        ("tags".to_owned(), json!(doc.tags)),
        ("routes".to_owned(), json!(Routes(&doc.routes))),
        ("maintenance".to_owned(), json!(doc.maintenance)),
    ]);
    if let Some(description) = &doc.description {
        members.insert("description".to_owned(), json!(description));
    }
    members
}

/// All members, with their defaults.
///
/// # Errors
/// [`Problem::Defect`].
pub(super) fn definition(definition: &Definition) -> Result<Map<String, Value>, Problem> {
    match serde_json::to_value(definition)? {
        Value::Object(members) => Ok(members),
        other => Err(Problem::Defect { cause: format!("a schedule is written as {other}") }),
    }
}
