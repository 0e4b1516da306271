//! Metrics are declared in the crates that emit them, and the program has the list of all. Alerts, panels and the runbook
//! ask for nothing else.

use std::collections::BTreeMap;
use std::path::Path;

use tidegate_metric::{Declared, Kind};

use crate::selectors::{asked, of_alerts, of_dashboard};
use crate::{root, shipped};

/// What a histogram adds to its name.
const SERIES: [&str; 3] = ["_sum", "_count", "_bucket"];
/// Labels that a scrape adds, or that a histogram has of itself.
const OUTSIDE: [&str; 5] = ["instance", "job", "region", "role", "quantile"];

fn declared() -> BTreeMap<&'static str, &'static Declared> {
    let all: BTreeMap<_, _> = tidegate::metrics::all().map(|metric| (metric.name, metric)).collect();
    assert!(all.len() > 60, "{:?}", all.keys());
    all
}

/// The sources of all crates, without those of tests.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") && !path.ends_with("examples") {
                walk(&path, found);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    ["services", "shared"].iter().for_each(|side| walk(&root().join(side), &mut found));
    assert!(found.len() > 200, "the sources were not found");
    found
}

/// The constant that a name is declared as, in a line such as `pub(crate) SHED: Counter = "tidegate_shed_total" { …`.
fn constant<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let line = text.lines().find(|line| line.contains(&format!("= \"{name}\"")))?;
    line.split_once(": ")?.0.split_whitespace().next_back()
}

#[test]
fn a_name_is_spelled_once_and_its_metric_is_measured() {
    let sources = sources();
    for name in declared().into_keys() {
        let spelled: Vec<_> = sources.iter().filter(|(_, text)| text.contains(&format!("\"{name}\""))).collect();
        // What the crate of all metrics has of them are examples; the pages of operators ask for metrics by name, as alerts do.
        let asks = |path: &str| path.contains("pipeline/metric/") || path.contains("services/operators/src/");
        let spelled: Vec<_> = spelled.into_iter().filter(|(path, _)| !asks(path)).collect();
        let [(home, text)] = &spelled[..] else {
            panic!("{name} is spelled in {:?}", spelled.iter().map(|(path, _)| path).collect::<Vec<_>>());
        };
        let constant = constant(text, name).unwrap_or_else(|| panic!("{home} does not declare {name}"));
        let measures = |(_, text): &(String, String)| {
            let uses = text.match_indices(constant);
            uses.into_iter().any(|(at, _)| {
                let (before, after) = (text[..at].chars().next_back(), &text[at + constant.len()..]);
                let whole = before.is_none_or(|before| !before.is_ascii_alphanumeric() && before != '_');
                // A family that is passed on is measured by whom it is passed to.
                whole && [".with(", ".handle()", ",", ")"].iter().any(|call| after.starts_with(call))
            })
        };
        assert!(sources.iter().any(measures), "{name} is declared in {home} and never measured");
    }
}

#[test]
fn alerts_panels_and_runbook_ask_for_what_there_is() {
    let declared = declared();
    let find = |name: &str| {
        let of_histogram = SERIES.iter().find_map(|series| name.strip_suffix(series));
        let histogram = of_histogram.and_then(|name| declared.get(name)).filter(|one| one.kind == Kind::Histogram);
        declared.get(name).or(histogram).copied()
    };
    for (place, asked) in [
        ("the alerts", of_alerts()),
        ("the dashboard", of_dashboard()),
        ("docs/runbook.md", asked(&shipped("docs/runbook.md"))),
        ("the alerts' unit tests", asked(&shipped("deploy/prometheus/alerts_test.yaml"))),
    ] {
        let unknown: Vec<&String> = asked.keys().filter(|name| find(name).is_none()).collect();
        assert!(unknown.is_empty(), "{place}: no metric has these names: {unknown:#?}");
        for (name, values) in &asked {
            let labels = find(name).map_or(&[][..], |metric| metric.labels);
            for (label, _) in values {
                let known = labels.contains(&label.as_str()) || OUTSIDE.contains(&label.as_str());
                assert!(known, "{place}: {name} has no label {label}, only {labels:?}");
            }
        }
    }
}
