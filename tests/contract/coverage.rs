//! The suite's own test: each requirement of the contract has a test that names it, and each test says what it shows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The requirements: AP-01 to AP-69.
const REQUIREMENTS: std::ops::RangeInclusive<u32> = 1..=69;

/// The tests of one file: name and doc comment.
fn tests_of(source: &str) -> Vec<(String, String)> {
    let (mut tests, mut doc, mut is_test) = (Vec::new(), String::new(), false);
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            doc.push_str(text);
        } else if line == "#[tokio::test]" || line == "#[test]" {
            is_test = true;
        } else if line.starts_with("#[") {
            assert!(!line.contains("ignore"), "no test is left out: {line}");
        } else {
            let name = line.split("fn ").nth(1).and_then(|rest| rest.split('(').next());
            if let (true, Some(name)) = (is_test, name) {
                tests.push((name.to_owned(), std::mem::take(&mut doc)));
            }
            (doc, is_test) = (String::new(), false);
        }
    }
    tests
}

fn requirements_in(doc: &str) -> Vec<u32> {
    let after = doc.split("AP-").skip(1);
    after.filter_map(|rest| rest.get(..2).and_then(|digits| digits.parse().ok())).collect()
}

#[test]
fn every_requirement_has_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("contract");
    let mut named: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    let (mut files, mut count) = (0, 0);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        if ["coverage.rs", "main.rs", "on_the_stack.rs", "suite.rs"].contains(&file.as_str()) {
            continue;
        }
        files += 1;
        for (name, doc) in tests_of(&std::fs::read_to_string(&path).unwrap()) {
            count += 1;
            let requirements = requirements_in(&doc);
            assert!(
                !requirements.is_empty() || doc.trim_start().starts_with("Our choice:"),
                "{file}: {name} names no requirement and no choice of ours"
            );
            for requirement in requirements {
                named.entry(requirement).or_default().push(format!("{file}: {name}"));
            }
        }
    }
    assert!(files > 20 && count > 100, "{files} files with {count} tests: the walk misses something");
    let expected: BTreeSet<u32> = REQUIREMENTS.collect();
    let found: BTreeSet<u32> = named.keys().copied().collect();
    let missing: Vec<&u32> = expected.difference(&found).collect();
    let unknown: Vec<&u32> = found.difference(&expected).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "without a test: {missing:?}; not in the contract: {unknown:?}");
}
