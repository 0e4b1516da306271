//! The part of a file about guard rules.

use serde_json::{Map, Value, json};
use tidegate_agentping_settings::configuration::all_faults;
use tidegate_agentping_settings::fields::joined;
use tidegate_agentping_settings::{GuardRuleId, RuleDoc, SettingFault, kinds};

use super::Owner;
use super::plan::Planner;
use super::stored::Stored;
use crate::manage::Kept;
use crate::problem::Problem;

pub(super) fn plan(
    planner: &mut Planner<'_>,
    stored: &Stored,
    given: &Value,
    owner: &Owner<'_>,
) -> Result<(), Problem> {
    let Some(given) = given.as_object() else {
        planner.fault(&SettingFault::at("guard", "must be an object of rules by their names"));
        return Ok(());
    };
    let rules: Vec<(_, Kept<RuleDoc>)> = stored.all(kinds::RULE)?;
    let mut count = rules.len();
    // Of the members that every rule has.
    let stand_ins = [("spend_of", json!("team")), ("window", json!("day")), ("limit_usd", json!(1))];
    for (name, members) in given {
        let path = joined("guard", name);
        let mut members = members.clone();
        if let Some(members) = members.as_object_mut() {
            members.insert("name".to_owned(), Value::from(name.as_str()));
        }
        let wanted = match all_faults(&members, &stand_ins, |given| RuleDoc::parse(given, planner.now)) {
            Ok(wanted) => wanted,
            Err(faults) => {
                planner.faults(&path, faults);
                continue;
            }
        };
        match rules.iter().find(|(_, rule)| rule.doc.name == wanted.name) {
            Some((_, rule)) => {
                let (from, to) = (written(&rule.doc)?, written(&wanted)?);
                if from != to {
                    planner.updated(&path, &from, &to);
                    let RuleDoc { created_at, applied, .. } = rule.doc;
                    planner.writes.push(rule.clone().with(RuleDoc { created_at, applied, ..wanted }).write()?);
                }
            }
            None => {
                count += 1;
                planner.created(path);
                let id: GuardRuleId = owner.ids.mint(owner.region, planner.now);
                let named = Kept::new(kinds::RULE_NAME, &wanted.name, json!({"id": id.to_string()}));
                let made = Kept::new(kinds::RULE, &id.to_string(), RuleDoc { applied: true, ..wanted });
                planner.writes.extend([made.write()?, named.write()?]);
            }
        }
    }
    if count > RuleDoc::MAX_RULES {
        let text = format!("would be {count} rules; a team may have {}", RuleDoc::MAX_RULES);
        planner.fault(&SettingFault::at("guard", text));
    }
    let is_pruned = planner.prune;
    for (_, rule) in rules.iter().filter(|_| is_pruned) {
        if rule.doc.applied && !given.contains_key(rule.doc.name.as_str()) {
            planner.deleted(joined("guard", &rule.doc.name));
            planner.writes.push(rule.removal());
            planner.writes.extend(stored.removal(kinds::RULE_NAME, &rule.doc.name));
        }
    }
    Ok(())
}

/// All members, with their defaults.
///
/// # Errors
/// [`Problem::Defect`].
pub(super) fn written(rule: &RuleDoc) -> Result<Map<String, Value>, Problem> {
    #[derive(serde::Serialize)]
    struct Limit(#[serde(serialize_with = "tidegate_kernel::usd::decimal")] tidegate_kernel::Usd);
    Ok(Map::from_iter([
        ("enabled".to_owned(), json!(rule.enabled)),
        ("match".to_owned(), serde_json::to_value(&rule.matches)?),
        ("spend_of".to_owned(), json!(rule.spend_of.as_str())),
        ("window".to_owned(), json!(rule.window.to_string())),
        ("limit_usd".to_owned(), serde_json::from_str(&serde_json::to_string(&Limit(rule.limit))?)?),
        ("action".to_owned(), json!(rule.action.as_str())),
    ]))
}
