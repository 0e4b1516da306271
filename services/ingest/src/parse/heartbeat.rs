//! `POST /v1/heartbeats` (AgentPing: one-call run).

use tidegate_agentping::{Heartbeat, HeartbeatStatus, RunId, TokenUse};

use super::ParseOptions;
use super::fault::{Fault, ParentObject};
use super::free::output;
use super::metadata::metadata;
use super::number;
use super::object::{Object, Shape};
use super::start::MAX_LABEL_CHARS;

pub static SHAPE: Shape<13> = Shape {
    names: [
        "id",
        "agent",
        "status",
        "started_at",
        "finished_at",
        "cost_usd",
        "duration_ms",
        "metadata",
        "output",
        "customer_id",
        "feature",
        "input_tokens",
        "output_tokens",
    ],
    required: &[&["agent"]],
};

pub(super) const STATUS_RULE: &str = "must be one of 'ok', 'fail', 'start', 'timeout'";

/// The run id is `None` where the server is to mint one.
///
/// # Errors
/// The body's first [`Fault`].
pub fn heartbeat(body: &str, reading: &ParseOptions) -> Result<(Option<RunId>, Heartbeat), Fault> {
    let object = Object::parse(body, ParentObject::Top, &SHAPE, reading.ignore_unknown)?;
    let run: Option<RunId> = object.member("id").id(reading.region)?;
    let agent = object.member("agent");
    let word = object.member("status");
    let heartbeat = Heartbeat {
        agent: agent.slug()?.ok_or_else(|| agent.missing())?,
        status: match word.text()? {
            Some(text) => HeartbeatStatus::parse(&text).ok_or_else(|| word.malformed(STATUS_RULE))?,
            None => HeartbeatStatus::Ok,
        },
        started_at: object.member("started_at").instant()?,
        finished_at: object.member("finished_at").instant()?,
        cost: object.member("cost_usd").usd()?,
        duration_ms: object.member("duration_ms").whole(0, number::MAX_EXACT)?,
        metadata: metadata(&object.free("metadata"), reading.keep_metadata)?,
        output: output(&object.free("output"))?,
        customer_id: object.member("customer_id").text_up_to(MAX_LABEL_CHARS)?.map(Into::into),
        feature: object.member("feature").text_up_to(MAX_LABEL_CHARS)?.map(Into::into),
        input_tokens: object.member("input_tokens").whole(0, TokenUse::MAX_TOKENS)?,
        output_tokens: object.member("output_tokens").whole(0, TokenUse::MAX_TOKENS)?,
    };
    Ok((run, heartbeat))
}
