//! A command as a replay reads it.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use tidegate_agentgate::{AgentGate, Owner};
use tidegate_kernel::LogKey;
use tidegate_kernel::command::{Envelope, OwnerId};
use tidegate_replay::Replayable;

/// What a payload says.
#[derive(Clone, Debug)]
pub struct ReadableCommand {
    /// Whose command. Known also of one that this build cannot decode, if it names its owner.
    pub owner: Option<Owner>,
    /// The name of its kind; `None`: this build cannot decode it.
    pub kind: Option<String>,
}

impl Replayable for ReadableCommand {
    fn read(payload: &Bytes) -> Self {
        #[derive(Deserialize)]
        struct Named {
            owner: Owner,
            #[serde(default)]
            body: Value,
        }
        let named: Option<Named> = serde_json::from_slice(payload).ok();
        let is_readable = Envelope::<AgentGate>::decode(payload).is_ok();
        let kind = named.as_ref().filter(|_| is_readable).and_then(|named| named.body.as_object()?.keys().next());
        ReadableCommand { kind: kind.cloned(), owner: named.map(|named| named.owner) }
    }

    fn key(&self) -> Option<LogKey> {
        self.owner.map(|owner| owner.log_key())
    }
}
