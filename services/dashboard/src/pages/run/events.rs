//! The timeline: an event a row, on the line of the run's time, and what it carries folded below it.

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tidegate_agentping::Run;
use tidegate_agentping_ports::EventRow;
use tidegate_kernel::{FreeJson, Timestamp};

use crate::parts::amount::{count, permille, usd};
use crate::parts::{bar, json, time};

/// Characters of a row's text.
const TEXT_CHARS: usize = 160;

/// The members of an event's data that rows show (AgentPing: event types). Each may have any type.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Data<'d> {
    #[serde(borrow)]
    tool: Option<&'d RawValue>,
    #[serde(borrow)]
    status: Option<&'d RawValue>,
    #[serde(borrow)]
    message: Option<&'d RawValue>,
    #[serde(borrow)]
    error: Option<&'d RawValue>,
    #[serde(borrow)]
    exception: Option<&'d RawValue>,
    #[serde(borrow)]
    input: Option<&'d RawValue>,
    #[serde(borrow)]
    output: Option<&'d RawValue>,
    #[serde(borrow)]
    kind: Option<&'d RawValue>,
    #[serde(borrow)]
    name: Option<&'d RawValue>,
    #[serde(borrow)]
    value: Option<&'d RawValue>,
    #[serde(borrow)]
    latency_ms: Option<&'d RawValue>,
    #[serde(borrow)]
    input_tokens: Option<&'d RawValue>,
    #[serde(borrow)]
    output_tokens: Option<&'d RawValue>,
    #[serde(borrow)]
    cached_input_tokens: Option<&'d RawValue>,
}

impl<'d> Data<'d> {
    /// Data that is no object has none of them.
    fn of(data: &'d FreeJson) -> Self {
        serde_json::from_str(data.as_str()).unwrap_or_default()
    }
}

/// A string as its text, anything else as it is written.
fn text(value: Option<&RawValue>) -> Option<String> {
    let raw = value?.get();
    match serde_json::from_str::<Value>(raw) {
        Ok(Value::Null) => None,
        Ok(Value::String(text)) => Some(text),
        _ => Some(raw.to_owned()),
    }
}

fn whole(value: Option<&RawValue>) -> Option<u64> {
    value.and_then(|value| serde_json::from_str(value.get()).ok())
}

/// The first event's time, or the run's start before it, and the span that the line stands for.
struct Line {
    from: Timestamp,
    length_ms: u64,
}

impl Line {
    fn of(run: &Run, events: &[EventRow], now: Timestamp) -> Self {
        let started = run.opening().map(|opening| opening.start.started_at);
        let (first, last) = (events.first().map(|row| row.event.ts), events.last().map(|row| row.event.ts));
        // Clocks that err by days would squeeze all events into one tick: the line is then that of the events.
        let near = |at: &Timestamp| {
            first.is_none_or(|first| first.millis_since(*at).max(at.millis_since(first)) < time::DAY_MS)
        };
        let from = started.filter(near).into_iter().chain(first).min().unwrap_or_default();
        let to = run.finished_at(now).filter(near).into_iter().chain(last).max().unwrap_or(from);
        Line { from, length_ms: to.millis_since(from).max(1) }
    }

    fn place(&self, at: Timestamp) -> u32 {
        permille(at.millis_since(self.from), self.length_ms)
    }
}

/// The events in the order given.
pub(super) fn timeline(run: &Run, events: &[EventRow], now: Timestamp) -> Markup {
    let line = Line::of(run, events, now);
    html! {
        div.events-head aria-hidden="true" {
            span { "At" } span { "Event" } span { "Time" } span.number { "Tokens" } span.number { "Cost" }
        }
        ol.events {
            @for row in events { (event(row, &line)) }
        }
    }
}

