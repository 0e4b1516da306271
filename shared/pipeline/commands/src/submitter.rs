//! Submits commands of one product and waits for their outcomes.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tidegate_kernel::command::{Attempt, CommandOutcome, Decider, Envelope, Fact, FactId, IdempotencyKey, OwnerId};
use tidegate_kernel::outage::Outage;
use tidegate_kernel::{LogKey, Timestamp};
use tidegate_metric::{Counter, Gauge, Histogram};
use tidegate_ports::{Append, AppendError, Clock, FactName, Facts, FailureCause, StoreError, StoredFact};
use tidegate_shedding::{Appends, ShedClass, ShedRefusal, Shedding};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::metrics::{COMMANDS, COMMANDS_WAITING, DECISION_SECONDS};
use crate::refusal::SubmitRefusal;
use crate::waiting::WaitingFacts;

/// What a submitter needs.
#[derive(Clone)]
pub struct SubmitPorts {
    pub append: Arc<dyn Append>,
    pub facts: Arc<dyn Facts>,
    pub clock: Arc<dyn Clock>,
}

/// Bounds of a submitter.
#[derive(Clone, Copy, Debug)]
pub struct SubmitOptions {
    /// Commands that this process submits and waits for at once.
    pub max_waiting: usize,
}

impl Default for SubmitOptions {
    fn default() -> Self {
        SubmitOptions { max_waiting: 4_096 }
    }
}

/// Appends commands, and waits until they are decided.
pub struct Submitter<D, C> {
    ports: SubmitPorts,
    shedding: Arc<Shedding<C>>,
    outage: Outage,
    appends: Arc<Appends>,
    waiting: WaitingFacts,
    permits: Semaphore,
    count: Gauge,
    seconds: Histogram,
    product: PhantomData<fn() -> D>,
}

impl<D: Decider, C: ShedClass> Submitter<D, C> {
    /// Starts the task that reads outcomes; to be called within a runtime.
    pub fn new(ports: SubmitPorts, shedding: Arc<Shedding<C>>, options: SubmitOptions) -> Self {
        // At zero before the first command: an alert on a rise must see what it rose from.
        for outcome in OUTCOMES {
            _ = counter(D::API, outcome);
        }
        Submitter {
            waiting: WaitingFacts::start(ports.facts.clone(), D::API),
            ports,
            shedding,
            outage: Outage::default(),
            appends: Arc::default(),
            permits: Semaphore::new(options.max_waiting),
            count: COMMANDS_WAITING.with([("api", D::API)]),
            seconds: DECISION_SECONDS.with([("api", D::API)]),
            product: PhantomData,
        }
    }

    /// Whether the log takes records.
    pub fn appends(&self) -> Arc<Appends> {
        self.appends.clone()
    }

    /// Whether a command of this owner and class is refused now because consumers are behind. While a share of the
    /// class is refused, the answer differs from one question to the next: ask once for each request, before anything
    /// is done for it, and pass it to [`submit_let_through`](Submitter::submit_let_through).
    ///
    /// # Errors
    /// [`ShedRefusal`].
    pub fn sheds(&self, owner: D::Owner, class: C) -> Result<(), ShedRefusal<C>> {
        let shed = self.ask_shedding(owner.log_key(), class);
        if shed.is_err() {
            counter(D::API, SHED).increment(1);
        }
        shed
    }

    /// Appends a command and waits for what becomes of it, then for what becomes of its effects; `bound` is the time for
    /// all of that. If the effects take longer, the command's own fact is the answer all the same: it is decided. A command
    /// without an attempt is appended and stays [`SubmitRefusal::Undecided`].
    ///
    /// # Errors
    /// [`SubmitRefusal`].
    pub async fn submit(&self, envelope: Envelope<D>, class: C, bound: Duration) -> Result<Fact<D>, SubmitRefusal<C>> {
        let shed = self.ask_shedding(envelope.owner.log_key(), class);
        self.submit_unless(shed, envelope, bound).await
    }

