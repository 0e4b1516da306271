//! What expressions ask for: `tidegate_requests_total{outcome="failed"}` is a name and the words a label must have.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::shipped;

/// Names, each with the label values that are asked for by name.
pub type Asked = BTreeMap<String, BTreeSet<(String, String)>>;

/// What the alerts and the recording rules ask for.
pub fn of_alerts() -> Asked {
    asked(&shipped("deploy/prometheus/alerts.yaml"))
}

/// What the dashboard asks for.
pub fn of_dashboard() -> Asked {
    let dashboard: Value = serde_json::from_str(&shipped("deploy/grafana/dashboards/tidegate.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("a dashboard has panels");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let expressions: Vec<&str> = targets.map(|target| target["expr"].as_str().expect("a target has an expr")).collect();
    assert!(expressions.len() > 20, "{expressions:?}");
    asked(&expressions.join("\n"))
}

/// Every metric of ours in a text, with what stands in the braces behind it. A recording rule of ours has a colon in
/// its name and is no metric.
pub fn asked(text: &str) -> Asked {
    let mut asked = Asked::new();
    for (at, _) in text.match_indices("tidegate_") {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|before| before.is_ascii_alphanumeric() || "_:-/".contains(before)) {
            continue;
        }
        let end = text[at..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(text.len(), |end| at + end);
        let (name, rest) = (&text[at..end], &text[end..]);
        let values = asked.entry(name.to_owned()).or_default();
        if let Some(inner) = rest.strip_prefix('{').and_then(|rest| rest.split('}').next()) {
            values.extend(inner.split("\",").flat_map(named));
        }
    }
    asked
}

/// `outcome=~"accepted|repeated` names two values; negations, and what Grafana or a scrape fills in, name none.
fn named(matcher: &str) -> Vec<(String, String)> {
    let Some((label, value)) = matcher.split_once("=\"").or_else(|| matcher.split_once("=~\"")) else {
        return Vec::new();
    };
    let (label, value) = (label.trim(), value.trim_end_matches('"'));
    if label.ends_with('!') || value.contains('$') {
        return Vec::new();
    }
    value.split('|').map(|value| (label.to_owned(), value.to_owned())).collect()
}

#[test]
fn expressions_are_read_as_they_are_meant() {
    let text = r#"sum by (region) (rate(tidegate_a_total{outcome="x",cause=~"y|z"}[5m])) > tidegate_b{kind!="q"}
        / tidegate:c:rate5m{role="r"} + tidegate_a_total{region=~"$region"} docs/tidegate_d"#;
    let found = asked(text);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["tidegate_a_total", "tidegate_b"]);
    let pairs: Vec<String> =
        found["tidegate_a_total"].iter().map(|(label, value)| format!("{label}={value}")).collect();
    assert_eq!(pairs, ["cause=y", "cause=z", "outcome=x"]);
    assert!(found["tidegate_b"].is_empty());
}
