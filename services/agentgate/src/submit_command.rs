//! The port that decides commands.

use std::time::Duration;

use async_trait::async_trait;
use tidegate_agentgate::{AgentGate, Owner};
use tidegate_commands::{SubmitRefusal, Submitter};
use tidegate_kernel::Timestamp;
use tidegate_kernel::command::{CommandOutcome, Envelope, IdempotencyKey};
use tidegate_ports::StoreError;

use crate::command_class::CommandClass;

/// Appends commands to the log and waits for what becomes of them.
#[async_trait]
pub trait SubmitCommand: Send + Sync + 'static {
    /// The outcome of a command.
    ///
    /// # Errors
    /// [`SubmitRefusal`].
    async fn submit(
        &self,
        envelope: Envelope<AgentGate>,
        class: CommandClass,
        bound: Duration,
    ) -> Result<CommandOutcome<AgentGate>, SubmitRefusal<CommandClass>>;

    /// What a request with this idempotency key gets: a repeat or a mismatch; `None`: the key is free.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn find_key(
        &self,
        owner: Owner,
        key: IdempotencyKey,
        now: Timestamp,
    ) -> Result<Option<CommandOutcome<AgentGate>>, StoreError>;
}

#[async_trait]
impl SubmitCommand for Submitter<AgentGate, CommandClass> {
    async fn submit(
        &self,
        envelope: Envelope<AgentGate>,
        class: CommandClass,
        bound: Duration,
    ) -> Result<CommandOutcome<AgentGate>, SubmitRefusal<CommandClass>> {
        Ok(Submitter::submit(self, envelope, class, bound).await?.outcome)
    }

    async fn find_key(
        &self,
        owner: Owner,
        key: IdempotencyKey,
        now: Timestamp,
    ) -> Result<Option<CommandOutcome<AgentGate>>, StoreError> {
        Submitter::find_key(self, owner, key, now).await
    }
}
