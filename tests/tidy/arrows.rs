//! Arrows point down only: tidegate → services → admission → ports → domain; adapters → ports. And a library that
//! does I/O is imported by one room.

use std::collections::BTreeMap;
use std::fs;

use crate::tree::root;

/// Each room, and the rooms it may lean on.
const ROOMS: &[(&str, &[&str])] = &[
    ("shared/domain", &[]),
    ("shared/ports", &["domain"]),
    ("shared/admission", &["domain", "ports"]),
    ("shared/embedded", &["domain", "ports"]),
    ("shared/kafka", &["domain", "ports"]),
    ("shared/redis", &["domain", "ports"]),
    ("shared/scylla", &["domain", "ports"]),
    ("shared/lifecycle", &[]),
    ("shared/telemetry", &[]),
    ("services/ingest", &["domain", "ports", "admission", "lifecycle", "telemetry"]),
    ("services/persister", &["domain", "ports", "lifecycle", "telemetry"]),
    ("services/control", &["domain", "ports", "admission", "lifecycle", "telemetry"]),
    (
        "services/tidegate",
        &[
            "domain",
            "ports",
            "admission",
            "embedded",
            "kafka",
            "redis",
            "scylla",
            "lifecycle",
            "telemetry",
            "ingest",
            "persister",
            "control",
        ],
    ),
];

/// Libraries that only these rooms may import.
const KEPT: &[(&str, &[&str])] = &[
    ("rusqlite", &["shared/embedded"]),
    ("rdkafka", &["shared/kafka"]),
    ("redis", &["shared/redis"]),
    ("scylla", &["shared/scylla"]),
    ("axum", &["services/ingest", "services/control", "shared/lifecycle", "services/tidegate"]),
    ("hyper", &["services/ingest", "services/control", "shared/lifecycle", "services/tidegate"]),
    ("hyper-util", &["services/ingest", "services/control", "shared/lifecycle", "services/tidegate"]),
    ("clap", &["services/tidegate"]),
    ("tracing-subscriber", &["shared/telemetry"]),
];

fn dependencies(room: &str) -> BTreeMap<String, toml::Value> {
    let path = root().join(room).join("Cargo.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let manifest: toml::Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let table = manifest.get("dependencies").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    table.into_iter().collect()
}

fn rooms_on_disk() -> Vec<String> {
    let mut rooms = Vec::new();
    for side in ["services", "shared"] {
        for entry in fs::read_dir(root().join(side)).expect("a readable folder") {
            let path = entry.expect("an entry").path();
            if path.join("Cargo.toml").exists() {
                rooms.push(path.strip_prefix(root()).expect("below the root").display().to_string());
            }
        }
    }
    rooms.sort();
    rooms
}

#[test]
fn every_room_is_known() {
    let mut known: Vec<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    known.sort_unstable();
    assert_eq!(rooms_on_disk(), known, "a new room says here what it may lean on");
}

#[test]
fn arrows_point_down_only() {
    for (room, allowed) in ROOMS {
        for name in dependencies(room).keys() {
            let Some(leaned_on) = name.strip_prefix("tidegate-") else { continue };
            assert!(allowed.contains(&leaned_on), "{room} must not know {leaned_on}");
        }
    }
}

#[test]
fn the_domain_does_no_io() {
    for name in dependencies("shared/domain").keys() {
        let io = ["tokio", "hyper", "axum", "rusqlite", "tracing", "metrics", "getrandom", "async-trait"];
        assert!(!io.contains(&name.as_str()), "the domain is pure, but depends on {name}");
    }
}

#[test]
fn a_library_has_one_home() {
    for room in rooms_on_disk() {
        for name in dependencies(&room).keys() {
            let kept = KEPT.iter().find(|(library, _)| library == name);
            let allowed = kept.is_none_or(|(_, homes)| homes.contains(&room.as_str()));
            assert!(allowed, "{room} imports {name}, which only {:?} may", kept.map(|(_, homes)| homes));
        }
    }
}
