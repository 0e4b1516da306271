//! YAML as a tree whose nodes know their lines. What a configuration does not need is refused: anchors, tags, several
//! documents, a member twice.

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

use super::ConfigFault;

/// Bytes of a file at most.
pub const MAX_BYTES: usize = 1 << 20;
/// Nodes of a file at most.
const MAX_NODES: usize = 100_000;
/// Lists and maps within each other at most.
const MAX_DEPTH: usize = 32;

/// A node, with the line on which it begins (from 1).
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub line: usize,
    pub value: NodeValue,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeValue {
    /// Null, a flag, a number or a text.
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<Member>),
}

/// A member of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub name: String,
    pub line: usize,
    pub node: Node,
}

impl Node {
    /// The node without its lines.
    pub fn to_value(&self) -> Value {
        match &self.value {
            NodeValue::Scalar(value) => value.clone(),
            NodeValue::List(items) => items.iter().map(Node::to_value).collect(),
            NodeValue::Map(members) => Value::Object(to_object(members)),
        }
    }

    /// The line of the node at a path of members and places (`match.agent`, `maintenance[0].cron`), or of the deepest node on
    /// the way that is there. The name of a member may hold no `.` or `[`.
    pub fn line_of(&self, path: &str) -> usize {
        let mut node = self;
        let mut line = self.line;
        for step in path.split(['.', '[']).map(|step| step.trim_end_matches(']')).filter(|step| !step.is_empty()) {
            let next = match &node.value {
                NodeValue::Scalar(_) => None,
                NodeValue::List(items) => {
                    step.parse().ok().and_then(|at: usize| items.get(at)).map(|item| (item, item.line))
                }
                NodeValue::Map(members) => {
                    let member = members.iter().find(|member| member.name == step);
                    member.map(|member| (&member.node, member.line))
                }
            };
            let Some((found, at)) = next else { break };
            (node, line) = (found, at);
        }
        line
    }
}

/// Members without their lines.
pub fn to_object(members: &[Member]) -> Map<String, Value> {
    members.iter().map(|member| (member.name.clone(), member.node.to_value())).collect()
}

/// Parses a file of one document. An empty one is null.
///
/// # Errors
/// The first fault: after it nothing can be read.
pub fn parse(text: &str) -> Result<Node, ConfigFault> {
    if text.len() > MAX_BYTES {
        return Err(ConfigFault::of_file(format!("the file has {} bytes, and {MAX_BYTES} are allowed", text.len())));
    }
    let mut reading = Reading { parser: Parser::new_from_str(text), nodes: 0 };
    let mut document = None;
    loop {
        let (event, line) = reading.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            Event::StreamEnd => break,
            _ if document.is_some() => return Err(ConfigFault::at(line, "a second document begins: write one")),
            event => document = Some(reading.node(event, line, 0)?),
        }
    }
    Ok(document.unwrap_or(Node { line: 1, value: NodeValue::Scalar(Value::Null) }))
}

struct Reading<'t> {
    parser: Parser<'t, granit_parser::StrInput<'t>>,
    nodes: usize,
}

impl<'t> Reading<'t> {
    /// The next event that is no comment, with its line.
    fn next(&mut self) -> Result<(Event<'t>, usize), ConfigFault> {
        loop {
            match self.parser.next_event() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok((event, span))) => return Ok((event, span.start.line())),
                Some(Err(error)) => return Err(ConfigFault::at(error.marker().line(), error.info())),
                None => return Ok((Event::StreamEnd, 1)),
            }
        }
    }

    fn node(&mut self, event: Event<'t>, line: usize, depth: usize) -> Result<Node, ConfigFault> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(ConfigFault::at(line, format!("the file has more than {MAX_NODES} values")));
        }
        if depth > MAX_DEPTH {
            return Err(ConfigFault::at(line, format!("lists and maps are more than {MAX_DEPTH} deep")));
        }
        if event.anchor_id().is_some() || event.is_alias() {
            return Err(ConfigFault::at(line, "anchors and aliases are not known here: write the value itself"));
        }
        if event.tag().is_some() {
            return Err(ConfigFault::at(line, "tags are not known here: quote a text that looks like another value"));
        }
        let value = match event {
            Event::Scalar(text, style, ..) => NodeValue::Scalar(scalar(&text, style)),
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.map(depth)?,
            _ => return Err(ConfigFault::at(line, "a value is missing")),
        };
        Ok(Node { line, value })
    }

    fn list(&mut self, depth: usize) -> Result<NodeValue, ConfigFault> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(NodeValue::List(items)),
                (event, line) => items.push(self.node(event, line, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<NodeValue, ConfigFault> {
        let mut members: Vec<Member> = Vec::new();
        loop {
            let (event, line) = self.next()?;
            let name = match event {
                Event::MappingEnd => return Ok(NodeValue::Map(members)),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(ConfigFault::at(line, "the name of a member must be a text")),
            };
            if let Some(before) = members.iter().find(|member| member.name == name) {
                let what = format!("'{name}' is there twice: first on line {}", before.line);
                return Err(ConfigFault::at(line, what));
            }
            let (event, value_line) = self.next()?;
            let node = self.node(event, value_line, depth + 1)?;
            members.push(Member { name, line, node });
        }
    }
}

/// A plain scalar as the core schema reads it; a quoted one is a text.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

/// A number in JSON's notation, digit for digit as far as it can be kept. Others (`0x10`, `1_000`, `.5`, `007`) are texts.
fn number(text: &str) -> Option<Number> {
    let begins = text.strip_prefix('-').unwrap_or(text).starts_with(|first: char| first.is_ascii_digit());
    if begins { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_is_read_with_its_lines() {
        let text = "version: 1\nagents:\n  daily:\n    # nightly\n    schedule: {cron: \"0 2 * * *\", tolerance_s: 900}\n    tags: [a, 'true', 1.50, ~]\n";
        let node = parse(text).unwrap();
        assert_eq!(
            node.to_value(),
            json!({"version": 1, "agents": {"daily": {
                "schedule": {"cron": "0 2 * * *", "tolerance_s": 900}, "tags": ["a", "true", 1.5, null]}}})
        );
        let lines =
            ["version", "agents", "agents.daily", "agents.daily.schedule.cron", "agents.daily.tags[2]", "agents.x"];
        assert_eq!(lines.map(|path| node.line_of(path)), [1, 2, 3, 5, 6, 2]);
        assert_eq!(parse("").unwrap().to_value(), Value::Null);
        assert_eq!(parse("---\na: 1\n...\n").unwrap().to_value(), json!({"a": 1}));
    }

    #[test]
    fn what_is_not_needed_is_refused_with_its_line() {
        let deep = ["[".repeat(40), "]".repeat(40)].concat();
        let cases = [
            ("a: 1\na: 2", 2, "'a' is there twice: first on line 1"),
            ("a: &x 1\nb: *x", 1, "anchors"),
            ("a: !!str 1", 1, "tags"),
            ("a: 1\n---\nb: 2", 3, "second document"),
            ("? [a]\n: 1", 1, "must be a text"),
            ("a:\n  - b\n c: d", 3, ""),
            ("a: \"b", 1, ""),
            (deep.as_str(), 1, "deep"),
        ];
        for (text, line, what) in cases {
            let fault = parse(text).unwrap_err();
            assert!(fault.message.contains(what), "{text}: {fault:?}");
            assert!(fault.line.abs_diff(line) <= 1, "{text}: {fault:?}");
        }
        assert!(parse(&"a".repeat(MAX_BYTES + 1)).unwrap_err().message.contains("1048577"));
    }
}
