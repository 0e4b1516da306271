//! The pipeline knows no product: none of a product's nouns stands in its names and texts, and no product's name in its
//! comments.

use crate::tree::{File, rust_files};

/// Nouns of products. `run` alone is a verb, too: it counts where it is part of a longer name.
const NOUNS: &[&str] =
    &["agent", "agents", "heartbeat", "heartbeats", "runs", "wallet", "wallets", "agentping", "agentgate", "remno"];
/// Nouns of two words.
const COMPOUNDS: &[[&str; 2]] = &[["work", "order"], ["work", "orders"]];
/// Names of products, which no comment has either.
const PRODUCTS: &[&str] = &["agentping", "agentgate", "remno"];

/// The names and texts of a line of code, without its comment.
fn code(line: &str) -> &str {
    let trimmed = line.trim_start();
    if trimmed.starts_with("//") {
        return "";
    }
    trimmed.split(" // ").next().unwrap_or_default()
}

/// The words of a name, split at underscores and capitals: `RunKey` and `run_key` are `run`, `key`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in name.chars() {
        if letter == '_' || (letter.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = letter.is_lowercase();
        if letter != '_'
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The noun of a product that a name holds.
fn noun(name: &str) -> Option<String> {
    let words = words(name);
    if let Some(pair) = words.windows(2).find(|pair| COMPOUNDS.iter().any(|compound| pair == compound)) {
        return Some(pair.join(" "));
    }
    let is_compound = words.len() > 1 && words != ["run", "upkeep"];
    words.into_iter().find(|word| NOUNS.contains(&word.as_str()) || (is_compound && word == "run"))
}

fn names(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let lines = file.text.lines().enumerate().map(|(at, line)| (at + 1, code(line)));
    lines.flat_map(|(at, line)| {
        line.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')).map(move |name| (at, name))
    })
}

#[test]
fn the_pipeline_names_no_product() {
    let pipeline: Vec<File> =
        rust_files().into_iter().filter(|file| file.path.starts_with("shared/pipeline/")).collect();
    assert!(pipeline.len() > 40, "the pipeline has {} files", pipeline.len());
    let found: Vec<String> = pipeline
        .iter()
        .flat_map(|file| names(file).filter_map(|(at, name)| noun(name).map(|_| format!("{}:{at}: {name}", file.path))))
        .collect();
    assert!(found.is_empty(), "a product's noun in the pipeline:\n  {}", found.join("\n  "));
}

#[test]
fn the_pipelines_comments_name_no_product() {
    let mut found = Vec::new();
    for file in rust_files().iter().filter(|file| file.path.starts_with("shared/pipeline/")) {
        let named = |line: &str| PRODUCTS.iter().any(|product| line.to_lowercase().contains(product));
        let lines = file.text.lines().enumerate().filter(|(_, line)| named(line));
        found.extend(lines.map(|(at, line)| format!("{}:{}: {}", file.path, at + 1, line.trim())));
    }
    assert!(found.is_empty(), "a product's name in the pipeline:\n  {}", found.join("\n  "));
}

#[test]
fn nouns_are_found_in_names_and_verbs_are_not() {
    for (name, expected) in [
        ("RunKey", Some("run")),
        ("run_id", Some("run")),
        ("MAX_RUNS", Some("runs")),
        ("Heartbeat", Some("heartbeat")),
        ("agent", Some("agent")),
        ("WorkOrder", Some("work order")),
        ("open_work_orders", Some("work orders")),
        ("order_of_work", None),
        ("workorders", None),
        ("run", None),
        ("runtime", None),
        ("running", None),
        ("run_upkeep", None),
    ] {
        assert_eq!(noun(name).as_deref(), expected, "{name}");
    }
}
