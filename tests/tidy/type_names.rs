//! One word, one thing: the name of a public type stands in one crate only.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::{File, rust_files};
use crate::use_paths::use_paths;

/// Names that several crates have, each with the reason.
const ALLOWED: &[(&str, &str)] = &[
    ("Entry", "the chassis' row of a refusal table, ingest's alias of it, and a record of a consumer's group"),
    ("Refusal", "why AgentPing's admission refuses a request, and why AgentGate refuses a command"),
    ("Refused", "the chassis' trait of a port's refusals, and the gate's verdict that a claim or a limit refuses"),
    ("RunStatus", "the status of an AgentPing run, and that of an AgentGate run"),
    ("Scope", "what a team's key may read and write, and one permission of an AgentGate key"),
];

/// The crate that a source file belongs to: its folder, for files below `src/` of services/ and shared/.
fn crate_of(file: &File) -> Option<&str> {
    let (folder, _) = file.path.split_once("/src/")?;
    let is_ours = (folder.starts_with("services/") || folder.starts_with("shared/")) && !folder.contains("/tests/");
    is_ours.then_some(folder)
}

/// The name at the start of `text`.
fn name(text: &str) -> &str {
    text.split(|char: char| !(char.is_alphanumeric() || char == '_')).next().unwrap_or_default()
}

/// The types that a file declares as `pub`. Those of nested modules are indented and do not count.
fn declared(text: &str) -> impl Iterator<Item = &str> {
    const KINDS: [&str; 5] = ["struct ", "enum ", "trait ", "type ", "union "];
    text.lines().filter_map(|line| {
        let item = line.strip_prefix("pub ")?;
        KINDS.iter().find_map(|kind| item.strip_prefix(kind)).map(name)
    })
}

/// The modules that a file declares as `pub`.
fn public_modules(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
}

/// The last names of the paths that a file exports again.
fn exported(text: &str) -> impl Iterator<Item = String> {
    let uses = text.split("\npub use ").skip(1);
    uses.flat_map(|tree| use_paths(tree).into_iter().filter_map(|mut path| path.pop()))
}

/// The public types of one crate, given the text of each file by its path below `src/`: those in public modules, and
/// those that such a module exports.
fn public_types<'t>(files: &BTreeMap<&str, &'t str>) -> BTreeSet<&'t str> {
    let all: BTreeSet<&str> = files.values().flat_map(|text| declared(text)).collect();
    let mut found = BTreeSet::new();
    let mut pending = vec!["lib".to_owned()];
    while let Some(module) = pending.pop() {
        let paths = [format!("{module}.rs"), format!("{module}/mod.rs")];
        let Some(text) = paths.iter().find_map(|path| files.get(path.as_str())) else { continue };
        found.extend(declared(text));
        found.extend(exported(text).filter_map(|name| all.get(name.as_str())));
        let below = if module == "lib" { String::new() } else { format!("{module}/") };
        pending.extend(public_modules(text).map(|inner| format!("{below}{inner}")));
    }
    found
}

#[test]
fn a_public_types_name_stands_in_one_crate() {
    let files = rust_files();
    let mut crates: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for file in &files {
        if let Some(folder) = crate_of(file) {
            let path = &file.path[folder.len() + "/src/".len()..];
            crates.entry(folder).or_default().insert(path, &file.text);
        }
    }
    assert!(crates.len() > 15, "{} crates", crates.len());
    let mut owners: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (folder, sources) in &crates {
        public_types(sources).into_iter().for_each(|name| owners.entry(name).or_default().push(folder));
    }
    assert!(owners.len() > 150, "{} public types", owners.len());
    owners.retain(|_, crates| crates.len() > 1);
    let twice: Vec<String> = owners
        .iter()
        .filter(|(name, _)| ALLOWED.iter().all(|(allowed, _)| allowed != *name))
        .map(|(name, crates)| format!("{name}: {}", crates.join(", ")))
        .collect();
    assert!(twice.is_empty(), "a type's name is public in two crates:\n  {}", twice.join("\n  "));
    let unused: Vec<&str> = ALLOWED.iter().map(|(name, _)| *name).filter(|name| !owners.contains_key(name)).collect();
    assert!(unused.is_empty(), "{unused:?} stand in one crate only: take them off the list");
}

#[test]
fn only_what_is_reachable_is_public() {
    let lib =
        "//! A crate.\n\nmod inner;\npub mod outer;\n\npub use inner::{Exported, function};\npub struct Own(u8);\n";
    let inner = "pub struct Exported;\npub struct Hidden;\npub fn function() {}\n";
    let outer = "pub enum Open {}\npub(crate) struct Narrow;\npub mod below;\nmod private;\n";
    let files = [
        ("lib.rs", lib),
        ("inner.rs", inner),
        ("outer.rs", outer),
        ("outer/below.rs", "pub trait Deep {}\n"),
        ("outer/private.rs", "pub type Concealed = u8;\n"),
    ];
    let found: Vec<&str> = public_types(&BTreeMap::from(files)).into_iter().collect();
    assert_eq!(found, ["Deep", "Exported", "Open", "Own"]);
}
