//! The ranges of a record's numbers and instants, equal to those that the front door accepts. Records outside them did
//! not come from a front door, and a store may be unable to keep their values.
use tidegate_kernel::{Timestamp, Usd};

use super::{Body, Event, Finish, Heartbeat, Record, RecordError, Start};

/// Seconds of an idle timeout (AgentPing: idle timeout).
const IDLE_SECONDS: std::ops::RangeInclusive<u32> = 60..=86_400;

/// # Errors
/// [`RecordError::OutOfRange`] with the first member that is out of range.
pub(super) fn check(record: &Record) -> Result<(), RecordError> {
    instant("received_at_ms", record.received_at)?;
    match &record.body {
        Body::Start(start) => of_start(start),
        Body::Events(events) => events.iter().try_for_each(of_event),
        Body::Finish(Finish { finished_at, .. }) => instant("finished_at_ms", *finished_at),
        Body::Heartbeat(heartbeat) => of_heartbeat(heartbeat),
    }
}

fn of_start(start: &Start) -> Result<(), RecordError> {
    instant("started_at_ms", start.started_at)?;
    match start.idle {
        Some(idle) if !IDLE_SECONDS.contains(&idle.timeout_s) => {
            Err(out_of_range("idle.timeout_s", u64::from(idle.timeout_s)))
        }
        _ => Ok(()),
    }
}

fn of_event(event: &Event) -> Result<(), RecordError> {
    instant("ts_ms", event.ts)?;
    match &event.call {
        Some(call) if call.cost > Usd::MAX => Err(out_of_range("call.cost_nanos_usd", call.cost.as_nanos())),
        _ => Ok(()),
    }
}

fn of_heartbeat(heartbeat: &Heartbeat) -> Result<(), RecordError> {
    heartbeat.started_at.map_or(Ok(()), |at| instant("started_at_ms", at))?;
    heartbeat.finished_at.map_or(Ok(()), |at| instant("finished_at_ms", at))?;
    match heartbeat.cost {
        Some(cost) if cost > Usd::MAX_GIVEN => Err(out_of_range("cost_nanos_usd", cost.as_nanos())),
        _ => Ok(()),
    }
}

fn instant(member: &'static str, at: Timestamp) -> Result<(), RecordError> {
    match at {
        at if (Timestamp::FIRST..=Timestamp::LAST).contains(&at) => Ok(()),
        at => Err(RecordError::OutOfRange { member, value: at.as_millis().to_string() }),
    }
}

fn out_of_range(member: &'static str, value: u64) -> RecordError {
    RecordError::OutOfRange { member, value: value.to_string() }
}
