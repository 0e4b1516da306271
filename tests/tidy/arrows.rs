//! Arrows point down only: services → products and adapters → pipeline. And a library that does I/O is imported by one
//! room.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::tree::root;

/// Each room, and the rooms it may lean on, from the lowest floor to the highest.
pub const ROOMS: &[(&str, &[&str])] = &[
    ("shared/pipeline/kernel", &[]),
    ("shared/pipeline/lifecycle", &[]),
    ("shared/pipeline/metric", &[]),
    ("shared/pipeline/telemetry", &["metric"]),
    ("shared/pipeline/door", &["kernel", "lifecycle", "metric"]),
    ("shared/pipeline/ports", &["kernel"]),
    ("shared/pipeline/consumer", &["kernel", "metric", "ports", "lifecycle", "telemetry"]),
    ("shared/pipeline/conservation", &["kernel", "metric", "ports", "telemetry"]),
    ("shared/pipeline/access", &["kernel", "metric", "ports"]),
    ("shared/pipeline/shedding", &["kernel", "metric", "ports", "telemetry"]),
    ("shared/pipeline/inproc", &["kernel", "ports"]),
    ("shared/pipeline/conformance", &["kernel", "ports"]),
    ("shared/pipeline/commands", &["kernel", "metric", "ports", "shedding"]),
    ("shared/pipeline/replay", &["kernel", "ports", "shedding", "lifecycle"]),
    ("shared/pipeline/outbound", &["kernel", "ports"]),
    ("shared/pipeline/mirror", &["kernel", "ports"]),
    ("shared/products/agentping", &["kernel"]),
    ("shared/products/agentping/ports", &["kernel", "ports", "agentping"]),
    ("shared/products/agentping/inproc", &["kernel", "ports", "inproc", "agentping", "agentping-ports"]),
    ("shared/products/agentping/testkit", &["kernel", "ports", "agentping", "agentping-ports"]),
    (
        "shared/products/agentping/conformance",
        &["kernel", "ports", "agentping", "agentping-ports", "agentping-testkit"],
    ),
    (
        "shared/products/agentping/admission",
        &["kernel", "metric", "ports", "access", "shedding", "agentping", "agentping-ports", "agentping-inproc"],
    ),
    ("shared/products/agentping/pulse", &["kernel", "agentping"]),
    (
        "shared/products/agentping/settings",
        &["kernel", "ports", "mirror", "agentping", "agentping-ports", "agentping-pulse"],
    ),
    ("shared/products/agentping/verdicts", &["kernel", "ports", "agentping", "agentping-pulse"]),
    ("shared/products/agentping/checks", &["kernel", "ports", "agentping", "agentping-settings"]),
    (
        "shared/products/agentping/alerts",
        &["kernel", "metric", "ports", "mirror", "agentping", "agentping-pulse", "agentping-settings"],
    ),
    ("shared/products/agentgate", &["kernel"]),
    ("shared/adapters/kafka", &["kernel", "metric", "ports"]),
    ("shared/adapters/redis", &["kernel", "metric", "ports", "agentping", "agentping-ports"]),
    ("shared/adapters/scylla", &["kernel", "metric", "ports", "agentping", "agentping-ports"]),
    ("shared/adapters/sqlite", &["kernel", "metric", "ports", "inproc", "agentping", "agentping-ports"]),
    ("services/ingest", &["kernel", "metric", "ports", "door", "agentping", "agentping-ports", "admission"]),
    ("services/persister", &["kernel", "metric", "ports", "consumer", "agentping", "agentping-ports"]),
    (
        "services/control",
        &[
            "kernel",
            "metric",
            "ports",
            "door",
            "conservation",
            "agentping",
            "agentping-ports",
            "agentping-pulse",
            "agentping-settings",
            "agentping-alerts",
            "agentping-checks",
            "mirror",
            "outbound",
            "admission",
            "agentping-verdicts",
        ],
    ),
    (
        "services/dashboard",
        &["kernel", "metric", "ports", "door", "agentping", "agentping-ports", "admission", "control"],
    ),
    (
        "services/pulse",
        &[
            "kernel",
            "metric",
            "ports",
            "mirror",
            "lifecycle",
            "outbound",
            "agentping",
            "agentping-ports",
            "agentping-pulse",
            "agentping-settings",
            "agentping-alerts",
            "agentping-checks",
            "agentping-verdicts",
        ],
    ),
    ("services/decider", &["kernel", "metric", "ports", "consumer", "conservation", "lifecycle", "outbound"]),
    (
        "services/agentgate",
        &["kernel", "metric", "ports", "door", "access", "shedding", "commands", "telemetry", "outbound", "agentgate"],
    ),
    ("services/operators", &["kernel", "ports", "commands", "agentgate", "dashboard"]),
    ("services/worker", &["lifecycle"]),
    ("services/exec", &["kernel", "ports", "outbound", "agentping"]),
    ("services/demo", &["kernel", "outbound"]),
    (
        "services/tidegate",
        &[
            "kernel",
            "metric",
            "ports",
            "inproc",
            "door",
            "consumer",
            "conservation",
            "access",
            "shedding",
            "lifecycle",
            "telemetry",
            "commands",
            "replay",
            "outbound",
            "agentping",
            "agentping-ports",
            "agentping-inproc",
            "admission",
            "agentgate",
            "kafka",
            "redis",
            "scylla",
            "sqlite",
            "ingest",
            "persister",
            "control",
            "dashboard",
            "operators",
            "pulse",
            "mirror",
            "agentping-settings",
            "agentping-alerts",
            "decider",
            "agentgate-api",
            "worker",
            "exec",
            "demo",
        ],
    ),
];