fn event(row: &EventRow, line: &Line) -> Markup {
    let data = Data::of(&row.event.data);
    let latency = whole(data.latency_ms);
    let begun = row.event.ts.plus_millis(-(latency.and_then(|ms| i64::try_from(ms).ok()).unwrap_or(0)));
    let class = if row.event.errored { "error" } else { "" };
    let drawn = match latency {
        Some(_) => bar::span(line.place(begun), line.place(row.event.ts), class),
        None => bar::span(line.place(row.event.ts), line.place(row.event.ts), class),
    };
    html! {
        li class=(class) id=(row.event.id) {
            details {
                summary {
                    span.at { time datetime=(row.event.ts) title=(time::exact(row.event.ts)) { "+" (time::span(row.event.ts.millis_since(line.from))) } }
                    span.what {
                        span.kind { (row.event.kind) }
                        @if row.event.errored { " " span class="status failed" { span aria-hidden="true" { "✕" } " error" } }
                        " " span.text { (said(row, &data)) }
                    }
                    span.span { (drawn) @if let Some(ms) = latency { span.note { (time::span(ms)) } } }
                    span.number { (tokens(&data)) }
                    span.number { @if let Some(call) = &row.event.call { @if call.priced { (usd(call.cost)) } @else { "no rate" } } }
                }
                (carried(row, &data))
            }
        }
    }
}

/// What an event says, in one line.
fn said(row: &EventRow, data: &Data<'_>) -> String {
    let error = text(data.error).or_else(|| text(data.exception));
    let text = match (&row.event.call, row.event.kind.as_str()) {
        (Some(call), _) => join([Some(format!("{} / {}", call.provider, call.model)), error], ": "),
        (None, "tool_call") => join([text(data.tool), error], ": "),
        (None, "score") => join([text(data.name), text(data.value)], " = "),
        (None, "step") => join([text(data.kind), text(data.message)], ": "),
        _ => join([text(data.message), error], ": "),
    };
    let mut chars = text.chars();
    let mut shown: String = chars.by_ref().take(TEXT_CHARS).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

fn join(parts: [Option<String>; 2], between: &str) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(between)
}

fn tokens(data: &Data<'_>) -> String {
    match (whole(data.input_tokens), whole(data.output_tokens)) {
        (None, None) => String::new(),
        (input, output) => format!("{} → {}", count(input.unwrap_or(0)), count(output.unwrap_or(0))),
    }
}

/// What an event carries: input, output and error by themselves, then all of it as it was sent.
fn carried(row: &EventRow, data: &Data<'_>) -> Markup {
    let parts = [
        ("Error", data.error),
        ("Exception", data.exception),
        ("Message", data.message),
        ("Input", data.input),
        ("Output", data.output),
    ];
    html! {
        div.carried {
            dl.facts {
                div { dt { "Id" } dd { code { (row.event.id) } } }
                div { dt { "Time" } dd { (time::stamped(row.event.ts)) } }
                div { dt { "Received" } dd { (time::stamped(row.received_at)) } }
                @if let Some(turn) = row.event.turn { div { dt { "Turn" } dd { (turn) } } }
                @if let Some(status) = text(data.status) { div { dt { "Status" } dd { (json::cut(&status, TEXT_CHARS)) } } }
                @if let Some(cached) = whole(data.cached_input_tokens) { div { dt { "Cached input" } dd { (count(cached)) } } }
            }
            @for (name, value) in parts {
                @if let Some(text) = text(value) { h3 { (name) } (json::text_block(&text)) }
            }
            h3 { "Data" }
            (json::json(&row.event.data))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_of_any_form_is_read() {
        let data = |raw: &str| FreeJson::parse(raw).unwrap();
        let tool = data(r#"{"tool":"search","status":7,"latency_ms":"slow","input":{"q":1.50},"error":null}"#);
        let read = Data::of(&tool);
        assert_eq!(text(read.tool).as_deref(), Some("search"));
        assert_eq!(text(read.status).as_deref(), Some("7"));
        assert_eq!(whole(read.latency_ms), None);
        assert_eq!(text(read.input).as_deref(), Some(r#"{"q":1.50}"#), "as it is written");
        assert_eq!(text(read.error), None);
        for raw in ["[]", "1", "\"x\"", "null"] {
            assert!(Data::of(&data(raw)).tool.is_none(), "{raw}");
        }
    }
}
