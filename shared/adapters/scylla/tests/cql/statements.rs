//! Rules that the sources keep.

use std::fs;
use std::path::{Path, PathBuf};

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found
}

#[test]
fn nothing_filters_and_nothing_is_sent_unprepared() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = files(&root.join("src"), "rs");
    sources.extend(files(&root.join("migrations"), "cql"));
    assert!(sources.len() > 20);
    let (mut unprepared, mut statements) = (Vec::new(), 0);
    for path in sources {
        let text = fs::read_to_string(&path).expect("read");
        for (number, line) in text.lines().enumerate().map(|(number, line)| (number + 1, line.to_lowercase())) {
            assert!(!line.contains("allow filtering"), "{}:{number}", path.display());
            assert!(
                !line.contains("materialized view") && !line.contains("create index"),
                "{}:{number}",
                path.display()
            );
            if [".query_unpaged", ".query_iter", ".query_single_page"].iter().any(|call| line.contains(call)) {
                unprepared.push(path.clone());
            }
            statements += usize::from(line.contains(": \"select ") || line.contains(": \"insert "));
        }
    }
    assert!(statements > 30, "the statements are where this test looks: {statements}");
    // Definitions cannot be prepared to any use.
    assert_eq!(unprepared, [root.join("src/migrations/ddl.rs")]);
}

#[test]
fn every_migration_is_part_of_the_build() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut products = 0;
    for product in ["agentping", "commands"] {
        let listed = fs::read_to_string(root.join(format!("src/{product}.rs"))).expect("read");
        for path in files(&root.join("migrations").join(product), "cql") {
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
            assert!(listed.contains(&format!("include_str!(\"../migrations/{product}/{name}\")")), "{name}");
        }
        products += 1;
    }
    assert_eq!(fs::read_dir(root.join("migrations")).expect("a folder").count(), products);
}

#[test]
fn every_table_is_described() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("../../../docs/schema.md")).expect("read");
    let mut tables = 0;
    for path in files(&root.join("migrations"), "cql") {
        let text = fs::read_to_string(&path).expect("read");
        for rest in text.split("CREATE TABLE IF NOT EXISTS ").skip(1) {
            let table = rest.split_whitespace().next().expect("a name");
            assert!(page.contains(&format!("| `{table}` |")), "docs/schema.md says nothing of '{table}'");
            tables += 1;
        }
    }
    assert!(tables >= 15, "{tables}");
}
