//! Evaluates one check on the facts of a run. Pure.

use jsonschema::Validator;
use regex::Regex;
use serde_json::{Map, Value};
use tidegate_agentping::RunStatus;
use tidegate_kernel::{SmolStr, Usd};

use crate::definition::CheckWhen;
use crate::members::CheckKind;
use crate::place::{Place, RunFigure};
use crate::results::CheckOutcome;
use crate::schema_cost;

/// Bytes of what a result shows.
const SHOWN_BYTES: usize = 1_024;
/// Bytes of an output that is looked at.
pub const MAX_OUTPUT_BYTES: usize = 256 << 10;
/// Visits of subschemas to values.
const MAX_VISITS: u64 = 50_000;

/// What is known of a run that has ended.
#[derive(Clone, Debug)]
pub struct RunFacts {
    pub status: RunStatus,
    /// As sent; `None`: there is none, or it cannot be read.
    pub output: Option<Value>,
    /// Bytes of the output as it was sent.
    pub output_bytes: usize,
    pub metadata: Map<String, Value>,
    pub scores: Map<String, Value>,
    pub cost: Usd,
    pub duration_ms: Option<u64>,
    pub events: u64,
    /// `None`: there are more events than are looked at.
    pub tool_calls: Option<Vec<ToolCall>>,
}

/// An event of type `tool_call`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    pub tool: SmolStr,
    pub status: Option<SmolStr>,
}

/// A check, ready to be evaluated.
#[derive(Debug)]
pub struct Compiled {
    pub when: CheckWhen,
    pub kind: CheckKind,
    pub engine: Engine,
}

/// What evaluates it.
#[derive(Debug)]
pub enum Engine {
    None,
    Schema(Box<Validator>),
    Pattern(Regex),
}

/// What an evaluation says.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub outcome: CheckOutcome,
    pub expected: String,
    pub got: Value,
}

impl Compiled {
    /// Evaluates it.
    pub fn evaluate(&self, facts: &RunFacts) -> Said {
        let (expected, got) = (cut(&self.expected()), Value::Null);
        let is_asked = match self.when {
            CheckWhen::Success => facts.status == RunStatus::Success,
            CheckWhen::Finished => facts.status != RunStatus::Running,
        };
        if !is_asked {
            return Said { outcome: CheckOutcome::Skipped, expected, got };
        }
        match self.judge(facts) {
            Ok((passes, got)) => {
                let outcome = if passes { CheckOutcome::Pass } else { CheckOutcome::Fail };
                Said { outcome, expected, got }
            }
            Err(why) => Said { outcome: CheckOutcome::Error, expected, got: Value::from(why) },
        }
    }