const PORTS_ARE_SERVED_BY: &[&str] = &[
    "services/ingest",
    "services/control",
    "services/dashboard",
    "services/agentgate",
    "services/operators",
    "shared/pipeline/door",
    "services/tidegate",
];

/// Those, and what asks strangers.
const HTTP_IS_SPOKEN_BY: &[&str] = &[
    "services/ingest",
    "services/control",
    "services/dashboard",
    "services/agentgate",
    "services/operators",
    "shared/pipeline/door",
    "shared/pipeline/outbound",
    "services/tidegate",
];

/// Libraries that only these rooms may import.
const KEPT: &[(&str, &[&str])] = &[
    ("rusqlite", &["shared/adapters/sqlite"]),
    ("rdkafka", &["shared/adapters/kafka"]),
    ("redis", &["shared/adapters/redis"]),
    ("scylla", &["shared/adapters/scylla"]),
    ("axum", PORTS_ARE_SERVED_BY),
    ("hyper", HTTP_IS_SPOKEN_BY),
    ("hyper-util", HTTP_IS_SPOKEN_BY),
    ("rustls", &["shared/pipeline/outbound"]),
    ("clap", &["services/tidegate"]),
    ("maud", &["services/dashboard", "services/operators"]),
    ("metrics", &["shared/pipeline/metric", "shared/pipeline/telemetry"]),
    ("tracing-subscriber", &["shared/pipeline/telemetry"]),
];

fn dependencies(room: &str) -> BTreeMap<String, toml::Value> {
    let path = root().join(room).join("Cargo.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let manifest: toml::Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let table = manifest.get("dependencies").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    table.into_iter().collect()
}

/// Every crate below `services` and `shared`.
fn rooms_on_disk() -> Vec<String> {
    fn walk(folder: &Path, rooms: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("a readable folder") {
            let path = entry.expect("an entry").path();
            if path.join("Cargo.toml").exists() {
                rooms.push(path.strip_prefix(root()).expect("below the root").display().to_string());
            }
            if path.is_dir() && !path.ends_with("src") && !path.ends_with("tests") {
                walk(&path, rooms);
            }
        }
    }
    let mut rooms = Vec::new();
    for side in ["services", "shared"] {
        walk(&root().join(side), &mut rooms);
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
fn what_is_pure_does_no_io() {
    let pure = [
        "shared/pipeline/kernel",
        "shared/products/agentping",
        "shared/products/agentping/pulse",
        "shared/products/agentgate",
    ];
    for room in pure {
        for name in dependencies(room).keys() {
            let io = ["tokio", "hyper", "axum", "rusqlite", "tracing", "metrics", "getrandom", "async-trait"];
            assert!(!io.contains(&name.as_str()), "{room} is pure, but depends on {name}");
        }
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
