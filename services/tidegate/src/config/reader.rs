//! Reads typed values out of the layers, gathering every mistake instead of stopping at the first.

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use tidegate_telemetry::{LogFormat, LogSettings};

use super::layers::{Layers, Source};

/// One mistake: the key, the value, where it came from, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem(String);

impl ConfigProblem {
    pub(super) fn value(key: &str, value: &str, source: &Source, allowed: &str) -> Self {
        ConfigProblem(format!("{key} = {:?} (from {source}): must be {allowed}", redacted(value)))
    }

    pub(super) fn unknown(key: &str, source: &Source, near: Option<&str>) -> Self {
        let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        ConfigProblem(format!("{key} (from {source}): there is no such key{hint}"))
    }

    pub(super) fn file(path: &Path, what: String) -> Self {
        ConfigProblem(format!("the configuration file {} {what}", path.display()))
    }

    /// Two numbers that contradict each other.
    pub(super) fn nesting(what: String) -> Self {
        ConfigProblem(what)
    }
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One key as it holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Effective {
    pub key: String,
    value: String,
    pub source: Source,
    shape: Shape,
}

/// How TOML writes a value, and whether it may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Bare,
    Text,
    List,
    Secret,
}

impl Effective {
    /// The value as TOML writes it, fit to be shown: secrets are left out.
    pub fn shown(&self) -> String {
        match self.shape {
            Shape::Bare => self.value.clone(),
            Shape::Text => format!("{:?}", redacted(&self.value)),
            Shape::Secret if self.value.is_empty() => "\"\"".to_owned(),
            Shape::Secret => "\"***\"".to_owned(),
            Shape::List => {
                let items: Vec<String> = listed(&self.value).map(|item| format!("{:?}", redacted(item))).collect();
                format!("[{}]", items.join(", "))
            }
        }
    }
}

impl fmt::Debug for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} ({})", self.key, self.shown(), self.source)
    }
}

/// The items of a list as one text holds them.
fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

pub(super) struct Reader {
    layers: Layers,
    effective: Vec<Effective>,
    problems: Vec<ConfigProblem>,
}

impl Reader {
    pub(super) fn new(layers: Layers) -> Self {
        Reader { layers, effective: Vec::new(), problems: Vec::new() }
    }

    /// A value that `parse` takes; the default where none was given, or where a mistake was noted.
    fn read<T>(
        &mut self,
        key: &'static str,
        default: T,
        allowed: &str,
        shape: Shape,
        parse: impl FnOnce(&str) -> Option<T>,
        show: impl FnOnce(&T) -> String,
    ) -> T {
        let (value, source) = match self.layers.take(key) {
            None => (default, Source::Default),
            Some((text, source)) => match parse(&text) {
                Some(value) => (value, source),
                None => {
                    self.problems.push(ConfigProblem::value(key, &text, &source, allowed));
                    (default, source)
                }
            },
        };
        self.effective.push(Effective { key: key.to_owned(), value: show(&value), source, shape });
        value
    }

    pub(super) fn parsed<T: FromStr + fmt::Display>(&mut self, key: &'static str, default: T, allowed: &str) -> T {
        self.read(key, default, allowed, Shape::Text, |text| text.parse().ok(), T::to_string)
    }

    pub(super) fn text(&mut self, key: &'static str, default: &str) -> String {
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        self.read(key, default.to_owned(), "a text that is not empty", Shape::Text, filled, String::clone)
    }

    /// A text that may be left out; an empty one is none.
    pub(super) fn maybe(&mut self, key: &'static str, allowed: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
        let parse = |text: &str| (text.is_empty() || fits(text)).then(|| text.to_owned());
        let text = self.read(key, String::new(), allowed, Shape::Text, parse, String::clone);
        (!text.is_empty()).then_some(text)
    }

    /// A text of a certain form, with a default.
    pub(super) fn formed(
        &mut self,
        key: &'static str,
        default: &str,
        allowed: &str,
        fits: impl Fn(&str) -> bool,
    ) -> String {
        let parse = |text: &str| fits(text).then(|| text.to_owned());
        self.read(key, default.to_owned(), allowed, Shape::Text, parse, String::clone)
    }

