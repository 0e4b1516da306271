//! Each alert has one entry in the runbook, and each entry is of an alert.

use std::collections::BTreeSet;

use crate::shipped;

const PAGE: &str = "docs/runbook.md";
/// What every entry says.
const PARTS: [&str; 5] = ["**What it means.**", "**What users see.**", "**Look.**", "**Do.**", "**Do not.**"];

struct Alert {
    name: String,
    severity: String,
    link: String,
}

fn alerts() -> Vec<Alert> {
    let text = shipped("deploy/prometheus/alerts.yaml");
    let rules = text.split("- alert: ").skip(1);
    let alerts: Vec<Alert> = rules
        .map(|rule| {
            let after = |key: &str| {
                let line = rule.lines().map(str::trim).find_map(|line| line.strip_prefix(key));
                line.unwrap_or_else(|| panic!("a rule without '{key}': {rule}")).to_owned()
            };
            let name = rule.lines().next().expect("a rule begins with its name").trim().to_owned();
            assert!(rule.contains("summary: "), "{name} has no summary");
            Alert { name, severity: after("severity: "), link: after("runbook_url: ") }
        })
        .collect();
    assert!(alerts.len() > 20, "the alerts were not found");
    alerts
}

/// Title and text of each entry.
fn entries() -> Vec<(String, String)> {
    let page = shipped(PAGE);
    let sections = page.split("\n### ").skip(1);
    sections
        .map(|section| {
            let (title, text) = section.split_once('\n').expect("an entry has a text");
            // An entry ends where the next chapter begins.
            (title.trim().to_owned(), text.split("\n## ").next().unwrap_or_default().to_owned())
        })
        .collect()
}

#[test]
fn every_alert_has_one_entry_and_every_entry_an_alert() {
    let alerts = alerts();
    let names: BTreeSet<&str> = alerts.iter().map(|alert| alert.name.as_str()).collect();
    assert_eq!(names.len(), alerts.len(), "an alert stands twice");
    let entries = entries();
    let titles: BTreeSet<&str> = entries.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(titles.len(), entries.len(), "an entry stands twice");
    assert_eq!(titles, names);
}

#[test]
fn every_alert_leads_to_its_entry() {
    for alert in alerts() {
        assert_eq!(alert.link, format!("{PAGE}#{}", alert.name.to_lowercase()), "{}", alert.name);
        assert!(
            ["critical", "warning", "info"].contains(&alert.severity.as_str()),
            "{}: {}",
            alert.name,
            alert.severity
        );
    }
}

#[test]
fn every_entry_says_what_is_needed_at_night() {
    for (title, text) in entries() {
        let mut from = 0;
        for part in PARTS {
            let at = text.find(part).unwrap_or_else(|| panic!("{title} has no {part}"));
            assert!(at >= from, "{title}: {part} stands too early");
            let said = text[at + part.len()..].split("**").next().unwrap_or_default().trim();
            assert!(said.len() > 5, "{title}: {part} says nothing");
            from = at;
        }
    }
}
