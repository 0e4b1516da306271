//! One try of a message: find it and its route, wait for the receiver's turn, send, store what came of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tidegate_agentping_alerts::mail::{confirm_url, confirmation_form, mail_form};
use tidegate_agentping_alerts::metrics::count_ended;
use tidegate_agentping_alerts::others::{names_others, with_others};
use tidegate_agentping_alerts::outbox::{outbox_row, rank_at, read, row};
use tidegate_agentping_alerts::rows::{DELIVERY_PROGRESS, delivery_key, health_key, outbox_key, timed_key};
use tidegate_agentping_alerts::verdict::of_status;
use tidegate_agentping_alerts::{
    Began, DeliveryDoc, DeliveryProgress, DeliveryRef, DeliveryState, DeliveryTry, MailForm, MessageBody, MessageEdge,
    Messages, Outstanding, RouteHealth, TryVerdict, alert_request, kept_answer,
};
use tidegate_agentping_settings::{RouteDoc, RouteTarget};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_outbound::{Message, Receivers};
use tidegate_ports::{RowWrite, StoreError};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::SendingParts;
use super::metrics::TRIES;
use super::outcome::{TryOutcome, after_try, given_up};
use super::queue::QueueEnd;
use crate::fail_points::{AlertStep, after};

/// Tries of the process at once: each has a connection, a body and an answer in memory.
const AT_ONCE: usize = 512;
const STORE_RETRY: Duration = Duration::from_secs(1);
/// See [`Attempts::is_single`].
const SLACK_PAUSE_MS: i64 = 1_000;

/// What tries share.
pub(crate) struct Attempts {
    pub parts: SendingParts,
    messages: Messages,
    receivers: Receivers,
    at_once: Semaphore,
    health: Mutex<HashMap<SmolStr, RouteHealth>>,
}

impl Attempts {
    pub fn new(parts: SendingParts) -> Arc<Self> {
        let messages = parts.messages();
        let at_once = Semaphore::new(AT_ONCE);
        Arc::new(Attempts { parts, messages, receivers: Receivers::default(), at_once, health: Mutex::default() })
    }

    /// Whether a message's route is tried one at a time: Slack takes one message a second.
    pub fn is_single(&self, one: &DeliveryRef) -> bool {
        let settings = self.parts.settings.get(one.team.text().as_str());
        let route = settings.as_ref().and_then(|settings| settings.routes.get(&one.route));
        route.is_some_and(|route| matches!(route.target, RouteTarget::Slack { .. }))
    }

    /// Tries once, and stores what came of it. The store is asked until it answers. Returns how it ended, and until when
    /// the route is left alone.
    pub async fn attempt(&self, one: &DeliveryRef) -> (QueueEnd, Option<Timestamp>) {
        loop {
            match self.try_once(one).await {
                Ok(ended) => return ended,
                Err(error) => {
                    tracing::warn!(delivery = %one.id, kind = %error.kind(), %error, "an alert's state cannot be read or stored now");
                    sleep(STORE_RETRY).await;
                }
            }
        }
    }

    async fn try_once(&self, one: &DeliveryRef) -> Result<(QueueEnd, Option<Timestamp>), StoreError> {
        let route = self.route(one);
        // Whoever waits for a turn holds neither a message nor a place among all tries.
        let url = route.as_ref().and_then(alert_url);
        let origin = url.and_then(|url| self.parts.client.target(&url).ok()).map(|target| target.origin());
        let _turn = match &origin {
            Some(origin) => self.receivers.turn(origin).await,
            None => None,
        };
        let _place = self.at_once.acquire().await;
        let Some(doc) = self.stored(one).await? else {
            tracing::error!(delivery = %one.id, "an alert that waits is not stored");
            self.leave(one, 0).await?;
            return Ok((QueueEnd::Failed, None));
        };
        let progress = self.messages.progress(&doc).await?;
        if progress.state.is_finished() {
            self.leave(one, progress.rank).await?;
            return Ok((QueueEnd::Sent, None));
        }
        // The route as it is now, not as it was before the turn.
        let route = match (self.route(one), &doc) {
            (Some(route), doc) if may_send(&route, doc) => route,
            (route, _) => {
                let reason =
                    if route.is_some() { "the route is disabled or not confirmed" } else { "the route was deleted" };
                let progress = given_up(progress, reason, self.parts.clock.now());
                until_stored("that an alert is given up", || self.note(one, &doc, &progress)).await;
                count_ended(progress.state);
                return Ok((QueueEnd::Failed, None));
            }
        };
        let outcome = self.send(&route, &doc).await;
        after(AlertStep::Try);
        self.finish(one, &route, &doc, progress, outcome).await
    }

