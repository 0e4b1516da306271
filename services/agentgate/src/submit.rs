//! From a command to its outcome, and what outcomes mean on this API.

use async_trait::async_trait;
use tidegate_agentgate::{AgentGate, Answer, Command, Owner, Refusal as Decision};
use tidegate_commands::SubmitRefusal;
use tidegate_door::body::BodyError;
use tidegate_kernel::Timestamp;
use tidegate_kernel::command::{Attempt, CommandOutcome, Decider, Envelope, IdempotencyKey};
use tidegate_shedding::ShedRefusal;

use crate::command_class::CommandClass;
use crate::front_door::FrontDoor;
use crate::refusal::{Refusal, Why};

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

/// Makes a command from what is stored now.
#[async_trait]
pub(crate) trait MakeOrder: Sync {
    /// # Errors
    /// What is stored does not allow it, or cannot be read.
    async fn order(&self) -> Result<Order, Refusal>;
}

/// How often a command is made again because what it was made from had changed.
const ATTEMPTS: usize = 8;

impl FrontDoor {
    /// Asks once for each request whether its command is shed.
    ///
    /// # Errors
    /// [`Why::Shed`].
    pub(crate) fn unless_shed(&self, owner: Owner, class: CommandClass) -> Result<(), Refusal> {
        self.commands.sheds(owner, class).map_err(|shed| self.not_decided(SubmitRefusal::Shed(shed)))
    }

    /// Carries out the command of a request that was let through by [`FrontDoor::unless_shed`].
    ///
    /// # Errors
    /// Nothing is known of the outcome, or the key was used with another body.
    pub(crate) async fn carry_out(&self, order: Order) -> Result<Decided, Refusal> {
        let class = CommandClass::of(&order.command);
        let envelope = Envelope {
            rules: AgentGate::RULES,
            owner: order.owner,
            attempt: Some(Attempt::mint(order.received_at, &self.ids.random())),
            key: order.key,
            received_at: order.received_at,
            command: order.command,
        };
        match self.commands.submit(envelope, class, self.config.wait).await.map_err(|error| self.not_decided(error))? {
            CommandOutcome::Answered(answer) => Ok(Decided::Answered(answer)),
            CommandOutcome::Repeated(answer) => Ok(Decided::Repeated(answer)),
            CommandOutcome::Refused(refusal) => Ok(Decided::Refused(refusal)),
            CommandOutcome::Mismatched => Err(Why::IdempotencyKeyReused.into()),
            CommandOutcome::Expired => Err(Why::Expired.into()),
        }
    }

    /// Carries out the command of a request that was not asked about before.
    ///
    /// # Errors
    /// It is shed; else as [`FrontDoor::carry_out`].
    pub(crate) async fn carry_out_unless_shed(&self, order: Order) -> Result<Decided, Refusal> {
        self.unless_shed(order.owner, CommandClass::of(&order.command))?;
        self.carry_out(order).await
    }

    /// Carries out a command that is made from what is stored, again where that has changed meanwhile.
    ///
    /// # Errors
    /// As [`FrontDoor::carry_out`], and those of [`MakeOrder::order`].
    pub(crate) async fn carry_out_anew(&self, from: &dyn MakeOrder) -> Result<Decided, Refusal> {
        for _ in 0..ATTEMPTS {
            match self.carry_out(from.order().await?).await? {
                Decided::Refused(Decision::Stale {}) => {}
                decided => return Ok(decided),
            }
        }
        Err(Why::Contended.into())
    }

    /// What overrides the refusal of a request with an idempotency key: the answer of an earlier one with the same
    /// body.
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
        match self.ask(self.commands.find_key(owner, key, now)).await? {
            None => Ok(None),
            Some(CommandOutcome::Repeated(answer)) => Ok(Some(answer)),
            Some(_) => Err(Why::IdempotencyKeyReused.into()),
        }
    }

    fn not_decided(&self, refusal: SubmitRefusal<CommandClass>) -> Refusal {
        match refusal {
            SubmitRefusal::Shed(ShedRefusal { retry_after_s, .. }) => Why::Shed { retry_after_s }.into(),
            SubmitRefusal::LogRefused { retry_after_s } => Why::LogRefused { retry_after_s }.into(),
            SubmitRefusal::TooManyWaiting => Why::TooManyInFlight.into(),
            SubmitRefusal::TooLarge { cap, .. } => Why::Body(BodyError::TooLarge { max_bytes: cap }).into(),
            SubmitRefusal::Undecided => Why::Undecided.into(),
            SubmitRefusal::StoreDown(error) => self.store_down(error.to_string()),
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
