//! `POST /v1/runs` (AgentPing: open a run).

use tidegate_agentping::{FinishStatus, Idle, RunId, Start};

use super::ParseOptions;
use super::fault::{Fault, ParentObject};
use super::metadata::metadata;
use super::object::{Object, Shape};

pub static SHAPE: Shape<10> = Shape {
    names: [
        "id",
        "agent",
        "started_at",
        "customer_id",
        "feature",
        "metadata",
        "parent_run_id",
        "goal",
        "idle_timeout_seconds",
        "idle_timeout_status",
    ],
    required: &[&["id"], &["agent"], &["started_at"]],
};

pub const MAX_LABEL_CHARS: usize = 256;
pub const MAX_GOAL_CHARS: usize = 4_096;
pub const IDLE_SECONDS: std::ops::RangeInclusive<u32> = 60..=86_400;

/// # Errors
/// The body's first [`Fault`].
pub fn start(body: &str, reading: &ParseOptions) -> Result<(RunId, Start), Fault> {
    let object = Object::parse(body, ParentObject::Top, &SHAPE, reading.ignore_unknown)?;
    let id = object.member("id");
    let agent = object.member("agent");
    let started_at = object.member("started_at");
    let run: RunId = id.id(reading.region)?.ok_or_else(|| id.missing())?;
    let start = Start {
        agent: agent.slug()?.ok_or_else(|| agent.missing())?,
        started_at: started_at.instant()?.ok_or_else(|| started_at.missing())?,
        customer_id: object.member("customer_id").text_up_to(MAX_LABEL_CHARS)?.map(Into::into),
        feature: object.member("feature").text_up_to(MAX_LABEL_CHARS)?.map(Into::into),
        metadata: metadata(&object.free("metadata"), reading.keep_metadata)?,
        parent_run_id: object.member("parent_run_id").id_of_any_region()?,
        goal: object.member("goal").text_up_to(MAX_GOAL_CHARS)?.map(Into::into),
        idle: idle(&object)?,
    };
    Ok((run, start))
}

/// The two idle members (AgentPing: idle timeout): a status needs the seconds; alone the seconds mean `timeout`.
fn idle(object: &Object<'_, 10>) -> Result<Option<Idle>, Fault> {
    let (min, max) = (u64::from(*IDLE_SECONDS.start()), u64::from(*IDLE_SECONDS.end()));
    let seconds = object.member("idle_timeout_seconds").whole(min, max)?;
    let word = object.member("idle_timeout_status");
    let status = match word.text()? {
        Some(text) => Some(
            FinishStatus::parse(&text)
                .ok_or_else(|| word.malformed("must be one of 'success', 'failed', 'timeout', 'cancelled'"))?,
        ),
        None => None,
    };
    match (seconds, status) {
        (None, Some(_)) => Err(word.malformed("needs 'idle_timeout_seconds' as well")),
        (None, None) => Ok(None),
        // 86,400 at most: it fits.
        (Some(seconds), status) => {
            Ok(Some(Idle { timeout_s: seconds as u32, status: status.unwrap_or(FinishStatus::Timeout) }))
        }
    }
}