    async fn finish(
        &self,
        one: &DeliveryRef,
        route: &RouteDoc,
        doc: &DeliveryDoc,
        progress: DeliveryProgress,
        outcome: TryOutcome,
    ) -> Result<(QueueEnd, Option<Timestamp>), StoreError> {
        let now = self.parts.clock.now();
        let is_first_failure = progress.tries.len() == progress.before;
        let (progress, route_pause) = after_try(doc, progress, &outcome, now);
        report(route, doc, &progress, &outcome);
        // From here on nothing may fail: whoever called would send once more.
        until_stored("what came of an alert", || self.note(one, doc, &progress)).await;
        count_ended(progress.state);
        if doc.edge != MessageEdge::Test && doc.began != Began::Asking {
            let health = self.health_after(doc, &outcome, is_first_failure, now).await;
            until_stored("a route's health", || self.store_health(doc, &health.0, now)).await;
            let reason = match outcome.verdict {
                TryVerdict::Gone(reason) => Some(reason),
                _ if health.1 => Some("nothing was taken for three days, and ten messages or more failed"),
                _ => None,
            };
            if let Some(reason) = reason {
                until_stored("that a route is disabled", || self.disable(doc, reason, now)).await;
            }
        }
        let slack_pause = matches!(route.target, RouteTarget::Slack { .. }).then(|| now.plus_millis(SLACK_PAUSE_MS));
        let end = match (progress.state, progress.next_try_at) {
            (DeliveryState::Waiting, Some(at)) => QueueEnd::Again(at),
            (DeliveryState::Sent, _) => QueueEnd::Sent,
            _ => QueueEnd::Failed,
        };
        Ok((end, route_pause.max(slack_pause)))
    }

    /// The body with what else is down, for people. Without it where that cannot be read.
    async fn body(&self, route: &RouteDoc, doc: &DeliveryDoc) -> String {
        if !names_others(&route.target, doc) {
            return doc.body.clone();
        }
        let settings = self.parts.settings.get(doc.team.text().as_str()).unwrap_or_default();
        with_others(&*self.parts.rows, doc, &settings.names).await.unwrap_or_else(|error| {
            tracing::debug!(kind = %error.kind(), %error, "what else is down cannot be read now");
            doc.body.clone()
        })
    }

    async fn send(&self, route: &RouteDoc, doc: &DeliveryDoc) -> TryOutcome {
        let body = self.body(route, doc).await;
        let (clock, began) = (&self.parts.clock, self.parts.clock.steady());
        let at = clock.now();
        let took_ms = || clock.steady().millis_since(began);
        if let RouteTarget::Email(mail) = &route.target {
            let Some(mailer) = &self.parts.mailer else {
                let error = Some("this deployment sends no mail: its SMTP server is not configured".to_owned());
                let one = DeliveryTry { at, status: None, error, answer: None, took_ms: 0 };
                return TryOutcome { verdict: TryVerdict::Refused, one };
            };
            let form = self.mail(route, doc, &body);
            let sent = mailer.send(&mail.to, &form, doc.id.text().as_str(), at).await;
            let one = DeliveryTry { at, status: sent.status, error: sent.error, answer: None, took_ms: took_ms() };
            return TryOutcome { verdict: sent.verdict, one };
        }
        let refused = |error: String| TryOutcome {
            verdict: TryVerdict::Refused,
            one: DeliveryTry { at, status: None, error: Some(error), answer: None, took_ms: 0 },
        };
        let request = alert_request(route, doc.id.text().as_str(), &body, &self.parts.user_agent, at);
        let Some(request) = request else { return refused("the stored message cannot be read".to_owned()) };
        let message = Message { url: request.url, headers: request.headers, body: Bytes::from(request.body) };
        match self.parts.client.send(&message).await {
            Ok(answer) => {
                let verdict = of_status(&route.target, answer.status, &answer.body, answer.retry_after);
                let error = (verdict != TryVerdict::Sent).then(|| format!("status {}", answer.status));
                let (status, answer) = (Some(answer.status), kept_answer(&route.target, &answer.body));
                TryOutcome { verdict, one: DeliveryTry { at, status, error, answer, took_ms: took_ms() } }
            }
            Err(error) => {
                let one =
                    DeliveryTry { at, status: None, error: Some(error.to_string()), answer: None, took_ms: took_ms() };
                TryOutcome { verdict: TryVerdict::Again { after: None, slows_route: false }, one }
            }
        }
    }

    fn mail(&self, route: &RouteDoc, doc: &DeliveryDoc, body: &str) -> MailForm {
        let naming = self.parts.outbox.naming();
        let RouteTarget::Email(mail) = &route.target else { return confirmation_form(&route.name, None, "") };
        let public_url = naming.public_url.as_deref();
        if doc.began == Began::Asking {
            let url = public_url.map(|public_url| confirm_url(public_url, mail)).unwrap_or_default();
            return confirmation_form(&route.name, naming.team(doc.team).as_deref(), &url);
        }
        match serde_json::from_str::<MessageBody>(body) {
            Ok(body) => mail_form(&body, mail, public_url),
            Err(_) => confirmation_form(&route.name, None, ""),
        }
    }

    fn route(&self, one: &DeliveryRef) -> Option<RouteDoc> {
        let settings = self.parts.settings.get(one.team.text().as_str())?;
        settings.routes.get(&one.route).cloned()
    }

