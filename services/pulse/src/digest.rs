//! Digests of mail routes: once a period is judged, what it had is stored as a message, or nothing if it had nothing.
//!
//! The message's id follows from team, route and the end of the period. Two processes that make it store one, and one
//! that starts again finds what was stored; what it lacks to be sent is stored then.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Map;
use tidegate_agentping::TeamId;
use tidegate_agentping_alerts::digest::{digest_event, digest_id, further_digest_id};
use tidegate_agentping_alerts::outbox::read;
use tidegate_agentping_alerts::rows::delivery_key;
use tidegate_agentping_alerts::{AlertOutbox, DeliveryDoc, Messages};
use tidegate_agentping_pulse::DeliveryId;
use tidegate_agentping_settings::{DigestSpan, RouteDigest, RouteDoc, RouteTarget, TeamSettings};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_lifecycle::Stop;
use tidegate_mirror::Mirror;
use tidegate_ports::{Rows, StoreError};
use tokio::sync::watch;

mod facts;

use facts::PeriodFacts;

use crate::judge::JudgedTo;
use crate::metrics::ROUND_FAILURES;

/// Checks are judged so long after the end of their run.
const CHECKS_AFTER_MS: i64 = 60_000;
/// Routes that are known to have their digest. Beyond it all are forgotten, and looked up again.
const MOST_KNOWN: usize = 100_000;

/// Makes digests.
pub struct DigestKeeper {
    rows: Arc<dyn Rows>,
    settings: Mirror<TeamSettings>,
    outbox: AlertOutbox,
    /// Of each route: the digest that it asked for, and before when there is none to make.
    done: HashMap<SmolStr, (RouteDigest, Timestamp)>,
}

/// The part of a process that makes them. It has a task of its own, so that one with much to say delays nothing.
pub struct DigestRole {
    pub keeper: DigestKeeper,
    /// How far slots, spend and checks are judged.
    pub judged: watch::Receiver<JudgedTo>,
}

impl DigestRole {
    /// Goes on until stopped. What fails is tried again with the next move of the watermark.
    pub async fn run(mut self, stop: Stop) {
        let failures = ROUND_FAILURES.with([("what", "digests")]);
        failures.increment(0);
        let following = async {
            while self.judged.changed().await.is_ok() {
                let judged = *self.judged.borrow_and_update();
                if let Err(error) = self.keeper.round(judged).await {
                    tracing::warn!(kind = %error.kind(), %error, "a digest could not be made; trying again");
                    failures.increment(1);
                }
            }
            // What it follows has been stopped before it.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = following => {}
            () = stop.stopped() => {}
        }
    }
}

/// What a digest is made of.
struct Wanted<'r> {
    team: TeamId,
    settings: &'r TeamSettings,
    id: &'r SmolStr,
    digest: &'r RouteDigest,
    span: DigestSpan,
}

impl DigestKeeper {
    pub fn new(rows: Arc<dyn Rows>, settings: Mirror<TeamSettings>, outbox: AlertOutbox) -> Self {
        DigestKeeper { rows, settings, outbox, done: HashMap::new() }
    }

    /// Makes the digests of periods that are judged by now: each once, of the last period alone.
    ///
    /// # Errors
    /// [`StoreError`], after the others are made; the next round makes those that are missing.
    pub async fn round(&mut self, judged: JudgedTo) -> Result<(), StoreError> {
        let judged_to = judged.slots.min(judged.watermark.plus_millis(-CHECKS_AFTER_MS));
        if self.done.len() > MOST_KNOWN {
            self.done.clear();
        }
        let mut failed = None;
        for (space, settings) in self.settings.all() {
            let Ok(team) = TeamId::parse(&space) else { continue };
            for (id, route) in &settings.routes {
                let Some(digest) = asked_for(route).filter(|digest| !self.is_done(id, digest, judged_to)) else {
                    continue;
                };
                let Some(span) = digest.last_span(judged_to) else { continue };
                let next = span.to.plus_millis(digest.every.shortest_ms());
                if span.to > digest.since
                    && let Err(error) = self.make(&Wanted { team, settings: &settings, id, digest, span }).await
                {
                    failed = Some(error);
                    continue;
                }
                self.done.insert(id.clone(), (digest.clone(), next));
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn is_done(&self, id: &SmolStr, digest: &RouteDigest, judged_to: Timestamp) -> bool {
        self.done.get(id).is_some_and(|(done, next)| done == digest && judged_to < *next)
    }

    async fn make(&self, wanted: &Wanted<'_>) -> Result<(), StoreError> {
        let Wanted { team, id, digest, span, .. } = *wanted;
        let (delivery, is_stored) = self.identified(wanted).await?;
        // Whoever stored it may have ended before it was put among what is to be sent.
        let data = match is_stored {
            true => Map::new(),
            false => {
                let found = PeriodFacts { rows: &*self.rows, messages: &Messages::new(self.rows.clone()), wanted };
                let facts = found.read().await?;
                if facts.is_empty() {
                    return Ok(());
                }
                facts.data(digest, span)
            }
        };
        self.outbox.put(&[digest_event(team, (id, delivery), span, data)]).await
    }

    /// The id of the message, and whether it is stored.
    async fn identified(&self, wanted: &Wanted<'_>) -> Result<(DeliveryId, bool), StoreError> {
        let Wanted { team, id, span, .. } = *wanted;
        let by_day = digest_id(team, id, span);
        match self.stored(by_day).await? {
            None => Ok((by_day, false)),
            Some(doc) if doc.timestamp == span.to => Ok((by_day, true)),
            // The day has a digest of another period.
            Some(_) => {
                let further = further_digest_id(team, id, span);
                Ok((further, self.stored(further).await?.is_some()))
            }
        }
    }

    async fn stored(&self, delivery: DeliveryId) -> Result<Option<DeliveryDoc>, StoreError> {
        let found = self.rows.get(&[delivery_key(delivery)]).await?;
        found.into_iter().next().flatten().map(|doc| read(&doc)).transpose()
    }
}

/// The digest of a route that mails can be sent to.
fn asked_for(route: &RouteDoc) -> Option<&RouteDigest> {
    let digest = route.digest.as_ref()?;
    (route.is_serving() && matches!(route.target, RouteTarget::Email(_))).then_some(digest)
}
