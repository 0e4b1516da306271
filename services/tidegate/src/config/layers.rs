//! Where values come from: a file, variables above it, flags above those. All become dotted keys with text.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::ConfigProblem;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Default,
    File(PathBuf),
    Variable(String),
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::File(path) => write!(f, "{}", path.display()),
            Source::Variable(name) => f.write_str(name),
            Source::Flag(name) => f.write_str(name),
        }
    }
}

/// The values given, the topmost of each key.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    values: BTreeMap<String, (String, Source)>,
    problems: Vec<ConfigProblem>,
}

const PREFIX: &str = "TIDEGATE_";
/// Names the file itself, so it is no key.
pub const CONFIG_FILE_VARIABLE: &str = "TIDEGATE_CONFIG";

impl Layers {
    /// Lays a TOML file's values over what is there.
    pub fn file(&mut self, path: &Path) {
        let source = Source::File(path.to_owned());
        let problem = |what: String| ConfigProblem::file(path, what);
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return self.problems.push(problem(format!("cannot be read: {error}"))),
        };
        match text.parse::<toml::Table>() {
            Ok(table) => self.flatten("", &table, &source),
            // The error's own text would quote the line, and a line may hold a secret.
            Err(error) => {
                let before = error.span().map_or(0, |span| span.start);
                let line = 1 + text.bytes().take(before).filter(|byte| *byte == b'\n').count();
                self.problems.push(problem(format!("is no TOML: line {line}: {}", error.message())));
            }
        }
    }

    fn flatten(&mut self, above: &str, table: &toml::Table, source: &Source) {
        for (name, value) in table {
            let key = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
            let text = match value {
                toml::Value::Table(below) => {
                    self.flatten(&key, below, source);
                    continue;
                }
                toml::Value::String(text) => text.clone(),
                toml::Value::Array(items) => {
                    let texts = items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
                    texts.collect::<Vec<_>>().join(",")
                }
                other => other.to_string(),
            };
            self.values.insert(key, (text, source.clone()));
        }
    }

    /// Lays the `TIDEGATE_…` variables over what is there: `TIDEGATE_INGEST__LISTEN` is `ingest.listen`,
    /// and a list is separated by commas. Variables
    /// with which a cluster announces a service named `tidegate`, and those of tests and of the local stack, are none
    /// of ours.
    pub fn variables(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        for (name, value) in variables {
            let Some(rest) = name.strip_prefix(PREFIX) else { continue };
            if name == CONFIG_FILE_VARIABLE
                || ["TEST_", "STACK_"].iter().any(|own| rest.starts_with(own))
                || announces_a_service(rest)
            {
                continue;
            }
            let key = rest.to_ascii_lowercase().replace("__", ".");
            self.values.insert(key, (value, Source::Variable(name)));
        }
    }

    /// Lays a flag's value over what is there, if the flag was given.
    pub fn flag(&mut self, flag: &'static str, key: &str, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.values.insert(key.to_owned(), (value.to_string(), Source::Flag(flag)));
        }
    }

    pub(super) fn take(&mut self, key: &str) -> Option<(String, Source)> {
        self.values.remove(key)
    }

    /// Everything below `prefix`: name, text, source.
    pub(super) fn take_below(&mut self, prefix: &str) -> Vec<(String, String, Source)> {
        let name = |key: &str| key.strip_prefix(prefix)?.strip_prefix('.').map(str::to_owned);
        let below = self.values.extract_if(.., |key, _| name(key).is_some());
        below.filter_map(|(key, (text, source))| Some((name(&key)?, text, source))).collect()
    }

    /// Settings that no section reads, and errors of reading.
    pub(super) fn rest(self) -> (BTreeMap<String, (String, Source)>, Vec<ConfigProblem>) {
        (self.values, self.problems)
    }
}

/// `TIDEGATE_PORT=tcp://…`, `TIDEGATE_SERVICE_HOST`, `TIDEGATE_INGEST_PORT_8080_TCP_ADDR` and the like: Kubernetes
/// sets these in every pod of a namespace that has a service of that name.
fn announces_a_service(rest: &str) -> bool {
    let single = !rest.contains("__");
    let words: Vec<&str> = rest.split('_').collect();
    let service = words.windows(2).any(|pair| pair[0] == "SERVICE" && matches!(pair[1], "HOST" | "PORT"));
    let port = words.iter().position(|word| *word == "PORT").is_some_and(|at| {
        words.get(at + 1).is_none_or(|next| !next.is_empty() && next.bytes().all(|byte| byte.is_ascii_digit()))
    });
    single && (service || port)
}