    fn judge(&self, facts: &RunFacts) -> Result<(bool, Value), &'static str> {
        match (&self.kind, &self.engine) {
            (CheckKind::JsonSchema { schema }, Engine::Schema(validator)) => {
                let Some(output) = output_of(facts)? else { return Ok((false, Value::Null)) };
                schema_cost::visits(schema, output, MAX_VISITS)
                    .ok_or("the schema needs too many steps for this output")?;
                Ok(match validator.validate(output) {
                    Ok(()) => (true, Value::from("valid")),
                    Err(error) => {
                        let at = error.instance_path().to_string();
                        let place = if at.is_empty() { "the output".to_owned() } else { at };
                        (false, Value::from(cut(&format!("{place}: {}", error.masked()))))
                    }
                })
            }
            (CheckKind::Regex { must_match, path, .. }, Engine::Pattern(pattern)) => {
                let Some(value) = found(facts, path.as_ref())? else { return Ok((false, Value::Null)) };
                let text = text_of(value);
                Ok((pattern.is_match(&text) == *must_match, Value::from(cut(&text))))
            }
            (CheckKind::Length { in_tokens, min, max, path }, _) => {
                let Some(value) = found(facts, path.as_ref())? else { return Ok((false, Value::Null)) };
                let characters = text_of(value).chars().count() as u64;
                let length = if *in_tokens { characters.div_ceil(4) } else { characters };
                let within = |bound: &Option<u32>, least: bool| {
                    bound
                        .is_none_or(|bound| if least { length >= u64::from(bound) } else { length <= u64::from(bound) })
                };
                Ok((within(min, true) && within(max, false), Value::from(length)))
            }
            (CheckKind::RequiredFields { fields }, _) => {
                let Some(output) = output_of(facts)? else { return Ok((false, Value::Null)) };
                let is_missing = |place: &&Place| match place {
                    Place::Output(pointer) => output.pointer(pointer).is_none_or(Value::is_null),
                    _ => true,
                };
                let missing: Vec<Value> =
                    fields.iter().filter(is_missing).map(|place| Value::from(place.to_string())).collect();
                Ok((missing.is_empty(), Value::from(missing)))
            }
            (CheckKind::ToolCall { tool, status, min, max }, _) => {
                let calls = facts.tool_calls.as_ref().ok_or("the run has more events than are looked at")?;
                let is_meant = |call: &&ToolCall| {
                    call.tool == *tool && status.as_ref().is_none_or(|status| call.status.as_ref() == Some(status))
                };
                let count = calls.iter().filter(is_meant).count() as u64;
                let passes = count >= u64::from(*min) && max.is_none_or(|max| count <= u64::from(max));
                Ok((passes, Value::from(count)))
            }
            (CheckKind::NumericRange { path, min, max }, _) => {
                let Some(number) = number_at(facts, path)? else { return Ok((false, Value::Null)) };
                let passes = min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max);
                Ok((passes, Value::from(number)))
            }
            (CheckKind::JsonSchema { .. } | CheckKind::Regex { .. }, _) => Err("the check cannot be compiled"),
        }
    }

    /// What is asked, for people.
    fn expected(&self) -> String {
        match &self.kind {
            CheckKind::JsonSchema { .. } => "the output is valid against the schema".to_owned(),
            CheckKind::Regex { pattern, must_match, .. } => {
                format!("{} {pattern}", if *must_match { "matches" } else { "does not match" })
            }
            CheckKind::Length { in_tokens, min, max, .. } => {
                let unit = if *in_tokens { "tokens (estimated)" } else { "characters" };
                format!("{} {unit}", range(min.as_ref(), max.as_ref()))
            }
            CheckKind::RequiredFields { fields } => {
                let paths: Vec<String> = fields.iter().map(Place::to_string).collect();
                format!("has {}", paths.join(", "))
            }
            CheckKind::ToolCall { tool, status, min, max } => {
                let with = status.as_ref().map(|status| format!(" with status {status}")).unwrap_or_default();
                format!("{} calls of {tool}{with}", range(Some(min), max.as_ref()))
            }
            CheckKind::NumericRange { path, min, max } => format!("{path}: {}", range(min.as_ref(), max.as_ref())),
        }
    }
}

fn range<N: std::fmt::Display + PartialEq>(min: Option<&N>, max: Option<&N>) -> String {
    match (min, max) {
        (Some(min), Some(max)) if min == max => format!("exactly {min}"),
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "any number of".to_owned(),
    }
}

/// The output, if there is one.
fn output_of(facts: &RunFacts) -> Result<Option<&Value>, &'static str> {
    if facts.output_bytes > MAX_OUTPUT_BYTES {
        return Err("the output is larger than what is looked at");
    }
    Ok(facts.output.as_ref())
}

/// The output, or what is at a path of it.
fn found<'f>(facts: &'f RunFacts, path: Option<&Place>) -> Result<Option<&'f Value>, &'static str> {
    let Some(output) = output_of(facts)? else { return Ok(None) };
    Ok(match path {
        Some(Place::Output(pointer)) => output.pointer(pointer),
        _ => Some(output),
    })
}

fn number_at(facts: &RunFacts, place: &Place) -> Result<Option<f64>, &'static str> {
    let number = |value: Option<&Value>| value.and_then(Value::as_f64);
    Ok(match place {
        Place::Output(pointer) => number(output_of(facts)?.and_then(|output| output.pointer(pointer))),
        Place::Run(RunFigure::CostUsd) => facts.cost.to_string().parse().ok(),
        Place::Run(RunFigure::DurationMs) => facts.duration_ms.map(|millis| millis as f64),
        Place::Run(RunFigure::Events) => Some(facts.events as f64),
        Place::Metadata(name) => number(facts.metadata.get(name)),
        Place::Scores(name) => number(facts.scores.get(name)),
    })
}

/// Text as it is, anything else as compact JSON.
fn text_of(value: &Value) -> std::borrow::Cow<'_, str> {
    match value {
        Value::String(text) => text.into(),
        other => other.to_string().into(),
    }
}

/// The beginning of a text, cut between characters.
fn cut(text: &str) -> String {
    if text.len() <= SHOWN_BYTES {
        return text.to_owned();
    }
    let end = (0..=SHOWN_BYTES - '…'.len_utf8()).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &text[..end])
}
