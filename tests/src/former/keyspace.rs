//! The rows of a keyspace as a file: one JSON line each, with the write timestamps that they had.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::files;
use crate::stack::rows::Rows;
use crate::stack::{Addresses, Settings};

const FILE: &str = "keyspace.jsonl";

/// What the schema itself keeps: made again by `tidegate migrate`.
const OF_THE_SCHEMA: [&str; 3] = ["schema_migrations", "schema_lock", "schema_region"];

/// The rows of all tables.
#[derive(Debug)]
pub struct Keyspace(Vec<Row>);

/// Cells that were written together, next to the key of their row.
#[derive(Debug, Deserialize, Serialize)]
struct Row {
    table: String,
    cells: Map<String, Value>,
    /// The latest of the cells'.
    written_at: i64,
}

/// The columns of one table, by what they are to a row.
#[derive(Debug, Default)]
struct Columns {
    partition_key: Vec<String>,
    clustering: Vec<String>,
    fixed: Vec<String>,
    regular: Vec<String>,
}

impl Keyspace {
    /// All rows of a deployment's keyspace.
    pub async fn of(settings: &Settings, stack: &Addresses) -> Self {
        let rows = Rows::connect(&stack.cql).await.unwrap();
        let keyspace = settings.keyspace();
        let mut all = Vec::new();
        for (table, columns) in tables(&rows, &keyspace).await {
            let of_table = rows.select(&format!("SELECT JSON * FROM {keyspace}.{table}")).await.unwrap();
            let stamps = columns.stamps(&rows, &keyspace, &table).await;
            assert_eq!(of_table.len(), stamps.len(), "{table} is at rest");
            for (row, stamps) in of_table.iter().zip(&stamps) {
                all.extend(columns.parts(&table, row, stamps));
            }
        }
        Keyspace(all)
    }

    pub fn write(&self) {
        let lines: String = self.0.iter().map(|row| serde_json::to_string(row).unwrap() + "\n").collect();
        std::fs::write(files().join(FILE), lines).unwrap();
    }

    pub fn read() -> Self {
        let text = std::fs::read_to_string(files().join(FILE)).unwrap();
        Keyspace(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    /// Writes the rows into a migrated keyspace, as they were.
    pub async fn insert_into(&self, settings: &Settings, stack: &Addresses) {
        let rows = Rows::connect(&stack.cql).await.unwrap();
        for Row { table, cells, written_at } in &self.0 {
            let names: Vec<&str> = cells.keys().map(String::as_str).collect();
            let values: Vec<String> =
                cells.values().map(|value| format!("fromJson('{}')", value.to_string().replace('\'', "''"))).collect();
            let statement = format!(
                "INSERT INTO {}.{table} ({}) VALUES ({}) USING TIMESTAMP {written_at}",
                settings.keyspace(),
                names.join(", "),
                values.join(", ")
            );
            rows.execute(&statement).await.unwrap();
        }
    }
}

async fn tables(rows: &Rows, keyspace: &str) -> BTreeMap<String, Columns> {
    let asked = format!(
        "SELECT JSON table_name, column_name, kind FROM system_schema.columns WHERE keyspace_name = '{keyspace}'"
    );
    let mut tables: BTreeMap<String, Columns> = BTreeMap::new();
    for column in rows.select(&asked).await.unwrap() {
        let text = |member: &str| column[member].as_str().unwrap().to_owned();
        let columns = tables.entry(text("table_name")).or_default();
        let kind = match &*text("kind") {
            "partition_key" => &mut columns.partition_key,
            "clustering" => &mut columns.clustering,
            "static" => &mut columns.fixed,
            _ => &mut columns.regular,
        };
        kind.push(text("column_name"));
    }
    tables.retain(|table, _| !OF_THE_SCHEMA.contains(&table.as_str()));
    tables
}

impl Columns {
    /// The write timestamps of each row's cells, in the order of the rows.
    async fn stamps(&self, rows: &Rows, keyspace: &str, table: &str) -> Vec<Value> {
        let cells: Vec<String> =
            self.fixed.iter().chain(&self.regular).map(|name| format!("writetime({name}) AS {name}")).collect();
        match cells.is_empty() {
            true => rows.select(&format!("SELECT JSON * FROM {keyspace}.{table}")).await.unwrap(),
            false => rows.select(&format!("SELECT JSON {} FROM {keyspace}.{table}", cells.join(", "))).await.unwrap(),
        }
    }

    /// A row as what is inserted: the cells of its partition, and those of its own.
    fn parts(&self, table: &str, row: &Value, stamps: &Value) -> Vec<Row> {
        let part = |key: &[&Vec<String>], names: &Vec<String>| {
            let named = key.iter().flat_map(|names| names.iter()).chain(names);
            let cells: Map<String, Value> =
                named.map(|name| (name.clone(), row[name].clone())).filter(|(_, value)| !value.is_null()).collect();
            let written_at = names.iter().filter_map(|name| stamps[name].as_i64()).max();
            Row { table: table.to_owned(), cells, written_at: written_at.unwrap_or(1) }
        };
        let has = |names: &Vec<String>| names.iter().any(|name| !row[name].is_null());
        let mut parts = Vec::new();
        if has(&self.fixed) {
            parts.push(part(&[&self.partition_key], &self.fixed));
        }
        if self.clustering.is_empty() || has(&self.clustering) {
            parts.push(part(&[&self.partition_key, &self.clustering], &self.regular));
        }
        parts
    }
}
