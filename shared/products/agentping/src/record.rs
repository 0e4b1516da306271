//! The records on the log: one accepted request is one record. The format is a contract: old records stay
//! readable by every later release.
//!
//! A record is one JSON object: `v`, `team`, `region`, `run`, `received_at_ms`, and `body`, an object with one
//! member named after the record's kind (`start`, `events`, `finish`, `heartbeat`).

mod event;
mod ranges;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub use event::{Event, ModelCall};
use tidegate_kernel::{FreeJson, LogKey, Region, Timestamp, Usd};

use crate::{EventId, FinishStatus, HeartbeatStatus, RunId, Slug, TeamId};

/// The version that this build writes. It reads every version up to it.
pub const VERSION: u16 = 1;

/// The team and run of a record: the key on the log and the key of the run's one partition in the store. The same
/// run id from two teams is two runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunKey {
    pub team: TeamId,
    pub run: RunId,
}

impl RunKey {
    /// The key of the run's records on the log, with the text `team_eu_…/run_eu_…`.
    pub fn log_key(self) -> LogKey {
        LogKey::new(&self.to_bytes(), &[self.team.text().as_str(), "/", self.run.text().as_str()])
    }

    /// The bytes that select the partition: both ids' bits, big-endian.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&self.team.bits().to_be_bytes());
        bytes[16..].copy_from_slice(&self.run.bits().to_be_bytes());
        bytes
    }
}

/// One accepted request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    v: u16,
    team: TeamId,
    region: Region,
    run: RunId,
    /// The server's clock when the request was received.
    #[serde(rename = "received_at_ms")]
    pub received_at: Timestamp,
    pub body: Body,
}

/// The validated content of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    Start(Start),
    Events(Vec<Event>),
    Finish(Finish),
    Heartbeat(Heartbeat),
}

impl Body {
    /// The ids of the body's events.
    pub fn event_ids(&self) -> Vec<EventId> {
        match self {
            Body::Events(events) => events.iter().map(|event| event.id).collect(),
            Body::Start(_) | Body::Finish(_) | Body::Heartbeat(_) => Vec::new(),
        }
    }

    /// Whether the record opens its run, so that the run is no orphan.
    pub const fn opens(&self) -> bool {
        matches!(self, Body::Start(_) | Body::Heartbeat(_))
    }
}

/// A run's opening (AgentPing: `POST /v1/runs`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    pub agent: Slug,
    #[serde(rename = "started_at_ms")]
    pub started_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<SmolStr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature: Option<SmolStr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<FreeJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_run_id: Option<RunId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<Idle>,
}

/// Closes a run after this time without activity (AgentPing: idle timeout).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idle {
    /// Seconds, 60 to 86,400.
    pub timeout_s: u32,
    pub status: FinishStatus,
}

/// A run's closing (AgentPing: `POST /v1/runs/{id}/finish`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finish {
    pub status: FinishStatus,
    #[serde(rename = "finished_at_ms")]
    pub finished_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<FreeJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<FreeJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<FreeJson>,
}

/// A run in one call, or one end of a run (AgentPing: heartbeats). Times are absent where the client sent none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    pub agent: Slug,
    pub status: HeartbeatStatus,
    #[serde(rename = "started_at_ms", default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    #[serde(rename = "finished_at_ms", default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    #[serde(rename = "cost_nanos_usd", default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Usd>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<FreeJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<FreeJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<SmolStr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature: Option<SmolStr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
}

/// Why this build cannot read bytes as a record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("the record has version {found}; this build reads versions 1 to {VERSION}")]
    Version { found: u64 },
    #[error("the record does not decode: {0}")]
    Malformed(#[source] serde_json::Error),
    #[error("the record's {member} is {value}, which is outside of what is ever taken in")]
    OutOfRange { member: &'static str, value: String },
    #[error("the record says region '{region}', but its ids are of '{ids}'")]
    Region { region: Region, ids: Region },
}

/// Approximate bytes of an encoded record without its body.
const ENVELOPE_BYTES: usize = 192;

impl Record {
    pub fn new(key: RunKey, received_at: Timestamp, body: Body) -> Self {
        Record { v: VERSION, team: key.team, region: key.run.region(), run: key.run, received_at, body }
    }

    pub const fn key(&self) -> RunKey {
        RunKey { team: self.team, run: self.run }
    }

    /// The encoded record for the log.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(ENVELOPE_BYTES + self.body.bytes());
        // Every member is a string, a number or JSON that was parsed before: serialization cannot fail.
        serde_json::to_writer(&mut bytes, self).expect("a record always serializes");
        bytes
    }

    /// Decodes a record. Unknown members are ignored, so that a newer minor form stays readable.
    ///
    /// # Errors
    /// [`RecordError`]: such a record is poison and becomes a dead letter.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Versioned {
            v: u64,
        }
        // One UTF-8 check of the whole text replaces one for each string.
        let read = match std::str::from_utf8(bytes) {
            Ok(text) => serde_json::from_str::<Record>(text),
            Err(_) => serde_json::from_slice::<Record>(bytes),
        };
        let record = match read {
            Ok(record) if record.v >= 1 && record.v <= VERSION => record,
            Ok(record) => return Err(RecordError::Version { found: u64::from(record.v) }),
            Err(error) => {
                return Err(match serde_json::from_slice::<Versioned>(bytes) {
                    Ok(Versioned { v }) if v == 0 || v > u64::from(VERSION) => RecordError::Version { found: v },
                    _ => RecordError::Malformed(error),
                });
            }
        };
        let ids = record.run.region();
        if record.region != ids || record.team.region() != ids {
            return Err(RecordError::Region { region: record.region, ids });
        }
        ranges::check(&record)?;
        Ok(record)
    }
}

impl Body {
    /// The name of the kind in the record format and in metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Body::Start(_) => "start",
            Body::Events(_) => "events",
            Body::Finish(_) => "finish",
            Body::Heartbeat(_) => "heartbeat",
        }
    }

    /// The approximate encoded length in bytes.
    fn bytes(&self) -> usize {
        const MEMBERS_BYTES: usize = 384;
        match self {
            Body::Events(events) => events.iter().map(|event| event.data.as_str().len() + MEMBERS_BYTES).sum(),
            Body::Start(_) | Body::Finish(_) | Body::Heartbeat(_) => MEMBERS_BYTES,
        }
    }
}
