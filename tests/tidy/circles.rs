//! Files of a crate do not lean on one another in a ring: whoever reads one of a ring has to read them all.
//!
//! A file leans on another where it names something by `crate::…` or `super::…` outside of its tests. A file and one that
//! it contains (`store.rs` and `store/load.rs`) may name each other: that is what a folder is for.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::{File, rust_files};
use crate::use_paths::use_paths;

/// Rings that there still are, as the crate and the files' modules. They may shrink, and not grow.
const REMAINING: &[(&str, &[&str])] = &[
    ("shared/adapters/scylla", &["migrations", "session"]),
    (
        "shared/adapters/scylla",
        &["agentping::store::derived", "agentping::store::follow_ups", "agentping::store::save"],
    ),
];

/// A module's path; the crate's root is empty.
type Module = Vec<String>;
type Graph = BTreeMap<Module, BTreeSet<Module>>;

/// The files of each crate below `services` and `shared`, by the crate's folder, without those that hold tests only.
fn crates() -> BTreeMap<String, BTreeMap<Module, File>> {
    let mut crates: BTreeMap<String, BTreeMap<Module, File>> = BTreeMap::new();
    for file in rust_files() {
        let Some((krate, path)) = file.path.split_once("/src/") else { continue };
        let mut module: Module = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        let is_root = matches!(path, "lib.rs" | "main.rs");
        let is_ours = ["services/", "shared/"].iter().any(|floor| krate.starts_with(floor));
        if !is_ours || path.starts_with("bin/") || module.iter().any(|part| part == "tests") {
            continue;
        }
        if is_root {
            module.clear();
        }
        crates.entry(krate.to_owned()).or_default().insert(module, file);
    }
    crates
}

/// A file's text without comments and tests.
fn code(file: &File) -> String {
    let before_tests = file.text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    before_tests.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Which module each name of the crate's root comes from.
fn reexports(root: &str) -> BTreeMap<String, Module> {
    let uses = root.match_indices("use ").map(|(at, word)| &root[at + word.len()..]);
    let paths = uses.flat_map(|text| use_paths(text.trim_start_matches("crate::")));
    paths.filter_map(|mut path| Some((path.pop()?, path))).filter(|(_, from)| !from.is_empty()).collect()
}

/// What the code of `module` names, as paths from the crate's root.
fn named(module: &Module, code: &str) -> Vec<Module> {
    let mut named = Vec::new();
    for word in ["crate::", "super::"] {
        for (at, _) in code.match_indices(word) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|char| char == ':' || char == '$' || char.is_alphanumeric() || char == '_') {
                continue;
            }
            let mut base = if word == "crate::" { Module::new() } else { module.clone() };
            let mut rest = &code[at..];
            while let Some(after) = rest.strip_prefix("super::") {
                base.pop();
                rest = after;
            }
            rest = rest.strip_prefix("crate::").unwrap_or(rest);
            named.extend(use_paths(rest).into_iter().map(|path| [base.clone(), path].concat()));
        }
    }
    named
}

fn contains(outer: &Module, inner: &Module) -> bool {
    inner.starts_with(outer)
}

fn graph(files: &BTreeMap<Module, File>) -> Graph {
    let root = files.get(&Module::new()).map(code).unwrap_or_default();
    let reexports = reexports(&root);
    let leans = |(module, file): (&Module, &File)| {
        let mut on = BTreeSet::new();
        for path in named(module, &code(file)) {
            let path = path.first().and_then(|name| reexports.get(name)).cloned().unwrap_or(path);
            let longest = (1..=path.len()).rev().map(|length| path[..length].to_vec());
            let target = longest.into_iter().find(|module| files.contains_key(module));
            on.extend(target.filter(|target| !contains(module, target) && !contains(target, module)));
        }
        (module.clone(), on)
    };
    files.iter().map(leans).collect()
}

/// All that a module leans on, directly or by way of others.
fn reach(graph: &Graph, from: &Module) -> BTreeSet<Module> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&Module> = graph[from].iter().collect();
    while let Some(module) = next.pop() {
        if reached.insert(module.clone()) {
            next.extend(&graph[module]);
        }
    }
    reached
}

/// Each ring once, its modules in order.
fn rings(graph: &Graph) -> BTreeSet<Vec<String>> {
    let reached: BTreeMap<&Module, BTreeSet<Module>> =
        graph.keys().map(|module| (module, reach(graph, module))).collect();
    let ring = |module: &&Module| {
        let back = reached[*module].iter().filter(|other| reached[other].contains(*module));
        back.map(|module| module.join("::")).collect::<Vec<_>>()
    };
    graph.keys().collect::<Vec<_>>().iter().map(ring).filter(|ring| ring.len() > 1).collect()
}

#[test]
fn files_lean_on_one_another_in_one_direction() {
    let crates = crates();
    assert!(crates.len() > 12, "{:?}", crates.keys());
    let mut found: BTreeSet<(String, Vec<String>)> = BTreeSet::new();
    let mut edges = 0;
    for (krate, files) in &crates {
        let graph = graph(files);
        edges += graph.values().map(BTreeSet::len).sum::<usize>();
        found.extend(rings(&graph).into_iter().map(|ring| (krate.clone(), ring)));
    }
    assert!(edges > 300, "the rule no longer finds what files name: {edges}");
    let shared = |(krate, ring): &(String, Vec<String>), (of, remaining): &(&str, &[&str])| {
        let listed = |module: &&String| remaining.contains(&module.as_str());
        if krate == of { ring.iter().filter(listed).count() } else { 0 }
    };
    let is_known = |ring: &(String, Vec<String>)| REMAINING.iter().any(|known| shared(ring, known) == ring.1.len());
    let new: Vec<_> = found.iter().filter(|ring| !is_known(ring)).collect();
    assert!(new.is_empty(), "files that lean on one another in a ring: {new:#?}");
    let gone: Vec<_> = REMAINING.iter().filter(|known| !found.iter().any(|ring| shared(ring, known) > 1)).collect();
    assert!(gone.is_empty(), "these rings are gone, and leave the list: {gone:#?}");
}

#[test]
fn a_ring_is_found_by_way_of_the_root_too() {
    let file = |text: &str| File { path: String::new(), text: text.to_owned() };
    let files = |a: &str| {
        BTreeMap::from([
            (Module::new(), file("mod a;\nmod b;\npub use b::{B, Other};\n")),
            (vec!["a".to_owned()], file(a)),
            (vec!["b".to_owned()], file("use crate::{c::{self, C}, a::A};\n")),
            (vec!["c".to_owned()], file("")),
        ])
    };
    let ring = BTreeSet::from([vec!["a".to_owned(), "b".to_owned()]]);
    assert_eq!(rings(&graph(&files("use crate::B;\n"))), ring);
    assert_eq!(rings(&graph(&files("fn one() { super::b::two() }\n"))), ring);
    let in_tests = "// crate::B\n#[cfg(test)]\nmod tests {\n    use crate::B;\n}\n";
    assert!(rings(&graph(&files(in_tests))).is_empty());
}
