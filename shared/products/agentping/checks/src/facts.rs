//! The facts of a run, from what is stored of it.

use serde::Deserialize;
use serde_json::{Map, Value};
use tidegate_agentping::{Event, Run};
use tidegate_kernel::{FreeJson, SmolStr, Timestamp};

use crate::evaluate::{MAX_OUTPUT_BYTES, RunFacts, ToolCall};

/// The type of the events that are counted.
const TOOL_CALL: &str = "tool_call";

impl RunFacts {
    /// Those of a run as it is at `now`. `tool_calls` is `None` if not all events were looked at.
    pub fn of(run: &Run, tool_calls: Option<Vec<ToolCall>>, now: Timestamp) -> Self {
        let output = run.output();
        let output_bytes = output.as_ref().map_or(0, |output| output.as_str().len());
        // What is larger is not looked at.
        let read = output.filter(|_| output_bytes <= MAX_OUTPUT_BYTES).and_then(|output| parsed(&output));
        let object = |json: Option<FreeJson>| match json.and_then(|json| parsed(&json)) {
            Some(Value::Object(members)) => members,
            _ => Map::new(),
        };
        RunFacts {
            status: run.status_at(now),
            output: read,
            output_bytes,
            metadata: object(run.metadata()),
            scores: object(run.finish.as_ref().and_then(|finish| finish.scores.clone())),
            cost: run.cost(),
            duration_ms: run.duration_ms(now),
            events: run.events,
            tool_calls,
        }
    }
}

impl ToolCall {
    /// The call that an event reports; `None`: it reports none.
    pub fn of(event: &Event) -> Option<Self> {
        #[derive(Deserialize)]
        struct Data {
            tool: SmolStr,
            #[serde(default)]
            status: Option<Value>,
        }
        if event.kind != TOOL_CALL {
            return None;
        }
        let data: Data = serde_json::from_str(event.data.as_str()).ok()?;
        let status = data.status.and_then(|status| status.as_str().map(SmolStr::new));
        Some(ToolCall { tool: data.tool, status })
    }
}

fn parsed(json: &FreeJson) -> Option<Value> {
    serde_json::from_str(json.as_str()).ok()
}
