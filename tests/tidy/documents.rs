//! Documents that must keep up with the code.

use std::fs;

use crate::tree::{File, files, root};

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
        let pictures = ["src=\"", "srcset=\""].into_iter().flat_map(|name| page.text.split(name).skip(1));
        let pictures = pictures.filter_map(|rest| rest.split('"').next());
        let links = page.text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in links.chain(pictures) {
            let path = target.split('#').next().unwrap_or_default();
            if !path.is_empty() && !path.contains("://") && !folder.join(path).exists() {
                broken.push(format!("{} → {target}", page.path));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere: {broken:#?}");
}

/// The README and the page of failures promise as many faults as the table has, in tens, each without a lost or a
/// doubled record.
#[test]
fn faults_that_hold_are_counted_the_same_everywhere() {
    let number_before = |page: &str, words: &str| -> usize {
        let text = read(page).split_whitespace().collect::<Vec<_>>().join(" ");
        let before = text.split_once(words).unwrap_or_else(|| panic!("{page} has no '{words}'")).0;
        let number = before.rsplit(char::is_whitespace).next().and_then(|number| number.parse().ok());
        number.unwrap_or_else(|| panic!("{page} has no number before '{words}'"))
    };
    let page = read("docs/faults.md");
    let table = page.split("faults: begin").nth(1).and_then(|rest| rest.split("faults: end").next()).expect("a table");
    let cells = |row: &str| row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = table.lines().filter(|row| row.contains("| holds |")).map(cells).collect();
    let clean = rows.iter().filter(|row| row[5] == "0" && row[6] == "0").count();
    assert!(clean > 10, "{clean} rows");
    let promised = (clean - 1) / 10 * 10;
    for (page, words) in
        [("README.md", " faults are injected"), ("docs/how-it-fails.md", " faults and checks that nothing is lost")]
    {
        let said = number_before(page, words);
        assert_eq!(said, promised, "{page}: {clean} rows have nothing lost or doubled, which is more than {promised}");
    }
}

/// Pages wrap at 120 characters. Tables, code and tags do not.
#[test]
fn pages_wrap() {
    const MOST_CHARACTERS: usize = 120;
    let by_name = ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "README.md", "tests/README.md"];
    let wraps = |path: &str| path.ends_with(".md") && (path.starts_with("docs/") || by_name.contains(&path));
    let mut long = Vec::new();
    for page in files().iter().filter(|file| wraps(&file.path)) {
        let mut is_code = false;
        for (at, line) in page.text.lines().enumerate() {
            let start = line.trim_start();
            let is_fence = start.starts_with("```");
            is_code ^= is_fence;
            let is_whole = is_code || is_fence || start.starts_with(['|', '<']);
            if !is_whole && line.chars().count() > MOST_CHARACTERS {
                long.push(format!("{}:{}: {} characters", page.path, at + 1, line.chars().count()));
            }
        }
    }
    assert!(long.is_empty(), "lines of pages that are too long:\n  {}", long.join("\n  "));
}

/// The two commands are what CI runs too.
#[test]
fn ci_runs_the_readmes_command() {
    assert!(read("README.md").contains("make run") && read("README.md").contains("make test"));
    assert!(read(".ci/run").contains("make test") && read(".ci/run").contains("make check"));
}

/// The glossary's types and files are there.
#[test]
fn the_glossary_names_what_there_is() {
    let sources: Vec<File> = files().into_iter().filter(|file| file.path.ends_with(".rs")).collect();
    let page = read("docs/glossary.md");
    let rows = page.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    let mut checked = 0;
    for place in rows.filter_map(|row| row.rsplit('`').nth(1)) {
        checked += 1;
        let known = match place.split_once("::") {
            Some((room, name)) => {
                let kinds = ["struct", "enum", "trait", "mod"].map(|kind| format!("pub {kind} {name}"));
                let is_there = |file: &&File| kinds.iter().any(|declared| file.text.contains(declared.as_str()));
                let of_room: Vec<&File> =
                    sources.iter().filter(|file| file.path.contains(&format!("/{room}/src/"))).collect();
                of_room.into_iter().any(|file| is_there(&file))
            }
            None if place.starts_with("tidegate ") => true,
            None => sources.iter().any(|file| file.path.contains(place)),
        };
        assert!(known, "the glossary says {place}, which is not there");
    }
    assert!(checked > 20, "{checked} rows");
}
