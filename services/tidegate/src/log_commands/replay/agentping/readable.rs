//! AgentPing's record as a replay reads it.

use bytes::Bytes;
use serde::Deserialize;
use tidegate_agentping::{Body, Record, RunId, RunKey, Slug, TeamId};
use tidegate_kernel::LogKey;
use tidegate_replay::Replayable;

use crate::log_commands::kind::Kind;

/// What a payload says.
#[derive(Clone, Debug)]
pub struct Readable {
    /// The run that the record belongs to. Known also of a record whose body cannot be read, if it names both ids.
    pub key: Option<RunKey>,
    /// The record, if this build can decode it.
    pub record: Option<Record>,
}

impl Readable {
    pub fn kind(&self) -> Option<Kind> {
        self.record.as_ref().map(|record| Kind::of(&record.body))
    }
}

impl Replayable for Readable {
    fn read(payload: &Bytes) -> Self {
        #[derive(Deserialize)]
        struct Ids {
            team: TeamId,
            run: RunId,
        }
        match Record::decode(payload) {
            Ok(record) => Readable { key: Some(record.key()), record: Some(record) },
            Err(_) => {
                let ids = serde_json::from_slice(payload).ok();
                Readable { key: ids.map(|Ids { team, run }| RunKey { team, run }), record: None }
            }
        }
    }

    fn key(&self) -> Option<LogKey> {
        self.key.map(RunKey::log_key)
    }
}

/// The agent that a record names.
pub fn agent_of(record: &Record) -> Option<&Slug> {
    match &record.body {
        Body::Start(start) => Some(&start.agent),
        Body::Heartbeat(heartbeat) => Some(&heartbeat.agent),
        Body::Events(_) | Body::Finish(_) => None,
    }
}
