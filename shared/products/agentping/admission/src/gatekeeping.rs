//! Asking the gate: with a deadline, seeding it when it does not know the team, and noticing when it is down.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use tidegate_agentping::{Body, TeamId};
use tidegate_agentping_ports::{Ask, GateDown, Refused, Seed, Ticket, Usage, Verdict};
use tidegate_kernel::{Month, Timestamp};
use tidegate_ports::{FailureCause, StoreError};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::admission::Admission;
use crate::claims;
use crate::metrics::{CONFIRMS_DROPPED, GATE_DOWN};
use crate::refusal::Refusal;
use crate::shed::{Class, ShedCause};
use crate::submission::Caller;

/// Whether the gate answers. After some failures in a row it is left alone for a moment, so that a hanging gate does
/// not cost every request its deadline.
#[derive(Debug)]
pub(crate) struct GateHealth {
    failures: AtomicU32,
    resting_until_ms: AtomicI64,
    /// Room for confirmations in the background.
    confirms: Arc<Semaphore>,
    confirms_max: usize,
}

impl GateHealth {
    const FAILURES_BEFORE_REST: u32 = 3;
    const REST_MS: i64 = 500;

    pub fn new(confirms_max: usize) -> Self {
        GateHealth {
            failures: AtomicU32::new(0),
            resting_until_ms: AtomicI64::new(i64::MIN),
            confirms: Arc::new(Semaphore::new(confirms_max)),
            confirms_max,
        }
    }

    /// A rest that lies further ahead than rests are long is left over from a clock that was set back.
    fn resting(&self, now: Timestamp) -> bool {
        let until = self.resting_until_ms.load(Ordering::Relaxed);
        now.as_millis() < until && until <= now.plus_millis(Self::REST_MS).as_millis()
    }

    fn answered(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    fn failed(&self, now: Timestamp) {
        if self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= Self::FAILURES_BEFORE_REST {
            self.resting_until_ms.store(now.plus_millis(Self::REST_MS).as_millis(), Ordering::Relaxed);
        }
    }
}

impl Admission {
    /// The gate's verdict; `None` when it is down, or when it must be seeded and the store is down.
    pub(crate) async fn ask_gate(&self, team: TeamId, ask: impl Fn() -> Ask) -> Option<Verdict> {
        let now = self.ports.clock.steady();
        if self.gate_health.resting(now) {
            return None;
        }
        let mut answer = self.ask_once(ask()).await;
        if let Ok(Verdict::NeedsSeed) = answer {
            let seed = match Box::pin(self.read_seed(team)).await {
                Ok(seed) => seed,
                // It is the store that is down: the gate goes on for the teams that it knows.
                Err(GateDown(cause)) => return gate_is_missing(&cause),
            };
            answer = match self.within_gate_deadline(self.ports.gate.seed(team, seed)).await {
                Ok(Ok(())) => self.ask_once(ask()).await,
                Ok(Err(down)) | Err(down) => Err(down),
            };
        }
        match answer {
            Ok(Verdict::NeedsSeed) => self.gate_is_down(now, &"it forgets what it is seeded with".into()),
            Ok(verdict) => {
                self.gate_health.answered();
                Some(verdict)
            }
            Err(GateDown(cause)) => self.gate_is_down(now, &cause),
        }
    }

    fn gate_is_down(&self, now: Timestamp, cause: &FailureCause) -> Option<Verdict> {
        self.gate_health.failed(now);
        gate_is_missing(cause)
    }

    async fn ask_once(&self, ask: Ask) -> Result<Verdict, GateDown> {
        self.within_gate_deadline(self.ports.gate.admit(ask)).await?
    }

    /// What the store knows of a team.
    pub(crate) async fn read_seed(&self, team: TeamId) -> Result<Seed, GateDown> {
        if self.store_health.is_resting() {
            return Err(GateDown(FailureCause::timeout("the store hangs, and cannot give its seed")));
        }
        let month = Month::of(self.ports.clock.now());
        let read = async {
            let events = self.ports.usage.usage(team, month).await?;
            let agents = self.ports.agents.slugs(team).await?;
            Ok(Seed { usage: Some(Usage { month, events }), agents })
        };
        let (began, deadline) = (Instant::now(), Duration::from_millis(self.config.timeouts.store_ms));
        let late = |_| Err(StoreError::Unavailable(FailureCause::timeout("no answer in time")));
        let seed: Result<Seed, StoreError> = tokio::time::timeout(deadline, read).await.unwrap_or_else(late);
        seed.map_err(|error| {
            self.store_health.failed(began, deadline);
            GateDown(FailureCause::new(error.kind(), format!("it cannot be seeded: {error}")).caused_by(error))
        })
    }

