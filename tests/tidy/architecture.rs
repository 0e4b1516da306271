//! The table of crates in ARCHITECTURE.md says of each crate what the crate says of itself, and what it may depend on.

use std::collections::BTreeMap;
use std::fs;

use crate::arrows::ROOMS;
use crate::tree::root;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The first sentence of a crate's documentation, without links.
fn first_sentence(room: &str) -> String {
    let text = read(&format!("{room}/src/lib.rs"));
    let lines: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
    let whole = without_links(&lines.join(" "));
    whole.split_once(". ").map_or(whole.trim_end_matches('.'), |(first, _)| first).to_owned()
}

/// `[text](target)` and `[text]` as their text.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        plain.push_str(before);
        let Some((shown, after)) = after.split_once(']') else { break };
        plain.push_str(shown);
        rest = match after.strip_prefix('(') {
            Some(target) => target.split_once(')').map_or("", |(_, after)| after),
            None => after,
        };
    }
    plain + rest
}

/// The cells of each row that begins with a crate's folder.
fn rows() -> BTreeMap<String, Vec<String>> {
    let page = read("ARCHITECTURE.md");
    let rows = page.lines().filter(|line| ["| `services/", "| `shared/"].iter().any(|start| line.starts_with(start)));
    let cells = |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    rows.map(cells).map(|cells| (cells[0].trim_matches('`').to_owned(), cells)).collect()
}

#[test]
fn the_table_of_crates_says_what_the_crates_say() {
    let rows = rows();
    let mut wrong = Vec::new();
    for (room, leans_on) in ROOMS {
        let Some(cells) = rows.get(*room) else {
            wrong.push(format!("`{room}` has no row"));
            continue;
        };
        let expected = [first_sentence(room), leans_on.join(", ")];
        if cells.len() != 4 || [&cells[1], &cells[3]] != [&expected[0], &expected[1]] {
            wrong.push(format!("| `{room}` | {} | … | {} |", expected[0], expected[1]));
        }
    }
    let gone: Vec<_> = rows.keys().filter(|room| !ROOMS.iter().any(|(known, _)| known == room)).collect();
    assert!(wrong.is_empty(), "ARCHITECTURE.md should have these rows:\n{}", wrong.join("\n"));
    assert!(gone.is_empty(), "ARCHITECTURE.md has rows of crates that are gone: {gone:?}");
}

#[test]
fn links_are_read_as_their_text() {
    assert_eq!(without_links("the [ledger] of [offsets](crate::x), by `A`"), "the ledger of offsets, by `A`");
}
