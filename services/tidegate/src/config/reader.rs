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
pub struct Problem(String);

impl Problem {
    pub(super) fn value(key: &str, value: &str, source: &Source, allowed: &str) -> Self {
        Problem(format!("{key} = {:?} (from {source}): must be {allowed}", redacted(value)))
    }

    pub(super) fn unknown(key: &str, source: &Source, near: Option<&str>) -> Self {
        let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        Problem(format!("{key} (from {source}): there is no such key{hint}"))
    }

    pub(super) fn file(path: &Path, what: String) -> Self {
        Problem(format!("the configuration file {} {what}", path.display()))
    }

    /// Two numbers that contradict each other.
    pub(super) fn nesting(what: String) -> Self {
        Problem(what)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One key as it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    pub key: &'static str,
    pub value: String,
    pub source: Source,
    /// Whether TOML would quote it.
    pub quoted: bool,
}

pub(super) struct Reader {
    layers: Layers,
    effective: Vec<Effective>,
    problems: Vec<Problem>,
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
        quoted: bool,
        parse: impl FnOnce(&str) -> Option<T>,
        show: impl FnOnce(&T) -> String,
    ) -> T {
        let (value, source) = match self.layers.take(key) {
            None => (default, Source::Default),
            Some((text, source)) => match parse(&text) {
                Some(value) => (value, source),
                None => {
                    self.problems.push(Problem::value(key, &text, &source, allowed));
                    (default, source)
                }
            },
        };
        self.effective.push(Effective { key, value: show(&value), source, quoted });
        value
    }

    pub(super) fn parsed<T: FromStr + fmt::Display>(&mut self, key: &'static str, default: T, allowed: &str) -> T {
        self.read(key, default, allowed, true, |text| text.parse().ok(), T::to_string)
    }

    pub(super) fn text(&mut self, key: &'static str, default: &str) -> String {
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        self.read(key, default.to_owned(), "a text that is not empty", true, filled, String::clone)
    }

    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        self.read(key, default, "true or false", false, |text| text.parse().ok(), bool::to_string)
    }

    pub(super) fn whole(&mut self, key: &'static str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        // TOML lets people write 1_000_000; a variable may as well.
        let parse = |text: &str| text.replace('_', "").parse().ok().filter(|value| range.contains(value));
        self.read(key, default, &allowed, false, parse, u64::to_string)
    }

    pub(super) fn millis(&mut self, key: &'static str, default: u64, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.whole(key, default, range))
    }

    pub(super) fn address(&mut self, key: &'static str, default: ([u8; 4], u16)) -> SocketAddr {
        self.parsed(key, default.into(), "an address and a port such as 127.0.0.1:8080 or [::1]:0")
    }

    pub(super) fn level(&mut self, key: &'static str) -> String {
        let allowed = "error, warn, info, debug or trace, or directives such as info,tidegate_ingest=debug";
        let parse = |text: &str| {
            let settings = LogSettings { level: text.to_owned(), ..LogSettings::default() };
            settings.check().is_ok().then_some(settings.level)
        };
        self.read(key, LogSettings::default().level, allowed, true, parse, String::clone)
    }

    pub(super) fn format(&mut self, key: &'static str) -> LogFormat {
        self.parsed(key, LogFormat::Auto, "auto, text or json")
    }

    /// What holds, and every mistake; keys that nobody read are mistakes too.
    pub(super) fn finish(self) -> (Vec<Effective>, Vec<Problem>) {
        let Reader { layers, effective, mut problems } = self;
        let (unread, gathering) = layers.rest();
        problems.splice(0..0, gathering);
        for (key, (_, source)) in unread {
            let last = |key: &str| key.rsplit('.').next().unwrap_or_default().replace('_', "");
            let near = effective.iter().map(|known| known.key).find(|known| {
                known.replace(['.', '_'], "") == key.replace(['.', '_'], "") || last(known) == last(&key)
            });
            problems.push(Problem::unknown(&key, &source, near));
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