    pub(crate) async fn within_gate_deadline<T>(&self, call: impl Future<Output = T>) -> Result<T, GateDown> {
        let deadline_ms = self.config.timeouts.gate_ms;
        let late = |_| GateDown(FailureCause::timeout(format!("no answer within {deadline_ms} ms")));
        tokio::time::timeout(Duration::from_millis(deadline_ms), call).await.map_err(late)
    }

    /// Confirms without keeping the answer waiting: in place if the gate is that fast, else in the background. Beyond
    /// the bound it is dropped, which leaves the claim unconfirmed and is safe.
    pub(crate) async fn confirm(&self, ticket: Ticket) {
        if ticket.held.is_empty() && ticket.new_agent.is_none() {
            return;
        }
        let gate = Arc::clone(&self.ports.gate);
        let mut confirming = Box::pin(async move { gate.confirm(ticket).await });
        let done = std::future::poll_fn(|cx| std::task::Poll::Ready(confirming.as_mut().poll(cx).is_ready())).await;
        if done {
            return;
        }
        let Ok(permit) = Arc::clone(&self.gate_health.confirms).try_acquire_owned() else {
            CONFIRMS_DROPPED.handle().increment(1);
            return;
        };
        let deadline = Duration::from_millis(self.config.timeouts.gate_ms);
        tokio::spawn(async move {
            let _permit = permit;
            // A lost confirmation is safe, so its fate is nobody's concern.
            let _ = tokio::time::timeout(deadline, confirming).await;
        });
    }

    /// Resolves once no confirmation is under way. Each takes no longer than a question of the gate may; to be awaited
    /// before the process ends, as repeats are recognised by what is confirmed.
    pub async fn all_confirmed(&self) {
        let GateHealth { confirms, confirms_max, .. } = &self.gate_health;
        // A semaphore's most fits; it is never closed.
        let _all = confirms.acquire_many(u32::try_from(*confirms_max).unwrap_or(u32::MAX)).await;
    }

    /// Gives a ticket back before the refusal is told, so that a retry finds nothing in its way.
    pub(crate) async fn release(&self, ticket: Ticket) {
        if ticket.held.is_empty() && ticket.units == 0 && ticket.new_agent.is_none() {
            return;
        }
        if self.within_gate_deadline(self.ports.gate.release(ticket)).await.is_err() {
            tracing::warn!("the gate did not take a release in time: the claim stays until its content is sent again");
        }
    }

    /// Rate and quota without claims, for a request whose body is faulty: its own fault is told only if the gate has
    /// nothing against it.
    ///
    /// # Errors
    /// [`Refusal::Rate`], [`Refusal::Quota`].
    pub async fn charge(&self, caller: &Caller) -> Result<(), Refusal> {
        let ask = || Ask {
            team: caller.team,
            limits: caller.plan.limits(),
            now: self.ports.clock.now(),
            steady: self.ports.clock.steady(),
            applied_to: None,
            charge_rate: true,
            agent: None,
            claims: Vec::new(),
            peeks: Vec::new(),
            unclaimed_units: 0,
        };
        match self.ask_gate(caller.team, ask).await {
            None => self.take_local_share(caller),
            Some(Verdict::Refused(refused)) => Err(self.refusal(caller, refused, None)),
            Some(_) => Ok(()),
        }
    }

    pub(crate) fn refusal(&self, caller: &Caller, refused: Refused, body: Option<&Body>) -> Refusal {
        let limits = caller.plan.limits();
        match (refused, body.and_then(claims::agent)) {
            (Refused::Rate { retry_after_s }, _) => {
                Refusal::Rate { sustained_per_s: limits.sustained_per_s.unwrap_or(0), retry_after_s }
            }
            (Refused::Full, _) => self.shed_gauge.refuse(body.map_or(Class::Events, claims::class), ShedCause::Records),
            (Refused::AgentCap { cap, .. }, Some(slug)) => {
                Refusal::AgentCap { cap, slug: slug.clone(), hints: Box::default() }
            }
            // A gate names the agent cap only to who names an agent.
            (Refused::Quota { .. } | Refused::AgentCap { .. }, _) => {
                let now = self.ports.clock.now();
                let resets_at = Month::of(now).next().start();
                Refusal::Quota { resets_at, retry_after_s: resets_at.millis_since(now).div_ceil(1_000).max(1) }
            }
        }
    }
}

fn gate_is_missing(cause: &FailureCause) -> Option<Verdict> {
    GATE_DOWN.handle().increment(1);
    tracing::warn!(kind = %cause.kind(), cause = cause.as_str(), "the gate is down: admitting a local share without claims");
    None
}
