//! One try of a delivery: compose, wait for the receiver's turn, send, note.

use std::sync::Arc;
use std::time::Duration;

use tidegate_kernel::Timestamp;
use tidegate_outbound::{Compose, Composed, Message, Outbound, Receivers, RetryPlan, Turn};
use tidegate_ports::{Clock, Deliveries, SendProgress, SendState, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

use crate::held::ToSend;
use crate::metrics::DELIVERIES;

/// Tries of the process at once: each has a connection, a body and an answer in memory.
const AT_ONCE: usize = 1_024;
/// Too many requests, and out of service: their `Retry-After` concerns all that is sent to the receiver.
const RESTS: [u16; 2] = [429, 503];
const STORE_RETRY: Duration = Duration::from_secs(1);

/// What sends deliveries to their receivers, for all partitions of a process.
pub struct Sending {
    compose: Arc<dyn Compose>,
    client: Outbound,
    plan: RetryPlan,
    receivers: Receivers,
    at_once: Arc<Semaphore>,
}

/// What came of a try, as it is noted.
pub(crate) struct Tried {
    pub progress: SendProgress,
    /// The receiver asked to be left alone until then.
    pub rest_until: Option<Timestamp>,
}

struct Outcome {
    state: SendState,
    /// For people.
    last: String,
    is_try: bool,
    rest_until: Option<Timestamp>,
}

impl Outcome {
    const fn finished(state: SendState, last: String, is_try: bool) -> Self {
        Outcome { state, last, is_try, rest_until: None }
    }
}

impl Sending {
    pub fn new(compose: Arc<dyn Compose>, client: Outbound, plan: RetryPlan) -> Self {
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        Sending { compose, client, plan, receivers: Receivers::default(), at_once }
    }

    pub(crate) fn compose(&self) -> &dyn Compose {
        &*self.compose
    }

    /// Tries once, and notes what came of it. The store is asked until it answers.
    pub(crate) async fn attempt(
        &self,
        one: &ToSend,
        api: &'static str,
        stored: &dyn Deliveries,
        clock: &dyn Clock,
    ) -> Tried {
        let mut failures = 0_u32;
        let outcome = loop {
            match self.send(one, clock).await {
                Ok(outcome) => break outcome,
                Err(error) => {
                    report_uncomposed(api, one, &error, failures == 0);
                    failures = failures.saturating_add(1);
                    sleep(STORE_RETRY).await;
                }
            }
        };
        let tries = one.tries + u32::from(outcome.is_try);
        // The later note stays, also where the clock went back.
        let at = one.noted_at.map_or(clock.now(), |noted_at| clock.now().max(noted_at.plus_millis(1)));
        let progress = SendProgress { tries, state: outcome.state, last: outcome.last, at };
        report(api, one, &progress);
        while let Err(error) = stored.note(one.owner, &one.delivery.id, progress.clone()).await {
            tracing::debug!(owner = one.owner.text(), kind = %error.kind(), %error, "a delivery's progress cannot be noted now");
            sleep(STORE_RETRY).await;
        }
        Tried { progress, rest_until: outcome.rest_until }
    }

    async fn send(&self, one: &ToSend, clock: &dyn Clock) -> Result<Outcome, StoreError> {
        let mut turn: Option<Turn> = None;
        loop {
            let permit = self.permit().await;
            let message = match self.compose.compose(&one.delivery).await? {
                Composed::Send(message) => message,
                Composed::Drop(why) => {
                    return Ok(Outcome::finished(SendState::Dropped, why.to_owned(), false));
                }
            };
            let origin = match self.client.target(&message.url) {
                Ok(target) => target.origin(),
                Err(rule) => {
                    let last = format!("the URL is not allowed: {rule}");
                    return Ok(self.failed(one, last, None, clock.now()));
                }
            };
            // The receiver may have moved while the turn was waited for.
            turn = turn.filter(|turn| turn.origin == origin).or_else(|| self.receivers.try_turn(&origin));
            match turn {
                Some(turn) => return Ok(self.send_now(one, &message, clock, (permit, turn)).await),
                None => {
                    // Whoever waits holds neither a message nor a place among all tries.
                    drop((permit, message));
                    turn = self.receivers.turn(&origin).await;
                }
            }
        }
    }

    async fn send_now(
        &self,
        one: &ToSend,
        message: &Message,
        clock: &dyn Clock,
        _places: (Option<OwnedSemaphorePermit>, Turn),
    ) -> Outcome {
        match self.client.send(message).await {
            Ok(answer) if answer.is_success() => {
                Outcome::finished(SendState::Sent, format!("status {}", answer.status), true)
            }
            Ok(answer) => {
                let failed = self.failed(one, format!("status {}", answer.status), answer.retry_after, clock.now());
                let rest_until = failed.rest_until.filter(|_| RESTS.contains(&answer.status));
                Outcome { rest_until, ..failed }
            }
            Err(error) => self.failed(one, error.to_string(), None, clock.now()),
        }
    }

    fn failed(&self, one: &ToSend, last: String, asked: Option<Duration>, now: Timestamp) -> Outcome {
        let pause = self.plan.pause(&one.delivery.id, one.tries + 1, asked);
        let at = |pause: Duration| now.plus_millis(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
        let state = pause.map_or(SendState::GivenUp, |pause| SendState::Retry(at(pause)));
        Outcome { state, last, is_try: true, rest_until: self.plan.granted(asked).map(at) }
    }

    /// A place among all tries. The semaphore is never closed.
    async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        self.at_once.clone().acquire_owned().await.ok()
    }
}

/// Every result stands at zero before anything is sent.
pub(crate) fn register(api: &'static str) {
    let states = [SendState::Sent, SendState::Retry(Timestamp::from_millis(0)), SendState::GivenUp, SendState::Dropped];
    for state in states {
        DELIVERIES.with([("api", api), ("result", result(state))]).increment(0);
    }
}

const fn result(state: SendState) -> &'static str {
    match state {
        SendState::Sent => "sent",
        SendState::Retry(_) => "failed",
        SendState::GivenUp => "given_up",
        SendState::Dropped => "dropped",
    }
}

/// A delivery that cannot be composed now is tried again until it can be. What time alone does not mend is logged once
/// a try, so that an operator sees it.
fn report_uncomposed(api: &'static str, one: &ToSend, error: &StoreError, is_first: bool) {
    let (owner, delivery, kind) = (one.owner.text(), &one.delivery.id, error.kind());
    match error {
        StoreError::Broken(_) | StoreError::Refused(_) if is_first => {
            tracing::warn!(api, owner, %delivery, %kind, %error, "a delivery cannot be composed, and waits");
        }
        _ => tracing::debug!(api, owner, %delivery, %kind, %error, "a delivery cannot be composed now"),
    }
}

fn report(api: &'static str, one: &ToSend, progress: &SendProgress) {
    let result = result(progress.state);
    DELIVERIES.with([("api", api), ("result", result)]).increment(1);
    let (owner, delivery, queue) = (one.owner.text(), &one.delivery.id, &one.queue);
    let SendProgress { tries, last, .. } = progress;
    match progress.state {
        SendState::GivenUp => tracing::warn!(api, owner, %delivery, %queue, tries, last, "a delivery is given up"),
        SendState::Retry(at) => {
            tracing::debug!(api, owner, %delivery, %queue, tries, last, next_try_at = %at, "a delivery failed");
        }
        SendState::Sent | SendState::Dropped => {
            tracing::debug!(api, owner, %delivery, %queue, tries, last, "a delivery ended")
        }
    }
}
