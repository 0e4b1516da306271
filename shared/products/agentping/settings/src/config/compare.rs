//! What differs between what a file wants and what is set, member by member.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

/// An object with all its members that can be set, defaults filled in, by its place in the file
/// (`agents.daily.schedule`).
pub type Objects = BTreeMap<String, Map<String, Value>>;

/// What happens to one object, or to one member of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConfigChange {
    pub op: ConfigOp,
    pub what: String,
    /// Of an update: the member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

/// The sorts of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConfigOp {
    Create,
    Update,
    Delete,
}

impl ConfigChange {
    fn whole(op: ConfigOp, what: &str) -> Self {
        ConfigChange { op, what: what.to_owned(), field: None, from: None, to: None }
    }
}

/// The changes from what is set to what is wanted, in the order of places. An object that the file leaves out stays,
/// unless it is `prunable`.
pub fn changes(set: &Objects, wanted: &Objects, prunable: impl Fn(&str) -> bool) -> Vec<ConfigChange> {
    let mut changes = Vec::new();
    for (what, wanted) in wanted {
        match set.get(what) {
            None => changes.push(ConfigChange::whole(ConfigOp::Create, what)),
            Some(set) => members(what, set, wanted, &mut changes),
        }
    }
    let gone = set.keys().filter(|what| !wanted.contains_key(*what) && prunable(what));
    changes.extend(gone.map(|what| ConfigChange::whole(ConfigOp::Delete, what)));
    changes.sort_by(|one, other| one.what.cmp(&other.what).then_with(|| one.field.cmp(&other.field)));
    changes
}

fn members(what: &str, set: &Map<String, Value>, wanted: &Map<String, Value>, changes: &mut Vec<ConfigChange>) {
    let mut names: Vec<&String> = set.keys().chain(wanted.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let (from, to) = (set.get(name), wanted.get(name));
        if from != to {
            changes.push(ConfigChange {
                op: ConfigOp::Update,
                what: what.to_owned(),
                field: Some(name.clone()),
                from: from.cloned(),
                to: to.cloned(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn objects(value: Value) -> Objects {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_differs_is_said_member_by_member() {
        let set = objects(json!({
            "agents.a.schedule": {"cron": "0 2 * * *", "tolerance_s": 600},
            "agents.b": {"tags": ["x"]},
            "guard.cap": {"limit_usd": 20},
            "guard.own": {"limit_usd": 1},
        }));
        let wanted = objects(json!({
            "agents.a.schedule": {"cron": "0 2 * * *", "tolerance_s": 900, "max_runtime_s": 60},
            "agents.b": {"tags": ["x"]},
            "routes.ops": {"kind": "webhook"},
        }));
        let found = changes(&set, &wanted, |what| what == "guard.cap");
        assert_eq!(
            serde_json::to_value(&found).unwrap(),
            json!([
                {"op": "update", "what": "agents.a.schedule", "field": "max_runtime_s", "to": 60},
                {"op": "update", "what": "agents.a.schedule", "field": "tolerance_s", "from": 600, "to": 900},
                {"op": "delete", "what": "guard.cap"},
                {"op": "create", "what": "routes.ops"},
            ])
        );
        assert_eq!(changes(&wanted, &wanted, |_| true), []);
    }
}
