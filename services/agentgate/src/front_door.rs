//! The front door: the ports that it uses, and how long it waits for them.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tidegate_agentgate::Sealed;
use tidegate_commands::sealing::{Sealer, SealerError};
use tidegate_door::{AnswerBudget, AnswerPermit, Answered, ByteBudget, Draining, InFlight, Outcomes};
use tidegate_kernel::command::ViewKey;
use tidegate_kernel::{LogKey, Outage};
use tidegate_ports::{Clock, Ids, RequestLimits, StoreError, Views};
use tokio::time::timeout;

use crate::answer::Answer;
use crate::caller::Callers;
use crate::config::AgentGateConfig;
use crate::endpoint::{COUNTED, Endpoint};
use crate::refusal::{Cause, Refusal, Why};
use crate::secrets::Secrets;
use crate::send_test::SendTest;
use crate::submit_command::SubmitCommand;
use crate::worker::asking::Asking;
use crate::worker::found_empty::FoundEmpty;
use crate::worker::offers::Offers;

/// How long an answer waits for its part of the bytes for answers.
const ANSWER_WAIT: Duration = Duration::from_secs(1);

/// One front door of AgentGate.
pub struct FrontDoor {
    pub(crate) config: AgentGateConfig,
    pub(crate) views: Arc<dyn Views>,
    pub(crate) limits: Arc<dyn RequestLimits>,
    pub(crate) commands: Arc<dyn SubmitCommand>,
    pub(crate) sealer: Sealer,
    pub(crate) secrets: Secrets,
    pub(crate) send_test: Arc<dyn SendTest>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) callers: Callers,
    pub(crate) outcomes: Outcomes<Endpoint, Cause>,
    pub(crate) in_flight: InFlight,
    pub(crate) body_budget: ByteBudget,
    pub(crate) draining: Draining,
    pub(crate) asking: Asking,
    pub(crate) found_empty: FoundEmpty,
    pub(crate) offers: Offers,
    answers: AnswerBudget,
    store_outage: Outage,
}

/// The ports that a front door uses.
pub struct FrontDoorParts {
    pub views: Arc<dyn Views>,
    pub limits: Arc<dyn RequestLimits>,
    pub commands: Arc<dyn SubmitCommand>,
    /// Also holds the deployment's key.
    pub sealer: Sealer,
    pub send_test: Arc<dyn SendTest>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
}

impl FrontDoor {
    /// Registers its metrics: the process's recorder must be installed before.
    pub fn new(parts: FrontDoorParts, config: AgentGateConfig) -> Self {
        let FrontDoorParts { views, limits, commands, sealer, send_test, clock, ids } = parts;
        let secrets = Secrets::new(sealer.deployment().clone());
        let within_ms = u64::try_from(config.store_deadline.as_millis()).unwrap_or(u64::MAX);
        FrontDoor {
            callers: Callers::new(Arc::clone(&views), secrets.clone(), Arc::clone(&clock), within_ms),
            outcomes: Outcomes::register(COUNTED, Answer::OUTCOMES),
            in_flight: InFlight::new(config.max_in_flight),
            body_budget: ByteBudget::new(config.body_bytes),
            answers: AnswerBudget::new(config.answer_bytes, ANSWER_WAIT),
            draining: Draining::default(),
            asking: Asking::default(),
            found_empty: FoundEmpty::new(config.lease),
            offers: Offers::new(config.lease),
            store_outage: Outage::default(),
            config,
            views,
            limits,
            commands,
            sealer,
            secrets,
            send_test,
            clock,
            ids,
        }
    }

    /// What the store answers, in time.
    ///
    /// # Errors
    /// [`Why::StoreUnavailable`], or a defect where a retry does not help.
    pub(crate) async fn ask<T>(&self, query: impl Future<Output = Result<T, StoreError>>) -> Result<T, Refusal> {
        let deadline = self.config.store_deadline;
        let cause = match timeout(deadline, query).await {
            Ok(Ok(answer)) => {
                self.store_outage.over();
                return Ok(answer);
            }
            Ok(Err(StoreError::Broken(cause) | StoreError::Refused(cause))) => {
                return Err(Why::Defect { cause: cause.to_string() }.into());
            }
            Ok(Err(StoreError::Unavailable(cause))) => cause.to_string(),
            Err(_) => format!("no answer within {deadline:?}"),
        };
        Err(self.store_down(cause))
    }

    pub(crate) fn store_down(&self, cause: String) -> Refusal {
        Why::StoreUnavailable { cause, retry_after_s: self.store_outage.failed(self.clock.now()) }.into()
    }

    /// The documents of some rows.
    ///
    /// # Errors
    /// As [`FrontDoor::ask`].
    pub(crate) async fn docs<const N: usize>(&self, keys: [ViewKey; N]) -> Result<[Option<Vec<u8>>; N], Refusal> {
        let found = self.ask(self.views.get(&keys)).await?;
        found.try_into().map_err(|_| Why::Defect { cause: "the store left rows out".to_owned() }.into())
    }

    /// One row.
    ///
    /// # Errors
    /// As [`FrontDoor::ask`].
    pub(crate) async fn row<T: DeserializeOwned>(&self, key: ViewKey) -> Result<Option<T>, Refusal> {
        let [doc] = self.docs([key]).await?;
        doc.map(|doc| decoded(&doc)).transpose()
    }

    /// Seals a document of an owner.
    ///
    /// # Errors
    /// The owner's key cannot be read.
    pub(crate) async fn seal(&self, owner: LogKey, content: &impl Serialize) -> Result<Sealed, Refusal> {
        let text = serde_json::to_vec(content).map_err(defect)?;
        let sealed = self.sealer.seal(owner, &text).await;
        sealed.map(Sealed::new).map_err(|error| self.unsealable(&error))
    }

    /// A sealed document of an owner.
    ///
    /// # Errors
    /// The owner's key cannot be read, or the document was not sealed with it.
    pub(crate) async fn open<T: DeserializeOwned>(&self, owner: LogKey, sealed: &Sealed) -> Result<T, Refusal> {
        let text = self.sealer.open(owner, sealed.as_str()).await.map_err(|error| self.unsealable(&error))?;
        decoded(&text)
    }

    pub(crate) fn unsealable(&self, error: &SealerError) -> Refusal {
        let cause = error.to_string();
        match error {
            SealerError::Store { source: StoreError::Unavailable(_), .. } => self.store_down(cause),
            _ => Why::Defect { cause }.into(),
        }
    }

    /// A permit for an answer of at most so many bytes.
    ///
    /// # Errors
    /// [`Why::TooManyAnswers`].
    pub(crate) async fn permit(&self, most_bytes: usize) -> Result<AnswerPermit, Refusal> {
        self.answers.permit(most_bytes).await.ok_or_else(|| Why::TooManyAnswers.into())
    }
}

/// A document of the store.
///
/// # Errors
/// A defect: it is not what was written.
pub(crate) fn decoded<T: DeserializeOwned>(doc: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(doc).map_err(defect)
}

pub(crate) fn defect(error: impl std::fmt::Display) -> Refusal {
    Why::Defect { cause: error.to_string() }.into()
}
