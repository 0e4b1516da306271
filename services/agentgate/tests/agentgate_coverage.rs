//! The suite's own test: each requirement of the contract has a test that names it, and each test says what it shows.

#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The requirements: AG-01 to AG-44.
const REQUIREMENTS: std::ops::RangeInclusive<u32> = 1..=44;

/// The doc comments of one file's tests.
fn docs(source: &str) -> Vec<String> {
    let (mut docs, mut doc) = (Vec::new(), String::new());
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            doc.push_str(text);
        } else if line.starts_with("#[tokio::test") || line == "#[test]" {
            docs.push(std::mem::take(&mut doc));
        } else if !line.starts_with("#[") {
            doc.clear();
        }
    }
    docs
}

fn requirements_in(doc: &str) -> Vec<u32> {
    doc.split("AG-").skip(1).filter_map(|rest| rest.get(..2)?.parse().ok()).collect()
}

#[test]
fn every_requirement_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = fs::read_dir(root.join("../../tests/agentgate")).unwrap().map(|entry| entry.unwrap().path());
    // What only a deployment in trouble shows, on a real process.
    let troubles = ["unreadable.rs", "undecided.rs"].map(|file| root.join("../../tests/agentgate-contract").join(file));
    let docs: Vec<String> = files.chain(troubles).flat_map(|path| docs(&fs::read_to_string(path).unwrap())).collect();
    assert!(docs.len() > 50, "{} tests: the walk misses some", docs.len());
    let named = |doc: &&String| doc.contains("AG-") || doc.trim_start().starts_with("Our choice:");
    let unnamed: Vec<&String> = docs.iter().filter(|doc| !named(doc)).collect();
    assert!(unnamed.is_empty(), "tests that name no requirement and no choice of ours: {unnamed:?}");
    let found: BTreeSet<u32> = docs.iter().flat_map(|doc| requirements_in(doc)).collect();
    assert_eq!(found, REQUIREMENTS.collect());
}
