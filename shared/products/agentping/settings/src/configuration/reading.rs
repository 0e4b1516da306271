//! Reads YAML into JSON, with the line of each member.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle};
use serde::Serialize;
use serde_json::{Map, Number, Value};

use crate::fields::{SettingFault, joined};

/// How deep a file may nest.
const MAX_DEPTH: usize = 32;
const SECOND: &str = "has a second document: one is taken";

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigFault {
    /// From 1 on.
    pub line: usize,
    /// The member to blame, such as `agents.daily.schedule.cron`; empty: the file as a whole.
    pub path: String,
    pub message: String,
}

/// A file that could be read.
#[derive(Clone, Debug)]
pub struct ConfigText {
    pub value: Value,
    /// The line of each member and item, by its path.
    lines: BTreeMap<String, usize>,
}

/// A mapping or a sequence that is not at its end.
enum Open {
    Members { path: String, members: Map<String, Value>, key: Option<String> },
    Items { path: String, items: Vec<Value> },
}

impl ConfigText {
    /// Reads one document. Aliases and tags are not taken: they have no meaning here.
    ///
    /// # Errors
    /// [`ConfigFault`]: it is no YAML, has a key twice, or has something that is not taken. Reading ends there.
    pub fn parse(text: &str) -> Result<Self, ConfigFault> {
        let mut reading = Reading::default();
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| {
                let message = format!("cannot be read as YAML: {}", error.info());
                ConfigFault { line: error.marker().line().max(1), path: String::new(), message }
            })?;
            reading.event(event, span.start.line().max(1))?;
        }
        let value = reading.whole.unwrap_or(Value::Null);
        Ok(ConfigText { value, lines: reading.lines })
    }

    /// A setting's fault with its line: that of the member to blame, or of the nearest one around it.
    pub fn fault(&self, fault: &SettingFault) -> ConfigFault {
        let message = match fault.path.as_str() {
            "" => format!("the file {}", fault.text),
            path => format!("'{path}' {}", fault.text),
        };
        ConfigFault { line: self.line(&fault.path), path: fault.path.clone(), message }
    }

    fn line(&self, path: &str) -> usize {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return *line;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return 1,
            }
        }
    }
}

#[derive(Default)]
struct Reading {
    open: Vec<Open>,
    whole: Option<Value>,
    lines: BTreeMap<String, usize>,
}

impl Reading {
    fn event(&mut self, event: Event<'_>, line: usize) -> Result<(), ConfigFault> {
        match event {
            Event::Scalar(text, style, _, None) => self.scalar(&text, style, line),
            Event::MappingStart(_, _, None) => {
                let path = self.begin(line)?;
                self.open.push(Open::Members { path, members: Map::new(), key: None });
                Ok(())
            }
            Event::SequenceStart(_, _, None) => {
                let path = self.begin(line)?;
                self.open.push(Open::Items { path, items: Vec::new() });
                Ok(())
            }
            Event::MappingEnd | Event::SequenceEnd => {
                let ended = self.open.pop().map(|open| match open {
                    Open::Members { members, .. } => Value::Object(members),
                    Open::Items { items, .. } => Value::Array(items),
                });
                ended.map_or(Ok(()), |value| self.add(value, line))
            }
            Event::Scalar(..) | Event::MappingStart(..) | Event::SequenceStart(..) => {
                Err(self.refused(line, "has a tag, which is not taken: leave it out"))
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                Err(self.refused(line, "has an alias, which is not taken: write it out"))
            }
            _ => Ok(()),
        }
    }

