//! `tidegate compare`: whether two keyspaces hold the same.

use std::process::ExitCode;

use serde_json::{Value, json};
use tidegate_ports::{Clock as _, SystemClock};
use tidegate_scylla::{Comparison, Difference, TableComparison, agentping, commands, compare as keyspaces};

use crate::assemble::commands::distributed;
use crate::cli::{Api, CompareArgs};
use crate::config::Config;
use crate::console::Console;
use crate::failure::Failure;

pub(super) async fn compare(config: &Config, args: &CompareArgs, mut console: Console) -> Result<ExitCode, Failure> {
    let options = match args.api {
        Api::AgentPing => config.scylla()?.options.clone(),
        Api::AgentGate => distributed::scylla(config)?,
    };
    let (one, other) = (args.keyspace.as_deref().unwrap_or(&options.keyspace), args.with.as_str());
    if one == other {
        let same = Failure::config(format!("--with {other}: that is the very keyspace to compare it with"));
        return Err(same.or_else("name another one"));
    }
    let (both, now) = ([one, other], SystemClock.now());
    let comparison = match args.api {
        Api::AgentPing => keyspaces::keyspaces(&options, &agentping::SCHEMA, both, now).await?,
        Api::AgentGate => keyspaces::keyspaces(&options, &commands::SCHEMA, both, now).await?,
    };
    if args.json {
        console.json(&as_json(one, other, &comparison));
    } else {
        as_lines(&mut console, one, other, &comparison);
    }
    Ok(if comparison.are_equal() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn as_json(one: &str, other: &str, comparison: &Comparison) -> Value {
    let table = |table: &TableComparison| {
        json!({
            "table": table.table, "rows": [table.rows_one, table.rows_other], "differences": table.differences,
        })
    };
    let difference = |difference: &Difference| {
        json!({
            "table": difference.table, "key": difference.key, "column": difference.column,
            "values": [difference.one, difference.other],
        })
    };
    json!({
        "keyspaces": [one, other],
        "equal": comparison.are_equal(),
        "tables": comparison.tables.iter().map(table).collect::<Vec<_>>(),
        "first_differences": comparison.first.iter().map(difference).collect::<Vec<_>>(),
    })
}

fn as_lines(console: &mut Console, one: &str, other: &str, comparison: &Comparison) {
    let row = |table: &TableComparison| {
        let (ours, theirs) = (table.rows_one.to_string(), table.rows_other.to_string());
        [table.table.to_owned(), ours, theirs, table.differences.to_string()]
    };
    let rows: Vec<_> = comparison.tables.iter().map(row).collect();
    console.table(["TABLE", one, other, "DIFFERENCES"], &rows);
    for Difference { table, key, column, one, other } in &comparison.first {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        let place = column.map_or_else(String::new, |column| format!(" {column}"));
        console.line(format_args!("{table} {key}{place}: {} against {}", value(one), value(other)));
    }
    console.line(format_args!("{one} and {other} are {}", if comparison.are_equal() { "equal" } else { "different" }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named_with_both_values() {
        let tables = vec![TableComparison { table: "runs", rows_one: 2, rows_other: 1, differences: 1 }];
        let difference = Difference {
            table: "runs",
            key: "team=1 run=2".to_owned(),
            column: Some("status"),
            one: Some("success".to_owned()),
            other: None,
        };
        let comparison = Comparison { tables, first: vec![difference] };
        let shown = as_json("a", "b", &comparison);
        assert_eq!(shown["equal"], false);
        assert_eq!(shown["tables"][0]["rows"], json!([2, 1]));
        assert_eq!(shown["first_differences"][0]["values"], json!(["success", null]));
        assert_eq!(as_json("a", "b", &Comparison::default())["equal"], true);
    }
}