    async fn stored(&self, one: &DeliveryRef) -> Result<Option<DeliveryDoc>, StoreError> {
        let found = self.parts.rows.get(&[delivery_key(one.id)]).await?.into_iter().next().flatten();
        found.map(|doc| read(&doc)).transpose()
    }

    /// Stores how far a message is, and then whether it still waits.
    async fn note(&self, one: &DeliveryRef, doc: &DeliveryDoc, progress: &DeliveryProgress) -> Result<(), StoreError> {
        let now = self.parts.clock.now();
        let key = timed_key(&DELIVERY_PROGRESS, &doc.route, doc.made_at, doc.id);
        self.parts.rows.put(Arc::new(vec![row(key, progress, progress.rank)?]), now).await?;
        match progress.next_try_at {
            None => self.leave(one, progress.rank).await,
            Some(due) => {
                let waits = Outstanding::Delivery(DeliveryRef { due: Some(due), ..one.clone() });
                self.parts.rows.put(Arc::new(vec![outbox_row(&waits, progress.rank)?]), now).await
            }
        }
    }

    /// It waits no more.
    async fn leave(&self, one: &DeliveryRef, rank: u64) -> Result<(), StoreError> {
        let now = self.parts.clock.now();
        let rank = rank.max(rank_at(now));
        let removed = RowWrite { key: outbox_key(one), rank, doc: None };
        self.parts.rows.put(Arc::new(vec![removed]), now).await
    }

    /// A route's health with this try, and whether it is to be disabled.
    async fn health_after(
        &self,
        doc: &DeliveryDoc,
        outcome: &TryOutcome,
        is_first_failure: bool,
        now: Timestamp,
    ) -> (RouteHealth, bool) {
        let known = self.health().get(&doc.route).cloned();
        let mut health = match known {
            Some(known) => known,
            // Where it cannot be read, it is taken for that of a new route.
            None => self.messages.health(doc.team, &doc.route).await.unwrap_or_default(),
        };
        let is_worn_out = match &outcome.verdict {
            TryVerdict::Sent => {
                health.succeeded(now);
                false
            }
            _ => health.failed(now, is_first_failure, outcome.one.error.as_deref().unwrap_or("it failed")),
        };
        self.health().insert(doc.route.clone(), health.clone());
        (health, is_worn_out)
    }

    async fn store_health(&self, doc: &DeliveryDoc, health: &RouteHealth, now: Timestamp) -> Result<(), StoreError> {
        let rank = rank_at(now);
        let write = row(health_key(doc.team, &doc.route), health, rank)?;
        self.parts.rows.put(Arc::new(vec![write]), now).await
    }

    fn health(&self) -> MutexGuard<'_, HashMap<SmolStr, RouteHealth>> {
        // A map insert cannot leave a map half changed.
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was known of a route before it was disabled does not count after it is enabled again.
    pub(super) fn forget_health(&self, route: &SmolStr) {
        self.health().insert(route.clone(), RouteHealth::default());
    }
}

/// Asks the store until it answers.
async fn until_stored<F: Future<Output = Result<(), StoreError>>>(what: &str, store: impl Fn() -> F) {
    while let Err(error) = store().await {
        tracing::warn!(kind = %error.kind(), %error, "{what} cannot be stored now");
        sleep(STORE_RETRY).await;
    }
}

/// Where a route's messages are posted.
fn alert_url(route: &RouteDoc) -> Option<String> {
    match &route.target {
        RouteTarget::Pagerduty { url: None, .. } => Some(tidegate_agentping_alerts::pagerduty::ENQUEUE_URL.to_owned()),
        target => target.url().map(|url| url.reveal().to_owned()),
    }
}

/// A test also goes to a route that is disabled, and the question to an address that has not confirmed.
fn may_send(route: &RouteDoc, doc: &DeliveryDoc) -> bool {
    match (doc.began, doc.edge) {
        (Began::Asking, _) => route.target.is_unconfirmed(),
        (_, MessageEdge::Test) => !route.target.is_unconfirmed(),
        _ => route.is_serving(),
    }
}

fn report(route: &RouteDoc, doc: &DeliveryDoc, progress: &DeliveryProgress, outcome: &TryOutcome) {
    let result = match progress.state {
        DeliveryState::Sent => "sent",
        DeliveryState::Waiting => "failed",
        _ if doc.edge == MessageEdge::Test => "test_failed",
        _ => "given_up",
    };
    let kind = route.target.kind();
    TRIES.with([("kind", kind), ("result", result)]).increment(1);
    let (error, status) = (outcome.one.error.as_deref(), outcome.one.status);
    let (team, tries) = (doc.team, progress.tries.len());
    if result == "given_up" {
        tracing::warn!(%team, route = %doc.route, delivery = %doc.id, kind, tries, status, error, "an alert is given up");
    } else {
        tracing::debug!(%team, route = %doc.route, delivery = %doc.id, kind, tries, status, error, result, "an alert was tried");
    }
}
