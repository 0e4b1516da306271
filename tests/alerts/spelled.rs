//! Metrics are described in the telemetry crate, and other crates spell the names themselves. The two must not drift.

use std::collections::BTreeSet;
use std::path::Path;

use crate::selectors::{asked, of_alerts, of_dashboard};
use crate::{root, shipped};

/// Rooms that spell names: a word in quotes that begins like a metric is one.
const SPELLING: [&str; 6] = [
    "shared/products/agentping/admission/src",
    "shared/adapters/sqlite/src",
    "shared/pipeline/door/src",
    "services/control/src",
    "services/ingest/src",
    "services/persister/src",
];
/// Rooms with metrics of their own, each in one file, under the room's own word.
const ADAPTERS: [(&str, &str); 3] = [
    ("shared/adapters/kafka/src", "tidegate_kafka_"),
    ("shared/adapters/redis/src", "tidegate_redis_"),
    ("shared/adapters/scylla/src", "tidegate_cql_"),
];
/// What a summary or histogram adds to its name.
const SERIES: [&str; 3] = ["_sum", "_count", "_bucket"];

/// Whole string literals that look like a metric's name.
fn literals(text: &str) -> BTreeSet<String> {
    let plain = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase());
    let like = |word: &&str| word.strip_prefix("tidegate_").is_some_and(plain);
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| line.split('"').filter(like)).map(str::to_owned).collect()
}

fn sources(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    assert!(!found.is_empty(), "{folder} has no sources");
    found
}

fn described() -> BTreeSet<String> {
    let names = literals(&shipped("shared/pipeline/telemetry/src/names.rs"));
    assert!(names.len() > 15, "{names:?}");
    names
}

/// What each adapter has, from its one file.
fn of_adapters() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (room, prefix) in ADAPTERS {
        let names = literals(&shipped(&format!("{room}/metrics.rs")));
        assert!(!names.is_empty(), "{room}/metrics.rs has no names");
        for name in &names {
            assert!(name.starts_with(prefix), "{room}: {name} must begin with {prefix}");
        }
        all.extend(names);
    }
    all
}

#[test]
fn what_is_spelled_is_described() {
    let described = described();
    for room in SPELLING {
        for (path, text) in sources(room) {
            for name in literals(&text) {
                assert!(described.contains(&name), "{path}: {name} is not in shared/pipeline/telemetry/src/names.rs");
            }
        }
    }
    for (room, prefix) in ADAPTERS {
        for (path, text) in sources(room).iter().filter(|(path, _)| !path.ends_with("/metrics.rs")) {
            let spelled = text.contains(&format!("\"{prefix}"));
            assert!(!spelled, "{path}: the names of this room's metrics stand in {room}/metrics.rs");
        }
    }
    // Above the telemetry room, names are its constants.
    for (path, text) in sources("services/tidegate/src") {
        let macros = ["counter!(\"", "gauge!(\"", "histogram!(\""];
        assert!(!macros.iter().any(|spelled| text.contains(spelled)), "{path} spells a metric's name itself");
    }
}

/// A description that nobody stands behind is a promise of a metric that is not there.
#[test]
fn what_is_described_is_counted_somewhere() {
    let rooms: Vec<(String, String)> =
        SPELLING.iter().chain(&["services/tidegate/src"]).flat_map(|room| sources(room)).collect();
    let names = shipped("shared/pipeline/telemetry/src/names.rs");
    for name in described() {
        let line = names.lines().find(|line| line.contains(&format!("\"{name}\""))).unwrap();
        let constant = line.split_whitespace().nth(1).expect("a kind, a constant, a name");
        let counted = rooms
            .iter()
            .any(|(_, text)| text.contains(&format!("\"{name}\"")) || text.contains(&format!("names::{constant}")));
        // What the recorder sets itself when it is installed.
        let recorder = shipped("shared/pipeline/telemetry/src/metrics.rs");
        let by_itself = ["gauge", "counter"].iter().any(|kind| recorder.contains(&format!("{kind}!({constant}")));
        assert!(counted || by_itself, "{name} is described and never counted");
    }
}

#[test]
fn alerts_panels_and_runbook_ask_for_what_there_is() {
    let (described, adapters) = (described(), of_adapters());
    let known = |name: &str| {
        let plain = SERIES.iter().find_map(|series| name.strip_suffix(series)).unwrap_or(name);
        [name, plain].iter().any(|name| described.contains(*name) || adapters.contains(*name))
    };
    for (place, asked) in [
        ("the alerts", of_alerts()),
        ("the dashboard", of_dashboard()),
        ("docs/runbook.md", asked(&shipped("docs/runbook.md"))),
        ("the alerts' unit tests", asked(&shipped("deploy/prometheus/alerts_test.yaml"))),
    ] {
        let unknown: Vec<&String> = asked.keys().filter(|name| !known(name)).collect();
        assert!(unknown.is_empty(), "{place}: no metric has these names: {unknown:#?}");
    }
}
