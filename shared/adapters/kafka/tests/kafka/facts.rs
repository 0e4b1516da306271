//! The page of facts names a test for each, and each of those is there.

use std::path::Path;

#[test]
fn every_fact_names_a_test_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("../../../docs/kafka-facts.md")).expect("the page");
    let mut sources = String::new();
    for folder in ["tests/kafka", "src/append", "src/consume", "src/topics"] {
        for file in std::fs::read_dir(root.join(folder)).expect("a folder") {
            let file = file.expect("a file").path();
            if file.extension().is_some_and(|extension| extension == "rs") {
                sources.push_str(&std::fs::read_to_string(file).expect("text"));
            }
        }
    }
    let mut facts = 0;
    for row in
        page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| fact") && !line.starts_with("| ---"))
    {
        let test = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap_or_default().trim();
        let name = test.trim_matches('`');
        assert!(test.starts_with('`') && !name.is_empty(), "this fact names no test: {row}");
        assert!(sources.contains(&format!("fn {name}()")), "there is no test {name}: {row}");
        facts += 1;
    }
    assert!(facts >= 25, "only {facts} facts were found: has the table changed its form?");
}
