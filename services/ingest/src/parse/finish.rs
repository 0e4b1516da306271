//! `POST /v1/runs/{id}/finish` (AgentPing: close a run).

use tidegate_agentping::{Finish, FinishStatus};

use super::ParseOptions;
use super::fault::{Fault, ParentObject};
use super::free::{output, scores};
use super::metadata::metadata;
use super::object::{Object, Shape};

pub static SHAPE: Shape<5> =
    Shape { names: ["status", "finished_at", "output", "scores", "metadata"], required: &[&["status"]] };

/// # Errors
/// The body's first [`Fault`].
pub fn finish(body: &str, reading: &ParseOptions) -> Result<Finish, Fault> {
    let object = Object::parse(body, ParentObject::Top, &SHAPE, reading.ignore_unknown)?;
    let word = object.member("status");
    let text = word.text()?.ok_or_else(|| word.missing())?;
    Ok(Finish {
        status: FinishStatus::parse_finish(&text)
            .ok_or_else(|| word.malformed("must be one of 'success', 'failed', 'timeout', 'cancelled'"))?,
        finished_at: object.member("finished_at").instant()?.unwrap_or(reading.received_at),
        output: output(&object.free("output"))?,
        scores: scores(&object.free("scores"))?,
        metadata: metadata(&object.free("metadata"), reading.keep_metadata)?,
    })
}
