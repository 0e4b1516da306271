//! From a command to its outcome: the port that decides, and what its answers mean on this API.

use async_trait::async_trait;
use tidegate_agentgate::{AgentGate, Answer, Command, Owner, Refusal as Decision};
use tidegate_kernel::command::{Attempt, Decider, Envelope, Fact, IdempotencyKey, OwnerId, Outcome};
use tidegate_kernel::{LogKey, Timestamp};

use crate::front_door::FrontDoor;
use crate::refusal::{Refusal, Why};

/// Appends commands to the log and waits for what becomes of them.
#[async_trait]
pub trait SubmitCommand: Send + Sync + 'static {
    /// The outcome of a command. It goes on though nobody waits any more.
    ///
    /// # Errors
    /// [`NotDecided`].
    async fn submit(
        &self,
        envelope: Envelope<AgentGate>,
        class: CommandClass,
    ) -> Result<Outcome<AgentGate>, NotDecided>;

    /// What was decided first with an idempotency key of the owner; `None`: nothing was, or its window is over.
    ///
    /// # Errors
    /// [`NotDecided`].
    async fn find_key(
        &self,
        owner: LogKey,
        key: IdempotencyKey,
        now: Timestamp,
    ) -> Result<Option<Fact<AgentGate>>, NotDecided>;
}

/// Which commands are shed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandClass {
    /// What makes work.
    Creates,
    /// What ends it, and everything else.
    Rest,
}

/// Why nothing is known of a command's outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotDecided {
    /// The deciders are behind, or the partition is halted. Nothing was appended.
    Shed { retry_after_s: u64 },
    /// The log did not take it.
    LogRefused { retry_after_s: u64 },
    /// As many requests as may wait for a decision do. Nothing was appended.
    TooManyWaiting,
    /// It is or may be on the log, and was not decided in time.
    Undecided,
    /// Facts cannot be read.
    StoreDown { cause: String },
}

/// What became of a command.
pub(crate) enum Decided {
    Answered(Answer),
    /// The answer of an earlier command with the same key.
    Repeated(Answer),
    Refused(Decision),
}

/// A command to carry out.
pub(crate) struct Order {
    pub owner: Owner,
    pub command: Command,
    pub key: Option<IdempotencyKey>,
    pub received_at: Timestamp,
}

/// How often a command is made anew because what it was made from had changed.
const ATTEMPTS: usize = 8;

impl FrontDoor {
    /// # Errors
    /// Nothing is known of the outcome, or the key was used with another body.
    pub(crate) async fn carry_out(&self, order: Order) -> Result<Decided, Refusal> {
        let class = match &order.command {
            Command::Submit(_) | Command::WebhookPut(_) | Command::TemplatePut(_) => CommandClass::Creates,
            _ => CommandClass::Rest,
        };
        let envelope = Envelope {
            rules: AgentGate::RULES,
            owner: order.owner,
            attempt: Some(Attempt::mint(order.received_at, &self.ids.random())),
            key: order.key,
            received_at: order.received_at,
            command: order.command,
        };
        match self.commands.submit(envelope, class).await.map_err(|error| self.not_decided(error))? {
            Outcome::Answered(answer) => Ok(Decided::Answered(answer)),
            Outcome::Repeated(answer) => Ok(Decided::Repeated(answer)),
            Outcome::Refused(refusal) => Ok(Decided::Refused(refusal)),
            Outcome::Mismatched => Err(Why::IdempotencyKeyReused.into()),
            Outcome::Expired => Err(Why::Expired.into()),
        }
    }

    /// Carries out a command that `make` makes from what is stored, anew where that has changed meanwhile.
    ///
    /// # Errors
    /// As [`FrontDoor::carry_out`], and those of `make`.
    pub(crate) async fn carry_out_anew<F, Fut>(&self, mut make: F) -> Result<Decided, Refusal>
    where
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<Order, Refusal>> + Send,
    {
        for _ in 0..ATTEMPTS {
            match self.carry_out(make().await?).await? {
                Decided::Refused(Decision::Stale {}) => {}
                decided => return Ok(decided),
            }
        }
        Err(Why::Contended.into())
    }

    /// What stands against a request that brought a key and is refused: the answer of an earlier one with the same body.
    ///
    /// # Errors
    /// The key was used with another body, or its fact cannot be read.
    pub(crate) async fn earlier(
        &self,
        owner: Owner,
        key: Option<IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Option<Answer>, Refusal> {
        let Some(key) = key else { return Ok(None) };
        let found = self.commands.find_key(owner.log_key(), key, now).await;
        match found.map_err(|error| self.not_decided(error))? {
            None => Ok(None),
            Some(Fact { fingerprint, outcome: Outcome::Answered(answer), .. })
                if fingerprint == Some(key.fingerprint) =>
            {
                Ok(Some(answer))
            }
            Some(_) => Err(Why::IdempotencyKeyReused.into()),
        }
    }

    fn not_decided(&self, error: NotDecided) -> Refusal {
        match error {
            NotDecided::Shed { retry_after_s } => Why::Shed { retry_after_s }.into(),
            NotDecided::LogRefused { retry_after_s } => Why::LogRefused { retry_after_s }.into(),
            NotDecided::TooManyWaiting => Why::TooManyInFlight.into(),
            NotDecided::Undecided => Why::Undecided.into(),
            NotDecided::StoreDown { cause } => self.store_down(cause),
        }
    }
}

/// What a decision refuses that concerns the sender, whatever the command.
pub(crate) fn refused(decision: Decision) -> Refusal {
    match decision {
        Decision::KeyRevoked {} => Why::KeyRevoked.into(),
        Decision::Suspended {} => Why::OrganizationSuspended.into(),
        Decision::UnknownOrganization {} => Why::KeyUnknown.into(),
        other => unexpected(&other),
    }
}

/// A decision about a command that cannot have it.
pub(crate) fn unexpected(decision: &impl std::fmt::Debug) -> Refusal {
    Why::Defect { cause: format!("the command was decided as {decision:?}") }.into()
}