    /// As [`submit`](Submitter::submit), of a command that [`sheds`](Submitter::sheds) let through: it is shed only if
    /// its whole class is by now.
    ///
    /// # Errors
    /// [`SubmitRefusal`].
    pub async fn submit_let_through(
        &self,
        envelope: Envelope<D>,
        class: C,
        bound: Duration,
    ) -> Result<Fact<D>, SubmitRefusal<C>> {
        let shed = self.shedding.shed_all(|| envelope.owner.log_key(), class);
        self.submit_unless(shed, envelope, bound).await
    }

    fn ask_shedding(&self, owner: LogKey, class: C) -> Result<(), ShedRefusal<C>> {
        self.shedding.shed(class).and_then(|()| self.shedding.shed_partition(|| owner, class))
    }

    async fn submit_unless(
        &self,
        shed: Result<(), ShedRefusal<C>>,
        envelope: Envelope<D>,
        bound: Duration,
    ) -> Result<Fact<D>, SubmitRefusal<C>> {
        let began = Instant::now();
        let submitted = match shed {
            Ok(()) => self.append_and_wait(&envelope, began + bound).await,
            Err(shed) => Err(SubmitRefusal::Shed(shed)),
        };
        let label = match &submitted {
            Ok(fact) => label(&fact.outcome),
            Err(refusal) => refusal.label(),
        };
        counter(D::API, label).increment(1);
        if submitted.is_ok() {
            self.seconds.record(began.elapsed().as_secs_f64());
        }
        submitted
    }

    async fn append_and_wait(&self, envelope: &Envelope<D>, deadline: Instant) -> Result<Fact<D>, SubmitRefusal<C>> {
        let owner = envelope.owner.log_key();
        if let Some(error) = self.waiting.store_down() {
            return Err(SubmitRefusal::StoreDown(error));
        }
        let Ok(_permit) = self.permits.try_acquire() else { return Err(SubmitRefusal::TooManyWaiting) };
        let _counted = Counted::new(&self.count);
        self.append(owner, envelope.encode(), deadline).await?;
        let attempt = envelope.attempt.ok_or(SubmitRefusal::Undecided)?;
        let fact = self.decided(owner, attempt, deadline).await.ok_or(SubmitRefusal::Undecided)?;
        let effects =
            fact.effects.iter().map(|(owner, attempt)| self.waiting.wait_for(name(owner.log_key(), *attempt)));
        // All of them are looked for from now on.
        let effects: Vec<_> = effects.collect();
        for effect in effects {
            if timeout_at(deadline, effect).await.is_err() {
                break;
            }
        }
        Ok(fact)
    }

    /// Appends a command. If the log cannot say whether it took it, the outcome is waited for all the same.
    async fn append(&self, owner: LogKey, record: Vec<u8>, deadline: Instant) -> Result<(), SubmitRefusal<C>> {
        let accounted = self.shedding.accounted(owner);
        let late = |_| Err(AppendError::Unknown(FailureCause::timeout("no answer in time")));
        let appending = self.ports.append.append(owner, Bytes::from(record));
        match timeout_at(deadline, appending).await.unwrap_or_else(late) {
            Ok(position) if !self.shedding.will_be_applied(position, accounted) => Err(SubmitRefusal::Undecided),
            Ok(_) => {
                #[cfg(feature = "fail-points")]
                fail::fail_point!("commands::between_append_and_answer", |_| std::process::abort());
                self.outage.over();
                self.appends.succeeded();
                Ok(())
            }
            Err(AppendError::NotPersisted(cause)) => {
                tracing::warn!(kind = %cause.kind(), cause = cause.as_str(), "the log did not take a command");
                self.appends.failed(self.ports.clock.now(), &cause);
                Err(SubmitRefusal::LogRefused { retry_after_s: self.outage.failed(self.ports.clock.now()) })
            }
            Err(AppendError::TooLarge { bytes, cap }) => Err(SubmitRefusal::TooLarge { bytes, cap }),
            Err(AppendError::Unknown(cause)) => {
                tracing::warn!(kind = %cause.kind(), cause = cause.as_str(), "whether a command is on the log is not known");
                self.appends.failed(self.ports.clock.now(), &cause);
                Ok(())
            }
        }
    }

