//! The tables by which two keyspaces of AgentPing are compared.
//!
//! `orphans` and `orphan_days` are not among them: they are hints that depend on how records were batched. `accounts` and
//! `notes` are not either: they depend on where each keyspace's first persister started, and notes expire.

use scylla::value::CqlValue;
use tidegate_agentping::Event;

use crate::compared_table::{ComparedTable, down, up};

pub(super) const TABLES: &[ComparedTable] = &[
    ComparedTable {
        name: "runs",
        table: "runs",
        partition: "team, run",
        is_distinct: true,
        key: &[up("team"), up("run")],
        cells: &["position", "summary", "WRITETIME(position)", "WRITETIME(summary)"],
        rows_per_page: 200,
        ..ComparedTable::USUAL
    },
    ComparedTable {
        name: "runs, events",
        table: "runs",
        partition: "team, run",
        same: same_event,
        key: &[up("team"), up("run"), up("event")],
        cells: &["content_hash", "received_at", "body"],
        rows_per_page: 200,
        ..ComparedTable::USUAL
    },
    ComparedTable {
        name: "event_owners",
        table: "event_owners",
        partition: "team, born_minute",
        key: &[up("team"), up("born_minute"), up("event"), up("run")],
        ..ComparedTable::USUAL
    },
    ComparedTable {
        name: "run_listing",
        table: "run_listing",
        partition: "team, facet, label, day, bucket",
        key: &[up("team"), up("facet"), up("label"), up("day"), up("bucket"), down("started_at"), down("run")],
        cells: &["line"],
        ..ComparedTable::USUAL
    },
    ComparedTable {
        name: "run_days",
        table: "run_days",
        partition: "team, facet, label",
        key: &[up("team"), up("facet"), up("label"), down("day"), up("bucket")],
        ..ComparedTable::USUAL
    },
    ComparedTable {
        name: "run_usage",
        table: "run_usage",
        partition: "team, month, bucket",
        key: &[up("team"), up("month"), up("bucket"), up("run")],
        cells: &["units"],
        ..ComparedTable::USUAL
    },
    ComparedTable {
        name: "run_repeats",
        table: "run_repeats",
        partition: "team, month, bucket",
        key: &[up("team"), up("month"), up("bucket"), up("agent"), up("run")],
        cells: &["repeats"],
        ..ComparedTable::USUAL
    },
    ComparedTable {
        name: "run_agents",
        table: "run_agents",
        partition: "team",
        key: &[up("team"), up("slug")],
        cells: &["first_seen", "last_seen"],
        ..ComparedTable::USUAL
    },
    ComparedTable {
        name: "unpriced_models",
        table: "unpriced_models",
        partition: "team, month",
        key: &[up("team"), up("month"), up("provider"), up("model")],
        ..ComparedTable::USUAL
    },
];

/// An event may be written in either of two forms.
fn same_event(column: &str, one: Option<&CqlValue>, other: Option<&CqlValue>) -> bool {
    let event = |value: Option<&CqlValue>| match value {
        Some(CqlValue::Text(text)) if column == "body" => serde_json::from_str::<Event>(text).ok(),
        _ => None,
    };
    one == other || event(one).is_some_and(|event_of_one| Some(event_of_one) == event(other))
}

#[cfg(test)]
mod tests {
    use scylla::value::CqlValue;

    use super::same_event as same;

    #[test]
    fn an_event_says_the_same_in_either_form() {
        let text = |text: String| Some(CqlValue::Text(text));
        let id = "evt_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b1";
        let named = text(format!(r#"{{"id":"{id}","type":"x","ts_ms":1,"data":{{}},"content_hash":7}}"#));
        let listed = |turn| text(format!(r#"["{id}","x",1,{turn},{{}},7,false,null]"#));
        assert!(same("body", named.as_ref(), listed("null").as_ref()));
        assert!(!same("body", named.as_ref(), listed("2").as_ref()));
        assert!(!same("line", named.as_ref(), listed("null").as_ref()));
        assert!(!same("body", text("altered".to_owned()).as_ref(), text("else".to_owned()).as_ref()));
        assert!(same("body", None, None) && !same("body", None, named.as_ref()));
    }
}
