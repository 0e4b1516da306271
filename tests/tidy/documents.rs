//! Documents that must keep up with the code.

use std::fs;

use crate::tree::{files, root};

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Each library that the workspace depends on has its line: what for, and why this one.
#[test]
fn every_dependency_is_accounted_for() {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("the workspace's manifest");
    let dependencies = manifest["workspace"]["dependencies"].as_table().expect("the workspace's dependencies");
    let page = read("docs/dependencies.md");
    let own = |name: &str| name == "tidegate" || name.starts_with("tidegate-");
    let missing: Vec<&String> =
        dependencies.keys().filter(|name| !own(name) && !page.contains(&format!("| `{name}` |"))).collect();
    assert!(missing.is_empty(), "docs/dependencies.md has no line for {missing:?}");
    let listed = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let gone: Vec<&str> = listed.filter(|name| !dependencies.contains_key(*name)).collect();
    assert!(gone.is_empty(), "docs/dependencies.md lists {gone:?}, which nothing depends on");
}

/// A decision is half a page, and says what was decided and why.
#[test]
fn decisions_are_short() {
    let pages: Vec<_> = files().into_iter().filter(|file| file.path.starts_with("docs/adr/")).collect();
    assert!(!pages.is_empty(), "there are no decisions on record");
    for page in pages {
        assert!(page.text.lines().count() <= 45, "{} is longer than half a page", page.path);
        for heading in ["## Decision", "## Why"] {
            assert!(page.text.contains(heading), "{} has no '{heading}'", page.path);
        }
    }
}

/// Links between our own pages lead somewhere.
#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for page in files().iter().filter(|file| file.path.ends_with(".md")) {
        let folder = root().join(&page.path).parent().expect("a folder").to_owned();
        for target in page.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap_or_default();
            if !path.is_empty() && !path.contains("://") && !folder.join(path).exists() {
                broken.push(format!("{} → {target}", page.path));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere: {broken:#?}");
}

/// The two commands are what CI runs too.
#[test]
fn ci_runs_the_readmes_command() {
    assert!(read("README.md").contains("make run") && read("README.md").contains("make test"));
    assert!(read(".ci/run").contains("make test") && read(".ci/run").contains("make check"));
}