    /// The path of the mapping or sequence that begins.
    fn begin(&mut self, line: usize) -> Result<String, ConfigFault> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.refused(line, "nests too deep"));
        }
        if matches!(self.open.last(), Some(Open::Members { key: None, .. })) {
            return Err(self.refused(line, "has a key that is no text"));
        }
        if self.open.is_empty() && self.whole.is_some() {
            return Err(self.refused(line, SECOND));
        }
        let path = self.path();
        self.lines.entry(path.clone()).or_insert(line);
        Ok(path)
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, line: usize) -> Result<(), ConfigFault> {
        if let Some(Open::Members { path, members, key: key @ None }) = self.open.last_mut() {
            let path = joined(path, text);
            if members.contains_key(text) {
                return Err(ConfigFault { line, message: format!("'{path}' is given twice"), path });
            }
            *key = Some(text.to_owned());
            self.lines.insert(path, line);
            return Ok(());
        }
        let value = if style == ScalarStyle::Plain { plain(text) } else { Value::from(text) };
        self.add(value, line)
    }

    fn add(&mut self, value: Value, line: usize) -> Result<(), ConfigFault> {
        let path = self.path();
        self.lines.entry(path).or_insert(line);
        match self.open.last_mut() {
            None if self.whole.is_some() => Err(self.refused(line, SECOND)),
            None => {
                self.whole = Some(value);
                Ok(())
            }
            Some(Open::Members { members, key, .. }) => match key.take() {
                Some(key) => {
                    members.insert(key, value);
                    Ok(())
                }
                None => Err(self.refused(line, "has a key that is no text")),
            },
            Some(Open::Items { items, .. }) => {
                items.push(value);
                Ok(())
            }
        }
    }

    /// The path of what comes next.
    fn path(&self) -> String {
        match self.open.last() {
            None => String::new(),
            Some(Open::Members { path, key, .. }) => joined(path, key.as_deref().unwrap_or_default()),
            Some(Open::Items { path, items }) => format!("{path}[{}]", items.len()),
        }
    }

    fn refused(&self, line: usize, what: &str) -> ConfigFault {
        let path = self.path();
        let subject = if path.is_empty() { "the file".to_owned() } else { format!("'{path}'") };
        ConfigFault { line, message: format!("{subject} {what}"), path }
    }
}

/// What a text without quotes stands for (YAML 1.2: core schema; numbers as JSON writes them).
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        text => text.parse().map_or_else(|_| Value::from(text), |number| Value::Number(exact(number, text))),
    }
}

/// What is no whole number is read by the standard library, to the last bit: what is written then reads the same.
fn exact(number: Number, text: &str) -> Number {
    if !number.is_f64() {
        return number;
    }
    text.parse().ok().and_then(Number::from_f64).unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FILE: &str = r#"version: 1
team: {routes: [ops], spend: {sigma: 3}}
agents:
  daily/summary:
    tags: [nightly, "7"]
    description: |
      Two
      lines
    schedule:
      cron: "0 2 * * *"   # at night
      tolerance_s: 900
  other: {maintenance: [{cron: "@daily", duration_s: 60}]}
"#;

    #[test]
    fn a_file_is_the_json_that_the_api_takes() {
        let read = ConfigText::parse(FILE).unwrap();
        let expected = json!({
            "version": 1,
            "team": {"routes": ["ops"], "spend": {"sigma": 3}},
            "agents": {
                "daily/summary": {
                    "tags": ["nightly", "7"], "description": "Two\nlines\n",
                    "schedule": {"cron": "0 2 * * *", "tolerance_s": 900},
                },
                "other": {"maintenance": [{"cron": "@daily", "duration_s": 60}]},
            },
        });
        assert_eq!(read.value, expected);
        for (path, line) in [
            ("agents.daily/summary.schedule.cron", 10),
            ("agents.daily/summary.tags[1]", 5),
            ("agents.daily/summary.schedule.every_s", 9),
            ("agents.other.maintenance[0].timezone", 12),
            ("guard", 1),
            ("", 1),
        ] {
            assert_eq!(read.fault(&SettingFault::at(path, "is wrong")).line, line, "{path}");
        }
        let fault = read.fault(&SettingFault::at("team.spend.sigma", "must be a number"));
        assert_eq!((fault.line, fault.message.as_str()), (2, "'team.spend.sigma' must be a number"));
    }

    #[test]
    fn a_number_of_any_length_is_written_as_it_reads() {
        for digits in ["0.1", "2.5", "-0", "1e-7", "123456789012345678", &"25".repeat(40), "0.30000000000000004"] {
            let read = ConfigText::parse(&format!("a: {digits}\n")).unwrap().value;
            let written = crate::configuration::yaml(read.as_object().unwrap());
            assert_eq!(ConfigText::parse(&written).unwrap().value, read, "{digits}: {written}");
        }
    }

    #[test]
    fn what_has_no_meaning_is_refused_with_its_line() {
        for (text, line) in [
            ("a: 1\na: 2\n", 2),
            ("a: &x 1\nb: *x\n", 2),
            ("a: !!int 1\n", 1),
            ("? [a]\n: 1\n", 1),
            ("a: [1\nb: 2\n", 2),
            ("---\na: 1\n---\nb: 2\n", 4),
            (&"[".repeat(100), 1),
        ] {
            assert_eq!(ConfigText::parse(text).unwrap_err().line, line, "{text}");
        }
        assert_eq!(ConfigText::parse("").unwrap().value, Value::Null);
    }
}
