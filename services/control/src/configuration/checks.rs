//! The part of a file about an agent's checks.

use serde_json::{Map, Value, json};
use tidegate_agentping::Slug;
use tidegate_agentping_checks::{CheckDoc, CheckFault, CheckId, MAX_CHECKS};
use tidegate_agentping_settings::configuration::all_faults;
use tidegate_agentping_settings::fields::joined;
use tidegate_agentping_settings::{SettingFault, kinds};

use super::Owner;
use super::plan::Planner;
use super::stored::Stored;
use crate::manage::Kept;
use crate::problem::Problem;

pub(super) fn plan(
    planner: &mut Planner<'_>,
    stored: &Stored,
    slug: &Slug,
    path: &str,
    (given, owner): (&Value, &Owner<'_>),
) -> Result<(), Problem> {
    let Some(given) = given.as_object() else {
        planner.fault(&SettingFault::at(path, "must be an object of checks by their names"));
        return Ok(());
    };
    let all: Vec<(_, Kept<CheckDoc>)> = stored.all(kinds::CHECK)?;
    let of_agent: Vec<_> = all.into_iter().filter(|(_, check)| check.doc.agent == slug.as_str()).collect();
    let mut count = of_agent.len();
    for (name, members) in given {
        let path = joined(path, name);
        let mut members = members.clone();
        if let Some(members) = members.as_object_mut() {
            members.insert("name".to_owned(), Value::from(name.as_str()));
        }
        let parse = |given: &Value| {
            CheckDoc::parse(slug.as_str(), given, owner.plan, planner.now).map_err(|fault| match fault {
                CheckFault::Member(fault) => fault,
                CheckFault::Plan { member } => SettingFault::at(member, fault.to_string()),
            })
        };
        let wanted = match all_faults(&members, &[], parse) {
            Ok(wanted) => wanted,
            Err(faults) => {
                planner.faults(&path, faults);
                continue;
            }
        };
        match of_agent.iter().find(|(_, check)| check.doc.name == wanted.name) {
            Some((_, check)) => {
                let (from, to) = (written(&check.doc), written(&wanted));
                if from != to {
                    planner.updated(&path, &from, &to);
                    let CheckDoc { version, created_at, applied, .. } = check.doc;
                    let version = version.saturating_add(1);
                    planner
                        .writes
                        .push(check.clone().with(CheckDoc { version, created_at, applied, ..wanted }).write()?);
                }
            }
            None => {
                count += 1;
                let id: CheckId = owner.ids.mint(owner.region, planner.now);
                planner.created(path);
                let name = name_document(&wanted);
                let named = Kept::new(kinds::CHECK_NAME, &name, json!({"id": id.to_string()}));
                let made = Kept::new(kinds::CHECK, &id.to_string(), CheckDoc { applied: true, ..wanted });
                planner.writes.extend([made.write()?, named.write()?]);
            }
        }
    }
    if count > MAX_CHECKS {
        let text = format!("would be {count} checks; an agent may have {MAX_CHECKS}");
        planner.fault(&SettingFault::at(path, text));
    }
    Ok(())
}

/// Deletes those that an apply has made and that are not in the file any more.
pub(super) fn prune(planner: &mut Planner<'_>, stored: &Stored, agents: &Map<String, Value>) -> Result<(), Problem> {
    for (_, kept) in stored.all::<CheckDoc>(kinds::CHECK)? {
        let CheckDoc { agent, name, applied, .. } = &kept.doc;
        let given = agents.get(agent.as_str()).and_then(|agent| agent.get("checks")?.get(name.as_str()));
        if *applied && given.is_none() {
            planner.deleted(joined(&joined(&joined("agents", agent), "checks"), name));
            planner.writes.push(kept.removal());
            planner.writes.extend(stored.removal(kinds::CHECK_NAME, &name_document(&kept.doc)));
        }
    }
    Ok(())
}

/// The name of the document that makes a name this check's.
fn name_document(check: &CheckDoc) -> String {
    format!("{}\n{}", check.agent, check.name)
}

/// All members, with their defaults.
pub(super) fn written(check: &CheckDoc) -> Map<String, Value> {
    let mut members = check.common();
    members.remove("name");
    members.extend(check.members.clone());
    members
}
