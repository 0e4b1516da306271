//! What sources may not hold.

use crate::tree::{File, files, rust_files};

fn offending(files: Vec<File>, offends: impl Fn(&File, &str) -> bool) -> Vec<String> {
    let lines = |file: &File| {
        let numbered = file.text.lines().enumerate();
        let bad = numbered.filter(|(_, line)| offends(file, line));
        bad.map(|(at, line)| format!("{}:{}: {}", file.path, at + 1, line.trim())).collect::<Vec<_>>()
    };
    files.iter().flat_map(lines).collect()
}

#[track_caller]
fn none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}\n  {}", found.join("\n  "));
}

#[test]
fn a_file_is_one_idea() {
    const MOST_LINES: usize = 400;
    let long: Vec<String> = rust_files()
        .iter()
        .map(|file| (file.text.lines().count(), &file.path))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    none(&long, "a file past 400 lines holds more than one idea: split it by idea");
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<String> =
        rust_files().iter().filter(|file| !file.text.starts_with("//!")).map(|file| file.path.clone()).collect();
    none(&silent, "a source file begins with a line that says what it is");
}

#[test]
fn nothing_is_left_behind() {
    // Spelled in halves, so that this file does not hold them.
    let left = ["todo", "unimplemented", "dbg"].map(|name| format!("{name}!("));
    let skipped = format!("#[{}", "ignore");
    let found = offending(rust_files(), |_, line| {
        left.iter().any(|mark| line.contains(mark.as_str())) || line.contains(&skipped)
    });
    none(&found, "unfinished or skipped work");
}

#[test]
fn tests_do_not_sleep() {
    let naps = ["thread", "time"].map(|from| format!("{from}::sleep"));
    let found = offending(rust_files(), |file, line| {
        let in_tests = file.path.starts_with("tests/") || file.path.contains("/tests/");
        in_tests && naps.iter().any(|nap| line.contains(nap.as_str()))
    });
    none(&found, "a sleep in a test: wait for a level with a deadline instead");
}

#[test]
fn names_are_the_fields_words() {
    let vague = ["utils", "util", "helpers", "helper", "common", "misc", "manager"];
    let found: Vec<String> = rust_files()
        .into_iter()
        .filter(|file| {
            let parts = file.path.trim_end_matches(".rs").split('/');
            parts.into_iter().any(|part| vague.contains(&part))
        })
        .map(|file| file.path)
        .collect();
    none(&found, "a file's name says what it holds");
}

#[test]
fn the_project_speaks_only_of_itself() {
    let registry_hosts = [
        ("crates", ".io"),
        ("registry.npm", "js.org"),
        ("pypi", ".org"),
        ("repo.maven", ".apache.org"),
        ("proxy.go", "lang.org"),
        ("deb.deb", "ian.org"),
    ]
    .map(|(one, two)| format!("{one}{two}"));
    let homes = [("/wo", "rk/main"), ("/ro", "ot/")].map(|(one, two)| format!("{one}{two}"));
    let foreign = files().into_iter().filter(|file| !file.path.ends_with("Cargo.lock")).collect();
    let found =
        offending(foreign, |_, line| registry_hosts.iter().chain(&homes).any(|word| line.contains(word.as_str())));
    none(&found, "a path of one machine, or a package registry's host");
}
