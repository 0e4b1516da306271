//! The part of a file about the team as a whole.

use serde_json::{Map, Value, json};
use tidegate_agentping_settings::configuration::all_faults;
use tidegate_agentping_settings::{Fields, SettingFault, TeamDoc, kinds};

use super::plan::Planner;
use super::stored::Stored;
use crate::manage::Kept;
use crate::problem::Problem;

/// An empty object is one that the file does not have.
pub(super) fn plan(planner: &mut Planner<'_>, stored: &Stored, given: &Value) -> Result<(), Problem> {
    if given.as_object().is_some_and(Map::is_empty) {
        return Ok(());
    }
    let parse = |given: &Value| {
        let mut doc = TeamDoc::default();
        doc.change(&Fields::of(given, "", &TeamDoc::MEMBERS)?)?;
        Ok(doc)
    };
    let wanted = match all_faults(given, &[], parse) {
        Ok(wanted) => wanted,
        Err(faults) => {
            planner.faults("team", faults);
            return Ok(());
        }
    };
    let known = stored.route_names()?;
    for (index, name) in wanted.routes.iter().enumerate().filter(|(_, name)| !known.contains(name)) {
        planner
            .fault(&SettingFault::at(format!("team.routes[{index}]"), format!("'{name}' names no route of the team")));
    }
    let mut kept: Kept<TeamDoc> = stored.kept(kinds::TEAM, kinds::WHOLE_TEAM)?;
    if kept.doc != wanted {
        planner.updated("team", &written(&kept.doc), &written(&wanted));
        kept.doc = wanted;
        planner.writes.push(kept.write()?);
    }
    Ok(())
}

/// All members, with their defaults.
pub(super) fn written(doc: &TeamDoc) -> Map<String, Value> {
    let min_usd: Value = serde_json::from_str(&doc.min_usd).unwrap_or_default();
    Map::from_iter([
        ("routes".to_owned(), json!(doc.routes)),
        ("spend".to_owned(), json!({"sigma": doc.sigma, "min_usd": min_usd})),
        ("maintenance".to_owned(), json!(doc.maintenance)),
    ])
}
