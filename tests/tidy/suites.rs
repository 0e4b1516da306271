//! The suites of tests: `make test-fast` runs those that need no server, and tests/README.md has a row for each.

use std::collections::BTreeSet;
use std::fs;

use crate::tree::{files, root};

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The suites that `make test-fast` picks.
fn fast() -> BTreeSet<String> {
    let makefile = read("Makefile").replace("\\\n", " ");
    let listed = makefile.lines().find_map(|line| line.strip_prefix("FAST :=")).expect("a list of suites");
    listed.split_whitespace().map(str::to_owned).collect()
}

/// The suite that a file is the root of: `x.rs` or `x/main.rs` in a folder of tests.
fn suite_of(path: &str) -> Option<&str> {
    let (before, below) = path.rsplit_once("tests/")?;
    let is_ours = before.is_empty() || before.ends_with('/');
    let suite = below.strip_suffix("/main.rs").or_else(|| below.strip_suffix(".rs"))?;
    (is_ours && !path.contains("/src/") && !suite.contains('/')).then_some(suite)
}

/// What stands in backticks, without paths.
fn names(text: &str) -> BTreeSet<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|name| !name.contains('/')).map(str::to_owned).collect()
}

/// The suites of each row, and what the row needs.
fn rows(page: &str) -> Vec<(BTreeSet<String>, String)> {
    let table = page.lines().skip_while(|line| !line.starts_with("| ---")).skip(1);
    let rows = table.take_while(|line| line.starts_with("| "));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 4, "{row}");
        (names(cells[0]), cells[2].to_owned())
    })
    .collect()
}

/// `make test-fast` picks suites by name out of the whole workspace, so no other suite may have the name: it might need
/// a server.
#[test]
fn the_fast_suites_are_one_of_a_kind() {
    let paths: Vec<String> = files().into_iter().map(|file| file.path).collect();
    for suite in fast() {
        let found: Vec<&String> = paths.iter().filter(|path| suite_of(path) == Some(suite.as_str())).collect();
        assert_eq!(found.len(), 1, "{suite} is {found:?}");
    }
}

/// `make test-fast` runs what needs no server, but for what the first lines of tests/README.md say is left out.
#[test]
fn the_fast_suites_are_those_that_need_no_server() {
    let page = read("tests/README.md");
    let stated = page.split_once("but for ").and_then(|(_, rest)| rest.split_once(", which are left out"));
    let left_out = names(stated.expect("what is left out").0);
    assert!(left_out.contains("models"), "{left_out:?}");
    let without_server: BTreeSet<String> =
        rows(&page).into_iter().filter(|(_, needs)| needs.is_empty()).flat_map(|(suites, _)| suites).collect();
    let gone: Vec<&String> = left_out.difference(&without_server).collect();
    assert!(gone.is_empty(), "left out, but no suite that needs no server: {gone:?}");
    assert_eq!(fast(), &without_server - &left_out, "FAST in the Makefile, and the rows of tests/README.md");
}

#[test]
fn every_suite_has_a_row() {
    let listed: BTreeSet<String> = rows(&read("tests/README.md")).into_iter().flat_map(|(suites, _)| suites).collect();
    let paths: Vec<String> = files().into_iter().map(|file| file.path).collect();
    let suites: BTreeSet<&str> = paths.iter().filter_map(|path| suite_of(path)).collect();
    assert!(suites.len() > 40, "{suites:?}");
    let missing: Vec<&&str> = suites.iter().filter(|suite| !listed.contains(**suite)).collect();
    assert!(missing.is_empty(), "tests/README.md has no row for {missing:?}");
}
