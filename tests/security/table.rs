//! `docs/security.md` against the tests there are: each row names some, each named one exists, and none here is left out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// What stands in backticks and begins with a folder of ours, by row of the table.
fn rows(page: &str) -> Vec<(String, Vec<String>)> {
    let threats = page.split("## Threats").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
    let rows = threats.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    let named = |row: &str| {
        let quoted = row.split('`').skip(1).step_by(2);
        let ours = ["tests/", "shared/", "services/", "fuzz/", "deploy/"];
        quoted.filter(|word| ours.iter().any(|folder| word.starts_with(folder))).map(str::to_owned).collect()
    };
    rows.skip(1).map(|row| (row.to_owned(), named(row))).collect()
}

/// The names of the functions in a source that a test attribute stands before.
fn tests_in(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        match line.split_once("fn ") {
            _ if line.starts_with("#[test]") || line.starts_with("#[tokio::test") => is_test = true,
            Some((before, name)) if is_test && ["", "async ", "pub "].contains(&before) => {
                found.insert(name.split('(').next().unwrap_or_default().to_owned());
                is_test = false;
            }
            _ => {}
        }
    }
    found
}

#[test]
fn every_threat_has_its_tests_and_every_test_its_threat() {
    let page = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let rows = rows(&page);
    assert!(rows.len() >= 15, "the table lost its rows: {}", rows.len());
    let mut named = BTreeSet::new();
    for (row, references) in &rows {
        assert!(!references.is_empty(), "a threat without a test: {row}");
        for reference in references {
            let (file, test) = reference.split_once("::").unwrap_or((reference, ""));
            let source = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{reference}: {error}"));
            // Scripts and fuzz targets are tests as a whole.
            let whole = file.starts_with("fuzz/") || file.starts_with("deploy/");
            assert!(whole || tests_in(&source).contains(test), "{reference} is no test: {row}");
            named.insert(reference.clone());
        }
    }
    for entry in fs::read_dir(root().join("tests/security")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let source = fs::read_to_string(root().join("tests/security").join(&file)).unwrap();
        for test in tests_in(&source) {
            let reference = format!("tests/security/{file}::{test}");
            assert!(named.contains(&reference) || file == "table.rs", "docs/security.md does not name {reference}");
        }
    }
    for entry in fs::read_dir(root().join("fuzz/fuzz_targets")).unwrap() {
        let reference = format!("fuzz/fuzz_targets/{}", entry.unwrap().file_name().into_string().unwrap());
        assert!(named.contains(&reference), "docs/security.md does not name {reference}");
    }
}