    /// The fact of an attempt; `None`: it did not come in time.
    async fn decided(&self, owner: LogKey, attempt: Attempt, deadline: Instant) -> Option<Fact<D>> {
        let found = timeout_at(deadline, self.waiting.wait_for(name(owner, attempt))).await;
        let decoded = decode(&found.ok()?.ok()?);
        decoded.inspect_err(|error| tracing::error!(%error, "an outcome cannot be read")).ok()
    }

    /// The fact of an attempt, if it is decided.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_attempt(&self, owner: D::Owner, attempt: Attempt) -> Result<Option<Fact<D>>, StoreError> {
        let found = self.ports.facts.find(&[name(owner.log_key(), attempt)]).await?;
        found.into_iter().flatten().next().map(|fact| decode(&fact)).transpose()
    }

    /// What a request with this idempotency key gets: [`CommandOutcome::Repeated`] or [`CommandOutcome::Mismatched`]; `None`: the key is
    /// free. For requests that are refused before they are submitted. `now` stands for the owner's time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_key(
        &self,
        owner: D::Owner,
        key: IdempotencyKey,
        now: Timestamp,
    ) -> Result<Option<CommandOutcome<D>>, StoreError> {
        let name = FactName { owner: owner.log_key(), id: FactId::Key(key.hash) };
        let found = self.ports.facts.find(&[name]).await?;
        let Some(last) = found.into_iter().flatten().next_back() else { return Ok(None) };
        let fact = decode::<D>(&last)?;
        let is_open = now.as_millis().saturating_sub(fact.decided_at.as_millis()) < D::KEY_WINDOW_MS;
        Ok(is_open.then(|| match fact.outcome {
            CommandOutcome::Answered(answer) if fact.fingerprint == Some(key.fingerprint) => {
                CommandOutcome::Repeated(answer)
            }
            _ => CommandOutcome::Mismatched,
        }))
    }
}

/// One command more in a gauge, until it is dropped.
struct Counted<'a>(&'a Gauge);

impl<'a> Counted<'a> {
    fn new(gauge: &'a Gauge) -> Self {
        gauge.increment(1.0);
        Counted(gauge)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

fn name(owner: LogKey, attempt: Attempt) -> FactName {
    FactName { owner, id: FactId::Attempt(attempt) }
}

fn decode<D: Decider>(fact: &StoredFact) -> Result<Fact<D>, StoreError> {
    Fact::decode(fact.position, &fact.doc).map_err(|error| StoreError::Broken(error.to_string().into()))
}

/// As [`SubmitRefusal::label`] has it.
const SHED: &str = "shed";

/// Every outcome, as metrics name it: those of decisions, then those of [`SubmitRefusal::label`].
const OUTCOMES: [&str; 11] = [
    "answered",
    "refused",
    "repeated",
    "mismatched",
    "expired",
    SHED,
    "too_many_waiting",
    "store_down",
    "log_refused",
    "too_large",
    "undecided",
];

fn counter(api: &'static str, outcome: &'static str) -> Counter {
    COMMANDS.with([("api", api), ("outcome", outcome)])
}

/// The name of an outcome in metrics.
const fn label<D: Decider>(outcome: &CommandOutcome<D>) -> &'static str {
    match outcome {
        CommandOutcome::Answered(_) => "answered",
        CommandOutcome::Refused(_) => "refused",
        CommandOutcome::Repeated(_) => "repeated",
        CommandOutcome::Mismatched => "mismatched",
        CommandOutcome::Expired => "expired",
    }
}
