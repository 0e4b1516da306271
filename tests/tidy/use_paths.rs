//! The paths that a `use` names.

/// Every path of the tree that `text` begins with: `a::{b, c::D}` is `a::b` and `a::c::D`. A renaming counts as what it
/// renames, and `self` as the path before it.
pub fn use_paths(text: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    tree(text, &[], &mut paths);
    paths
}

/// Reads one tree; what follows it.
fn tree<'t>(text: &'t str, before: &[String], paths: &mut Vec<Vec<String>>) -> &'t str {
    let text = text.trim_start();
    if let Some(inside) = text.strip_prefix('{') {
        let mut rest = inside.trim_start();
        while !rest.is_empty() && !rest.starts_with('}') {
            let after = tree(rest, before, paths).trim_start_matches([',', ' ', '\n', '\t']);
            // What is no list of names is not read any further.
            if after.len() == rest.len() {
                return "";
            }
            rest = after;
        }
        return rest.strip_prefix('}').unwrap_or(rest);
    }
    let length = text.find(|char: char| !char.is_alphanumeric() && char != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(length);
    let mut path = before.to_vec();
    if !name.is_empty() && name != "self" {
        path.push(name.to_owned());
    }
    if let Some(rest) = rest.strip_prefix("::") {
        return tree(rest, &path, paths);
    }
    paths.push(path);
    match rest.strip_prefix(" as ") {
        Some(renamed) => renamed.trim_start_matches(|char: char| char.is_alphanumeric() || char == '_'),
        None => rest.strip_prefix('*').unwrap_or(rest),
    }
}

#[test]
fn every_path_of_a_tree_is_found() {
    let named = |text: &str| use_paths(text).iter().map(|path| path.join("::")).collect::<Vec<_>>();
    assert_eq!(named("a::B;"), ["a::B"]);
    assert_eq!(named("a::{self, b as c, d::{E, F}};"), ["a", "a::b", "a::d::E", "a::d::F"]);
    assert_eq!(named("{a, b::*,\n    c};"), ["a", "b", "c"]);
    assert_eq!(named("a::b(1)"), ["a::b"]);
}
