//! What is sent to a store is a constant text with values bound to it: nothing that a client sent is ever part of a
//! statement. The source text is enough to check that: where statements are made into text, only names of ours go into
//! them.

use crate::tree::{File, rust_files};

/// The rooms that speak a query language.
const ROOMS: [&str; 2] = ["shared/adapters/scylla/src/", "shared/adapters/sqlite/src/"];

/// Where statements are sent unprepared: definitions, which have no values of clients.
const UNPREPARED: [&str; 1] = ["shared/adapters/scylla/src/migrations/ddl.rs"];

/// What a statement's text may be made of, in addition to constants: names that are ours or checked when the
/// configuration is read, and numbers that are ours.
const NAMES: [&str; 10] = [
    "column",
    "keyspace",
    "self.keyspace",
    "table",
    "partition",
    "columns",
    "distinct",
    "text",
    "self.name",
    "replication.to_cql()",
];

const WORDS: [&str; 12] = [
    "SELECT ",
    "INSERT ",
    "UPDATE ",
    "DELETE ",
    "CREATE ",
    "ALTER ",
    "DROP ",
    "TRUNCATE ",
    "BEGIN ",
    "VALUES (",
    " WHERE ",
    "PRAGMA ",
];

fn rooms() -> Vec<File> {
    let ours = |file: &File| ROOMS.iter().any(|room| file.path.starts_with(room)) && !file.path.contains("tests");
    let files: Vec<File> = rust_files().into_iter().filter(ours).collect();
    assert!(files.len() > 40, "the rooms were not found");
    files
}

/// The text of each call of `name`, from its opening parenthesis to the closing one.
fn calls<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let starts = text.match_indices(name).map(|(at, _)| at + name.len());
    starts.map(|from| &text[from..from + length_of_call(&text[from..])]).collect()
}

/// Up to the parenthesis that closes the one before; parentheses in literals do not count.
fn length_of_call(text: &str) -> usize {
    let (mut depth, mut quoted, mut escaped) = (1, false, false);
    for (at, char) in text.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The first literal of a call, and what comes after it.
fn literal(call: &str) -> Option<(&str, &str)> {
    let from = call.find('"')? + 1;
    let mut escaped = false;
    let to = call[from..].find(|char| {
        let ends = char == '"' && !escaped;
        escaped = char == '\\' && !escaped;
        ends
    })?;
    Some((&call[from..from + to], &call[from + to + 1..]))
}

/// What goes into the holes of a format string: those named in it, and the arguments after it.
fn holes(literal: &str, arguments: &str) -> Vec<String> {
    let plain = literal.replace("{{", "").replace("}}", "");
    let named = plain.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let named = named.map(|hole| hole.split(':').next().unwrap_or_default().trim().to_owned());
    let given = arguments.split(',').map(|one| one.trim().to_owned());
    named.chain(given).filter(|hole| !hole.is_empty()).collect()
}

/// `COLUMNS`, `run_row::COLUMNS`.
fn is_constant(hole: &str) -> bool {
    let last = hole.rsplit("::").next().unwrap_or_default();
    !last.is_empty() && last.chars().all(|char| char.is_ascii_uppercase() || char.is_ascii_digit() || char == '_')
}

#[test]
fn no_value_is_written_into_a_statement() {
    let (mut bad, mut judged) = (Vec::new(), 0);
    for file in rooms() {
        for call in ["format!(", "write!(", "writeln!(", "push_str("].iter().flat_map(|name| calls(&file.text, name)) {
            let Some((text, rest)) = literal(call) else { continue };
            if !WORDS.iter().any(|word| text.contains(word)) {
                continue;
            }
            judged += 1;
            let made_of = holes(text, rest);
            let foreign = made_of.iter().filter(|hole| !NAMES.contains(&hole.as_str()) && !is_constant(hole));
            bad.extend(foreign.map(|hole| format!("{}: {{{hole}}} in \"{text:.60}…\"", file.path)));
        }
    }
    assert!(judged >= 8, "the rule no longer finds the statements that are made: {judged}");
    assert!(bad.is_empty(), "a statement is made of what is no name of ours: bind it\n  {}", bad.join("\n  "));
}

/// A statement is a literal, a constant, or what the rule above has judged; it is never put together on the spot.
#[test]
fn statements_are_prepared() {
    let (mut bad, mut judged) = (Vec::new(), 0);
    for file in rooms() {
        let unprepared = ["query_unpaged(", "query_iter(", "query_single_page("];
        if unprepared.iter().any(|call| file.text.contains(call)) && !UNPREPARED.contains(&file.path.as_str()) {
            bad.push(format!("{}: a statement is sent unprepared", file.path));
        }
        for name in [".prepare(", ".prepare_cached(", ".execute_batch(", ".query_row("] {
            for call in calls(&file.text, name) {
                let first = call.trim_start().trim_start_matches('&');
                judged += 1;
                if ["format!", "String::", "concat"].iter().any(|start| first.starts_with(start)) {
                    bad.push(format!("{}: {name}{:.60}", file.path, first));
                }
                let plus = literal(first).is_some_and(|(_, rest)| rest.trim_start().starts_with('+'));
                if plus {
                    bad.push(format!("{}: {name}{:.60}", file.path, first));
                }
            }
        }
    }
    assert!(judged > 40, "the rule no longer finds the statements: {judged}");
    assert!(bad.is_empty(), "a statement is put together where it is sent:\n  {}", bad.join("\n  "));
}

/// No other crate speaks to a store.
#[test]
fn statements_stand_in_their_rooms() {
    let words = ["SELECT ", "INSERT INTO ", "DELETE FROM ", "DROP TABLE "];
    let outside = rust_files().into_iter().filter(|file| {
        let source =
            (file.path.starts_with("shared/") || file.path.starts_with("services/")) && file.path.contains("/src/");
        source && !ROOMS.iter().any(|room| file.path.starts_with(room))
    });
    let found: Vec<String> = outside
        .filter(|file| words.iter().any(|word| file.text.contains(&format!("\"{word}"))))
        .map(|file| file.path)
        .collect();
    assert!(found.is_empty(), "a statement outside the adapters: {found:?}");
}

/// A credential is looked up by its SHA-256, so that no comparison of secrets can be timed; its digits are asked for only
/// to hash it, to show it once to who had it made, and to send the canary, which makes its own.
#[test]
fn a_secrets_digits_are_asked_for_in_five_places() {
    const MAKES_THEM: [&str; 5] = [
        "shared/products/agentping/src/credential.rs",
        "services/control/src/tokens.rs",
        "services/pulse/src/canary.rs",
        "services/tidegate/src/manage/keys.rs",
        "services/tidegate/src/manage/tokens.rs",
    ];
    let sources =
        rust_files().into_iter().filter(|file| file.path.contains("/src/") && !file.path.starts_with("tests/"));
    let asks: Vec<String> = sources.filter(|file| file.text.contains(".expose()")).map(|file| file.path).collect();
    let foreign: Vec<&String> = asks.iter().filter(|path| !MAKES_THEM.contains(&path.as_str())).collect();
    assert!(foreign.is_empty(), "the digits of a secret are asked for in {foreign:?}");
    assert_eq!(asks.len(), MAKES_THEM.len(), "one of the five moved: {asks:?}");
    let port = rust_files()
        .into_iter()
        .find(|file| file.path == "shared/products/agentping/ports/src/registry.rs")
        .expect("the port");
    let find = port.text.split("trait Credentials").nth(1).and_then(|rest| rest.split('}').next()).unwrap_or_default();
    assert!(find.contains("&CredentialHash") && !find.contains("&str"), "a look-up by anything but the hash: {find}");
}