    /// One word of a few.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        default: T,
        all: &[T],
        word: fn(T) -> &'static str,
    ) -> T {
        let words: Vec<&str> = all.iter().map(|one| word(*one)).collect();
        let parse = |text: &str| all.iter().copied().find(|one| word(*one) == text);
        self.read(key, default, &format!("one of {}", words.join(", ")), Shape::Text, parse, |one| {
            word(*one).to_owned()
        })
    }

    /// Notes a mistake that is not one value's.
    pub(super) fn problem(&mut self, problem: ConfigProblem) {
        self.problems.push(problem);
    }

    /// Several texts: an array in the file, separated by commas in a variable. None given: an empty list.
    pub(super) fn list(&mut self, key: &'static str, allowed: &str, fits: impl Fn(&str) -> bool) -> Vec<String> {
        let parse = |text: &str| {
            let items: Vec<String> = listed(text).map(str::to_owned).collect();
            items.iter().all(|item| fits(item)).then_some(items)
        };
        self.read(key, Vec::new(), allowed, Shape::List, parse, |items| items.join(","))
    }

    /// A secret, given itself or as the file that holds it; never shown.
    pub(super) fn secret(&mut self, key: &'static str, file_key: &'static str) -> Option<String> {
        let own = self.read(key, String::new(), "a text", Shape::Secret, |text| Some(text.to_owned()), String::clone);
        let file = self.maybe(file_key, "the path of a file", |_| true);
        match (own.is_empty(), file) {
            (true, None) => None,
            (false, None) => Some(own),
            (true, Some(path)) => self.mounted(file_key, &path),
            (false, Some(_)) => {
                self.problems.push(ConfigProblem::nesting(format!("{key} and {file_key} are both set: leave one out")));
                None
            }
        }
    }

    /// The text of a file that may be left out.
    pub(super) fn file(&mut self, key: &'static str) -> Option<String> {
        let path = self.maybe(key, "the path of a file", |_| true)?;
        self.mounted(key, &path)
    }

    /// The text of a mounted secret, without the line's end that editors leave.
    fn mounted(&mut self, key: &str, path: &str) -> Option<String> {
        match std::fs::read_to_string(path) {
            Ok(text) => Some(text.trim_end_matches(['\r', '\n']).to_owned()),
            Err(error) => {
                self.problems.push(ConfigProblem::nesting(format!("{key}: {path} cannot be read: {error}")));
                None
            }
        }
    }

    /// Everything below `prefix`, as pairs of a name and a text. A name that ends in `_file` stands for the content
    /// of that file. `allowed` gives a reason where a name is not allowed here.
    pub(super) fn table(
        &mut self,
        prefix: &'static str,
        refused: impl Fn(&str) -> Option<String>,
        secret: impl Fn(&str) -> bool,
    ) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for (name, text, source) in self.layers.take_below(prefix) {
            let key = format!("{prefix}.{name}");
            let (named, file) = name.strip_suffix("_file").map_or((name.as_str(), false), |named| (named, true));
            if let Some(reason) = refused(named) {
                self.problems.push(ConfigProblem::nesting(format!("{key} (from {source}): {reason}")));
                continue;
            }
            let shape = if secret(named) && !file { Shape::Secret } else { Shape::Text };
            let value = if file { self.mounted(&key, &text) } else { Some(text.clone()) };
            pairs.extend(value.map(|value| (named.to_owned(), value)));
            self.effective.push(Effective { key, value: text, source, shape });
        }
        pairs
    }

    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        self.read(key, default, "true or false", Shape::Bare, |text| text.parse().ok(), bool::to_string)
    }

    pub(super) fn whole(&mut self, key: &'static str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        // TOML lets people write 1_000_000; a variable may as well.
        let parse = |text: &str| text.replace('_', "").parse().ok().filter(|value| range.contains(value));
        self.read(key, default, &allowed, Shape::Bare, parse, u64::to_string)
    }

    pub(super) fn millis(&mut self, key: &'static str, default: u64, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.whole(key, default, range))
    }

    pub(super) fn address(&mut self, key: &'static str, default: ([u8; 4], u16)) -> SocketAddr {
        self.parsed(key, default.into(), "an address and a port such as 127.0.0.1:8080 or [::1]:0")
    }

    /// An address that may be left out; an empty one is none.
    pub(super) fn maybe_address(&mut self, key: &'static str) -> Option<SocketAddr> {
        let allowed = "empty, or an address and a port such as 127.0.0.1:9091";
        let text = self.maybe(key, allowed, |text| text.parse::<SocketAddr>().is_ok());
        text.and_then(|text| text.parse().ok())
    }

    /// The URL of a server that may be left out; an empty one is none.
    pub(super) fn maybe_url(&mut self, key: &'static str) -> Option<String> {
        let is_url = |text: &str| {
            let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
            host.is_some_and(|host| !host.is_empty() && !host.contains(['\'', ' ', '?', '#', '@']))
        };
        self.maybe(key, "empty, or a URL such as https://ingest.example.com", is_url)
    }

    pub(super) fn level(&mut self, key: &'static str) -> String {
        let allowed = "error, warn, info, debug or trace, or directives such as info,tidegate_ingest=debug";
        let parse = |text: &str| {
            let settings = LogSettings { level: text.to_owned(), ..LogSettings::default() };
            settings.check().is_ok().then_some(settings.level)
        };
        self.read(key, LogSettings::default().level, allowed, Shape::Text, parse, String::clone)
    }

    pub(super) fn format(&mut self, key: &'static str) -> LogFormat {
        self.parsed(key, LogFormat::Auto, "auto, text or json")
    }

    /// The effective settings, and every mistake; keys that no setting read are mistakes too.
    pub(super) fn finish(self) -> (Vec<Effective>, Vec<ConfigProblem>) {
        let Reader { layers, effective, mut problems } = self;
        let (unread, gathering) = layers.rest();
        problems.splice(0..0, gathering);
        for (key, (_, source)) in unread {
            let last = |key: &str| key.rsplit('.').next().unwrap_or_default().replace('_', "");
            let near = effective.iter().map(|known| known.key.as_str()).find(|known| {
                known.replace(['.', '_'], "") == key.replace(['.', '_'], "") || last(known) == last(&key)
            });
            problems.push(ConfigProblem::unknown(&key, &source, near));
        }
        (effective, problems)
    }
}

/// A value fit to be shown: the password of a URL is left out.
pub(super) fn redacted(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else { return value.to_owned() };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..authority_end].rfind('@').map(|at| (&rest[..at], &rest[at..])) {
        Some((user, host)) if user.contains(':') => {
            let name = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{name}:***{host}")
        }
        _ => value.to_owned(),
    }
}
