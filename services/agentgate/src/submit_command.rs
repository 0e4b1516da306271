//! The port that decides commands.

use std::time::Duration;

use async_trait::async_trait;
use tidegate_agentgate::{AgentGate, Owner};
use tidegate_commands::{SubmitRefusal, Submitter};
use tidegate_kernel::Timestamp;
use tidegate_kernel::command::{CommandOutcome, Envelope, IdempotencyKey};
use tidegate_ports::StoreError;
use tidegate_shedding::ShedRefusal;

use crate::command_class::CommandClass;

/// Appends commands to the log and waits for what becomes of them.
#[async_trait]
pub trait SubmitCommand: Send + Sync + 'static {
    /// Whether a command of this owner and class is refused now because deciders are behind. To be asked once for each
    /// request, before anything is done for it: of several requests a share may be refused.
    ///
    /// # Errors
    /// [`ShedRefusal`].
    fn sheds(&self, owner: Owner, class: CommandClass) -> Result<(), ShedRefusal<CommandClass>>;

    /// The outcome of a command that [`SubmitCommand::sheds`] let through. It is refused all the same where every
    /// command of its class is shed by now.
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
    fn sheds(&self, owner: Owner, class: CommandClass) -> Result<(), ShedRefusal<CommandClass>> {
        Submitter::sheds(self, owner, class)
    }

    async fn submit(
        &self,
        envelope: Envelope<AgentGate>,
        class: CommandClass,
        bound: Duration,
    ) -> Result<CommandOutcome<AgentGate>, SubmitRefusal<CommandClass>> {
        Ok(Submitter::submit_let_through(self, envelope, class, bound).await?.outcome)
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
