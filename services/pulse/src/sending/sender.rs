//! The sender's tasks: it looks for what waits, tries what is due, and ends mutes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidegate_agentping_alerts::{DeliveryDoc, DeliveryRef, WithheldWhat};
use tidegate_kernel::Timestamp;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::SendingParts;
use super::attempt::Attempts;
use super::metrics::{WAITING, WITHHELD, register};
use super::queue::{Queue, QueueEnd, QueueLimits, Ready};
use super::sweeping::{everything, recent, withheld};

/// The clock may be set meanwhile, and others may store what is to be sent.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often everything that waits is read.
const SWEEP_EVERY: Duration = Duration::from_secs(1_800);
const UNMUTE_EVERY: Duration = Duration::from_secs(1);
const RETRY_MS: i64 = 1_000;

/// Sends alerts. Several at once are harmless: a message may then be sent twice, with the same id.
pub struct AlertSender {
    shared: Arc<Shared>,
}

struct Shared {
    attempts: Arc<Attempts>,
    queue: Mutex<Queue>,
    wake: Arc<Notify>,
    offered: Notify,
}

impl AlertSender {
    /// `wake` is notified after something was stored that is to be sent: see [`AlertOutbox::with_wake`].
    ///
    /// [`AlertOutbox::with_wake`]: tidegate_agentping_alerts::AlertOutbox::with_wake
    pub fn new(parts: SendingParts, wake: Arc<Notify>) -> Self {
        register();
        let queue = Mutex::new(Queue::new(QueueLimits::USUAL));
        AlertSender { shared: Arc::new(Shared { attempts: Attempts::new(parts), queue, wake, offered: Notify::new() }) }
    }

    /// Sends until `shutdown` completes. Tries in progress are cut off then: whoever sends next repeats them.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let shared = self.shared;
        tokio::select! {
            () = shutdown => {}
            () = shared.look() => {}
            () = shared.clone().try_all() => {}
            () = shared.unmute_always() => {}
        }
        WAITING.handle().set(0.0);
        WITHHELD.handle().set(0.0);
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing under the lock panics.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.attempts.parts.clock.now()
    }

    /// Finds what waits: everything at first, and then what is new.
    async fn look(&self) {
        let rows = self.attempts.parts.rows.clone();
        let mut sweep_at = Instant::now();
        // As of which instant everything was found; the clock may be moved by hours.
        let mut looked_at = self.now();
        loop {
            let now = self.now();
            let is_whole = Instant::now() >= sweep_at || self.queue().has_room_for_more();
            let mut read = Vec::new();
            let offer = |one| read.push(one);
            let found = if is_whole {
                self.queue().sweep_begins();
                everything(&*rows, now, offer).await
            } else {
                recent(&*rows, (looked_at, now), offer).await
            };
            {
                // In one step: what stands behind another message comes in with it.
                let mut queue = self.queue();
                read.into_iter().for_each(|one| queue.offer(one));
            }
            match found {
                Ok(()) => {
                    looked_at = now;
                    if is_whole {
                        sweep_at = Instant::now() + SWEEP_EVERY;
                    }
                }
                Err(error) => tracing::warn!(kind = %error.kind(), %error, "alerts that wait cannot be read now"),
            }
            self.offered.notify_one();
            _ = timeout(LOOK_EVERY, self.wake.notified()).await;
        }
    }

    /// Does what is due. If it is dropped, so are the tries in progress.
    async fn try_all(self: Arc<Self>) {
        let mut tries = JoinSet::new();
        loop {
            let now = self.now();
            let (ready, next_at, count) = {
                let mut queue = self.queue();
                (queue.take(now, |one| self.attempts.is_single(one)), queue.next_at(), queue.len())
            };
            WAITING.handle().set(count as f64);
            for one in ready {
                let shared = self.clone();
                match one {
                    Ready::Try(one) => tries.spawn(async move { shared.attempt(one).await }),
                    Ready::Release(docs) => tries.spawn(async move { shared.release(docs).await }),
                };
            }
            let pause = next_at.map_or(LOOK_EVERY, |at| Duration::from_millis(at.millis_since(now)).min(LOOK_EVERY));
            tokio::select! {
                Some(_) = tries.join_next() => {}
                () = sleep(pause.max(Duration::from_millis(5))) => {}
                () = self.offered.notified() => {}
            }
        }
    }

    async fn attempt(&self, one: DeliveryRef) {
        let _broken_off = BrokenOff { shared: self, one: &one };
        let (end, pause) = self.attempts.attempt(&one).await;
        self.queue().ended(one.id, end, pause);
    }

    async fn release(&self, docs: Vec<DeliveryDoc>) {
        let ids: Vec<_> = docs.iter().map(|doc| doc.id).collect();
        match self.attempts.parts.outbox.release(docs).await {
            Ok(became) => {
                self.queue().released(ids, became);
                self.offered.notify_one();
            }
            Err(error) => {
                tracing::warn!(kind = %error.kind(), %error, "alerts cannot be stored now");
                self.queue().not_released(ids, self.now().plus_millis(RETRY_MS));
            }
        }
    }

    /// Ends what waits for the end of a mute.
    async fn unmute_always(&self) {
        loop {
            sleep(UNMUTE_EVERY).await;
            if let Err(error) = self.unmute().await {
                tracing::warn!(kind = %error.kind(), %error, "what was muted cannot be read or sent now");
            }
        }
    }

    async fn unmute(&self) -> Result<(), tidegate_ports::StoreError> {
        let parts = &self.attempts.parts;
        let now = self.now();
        let withheld = withheld(&*parts.rows).await?;
        let messages = withheld.iter().filter(|one| matches!(one.what, WithheldWhat::Message(_)));
        WITHHELD.handle().set(messages.count() as f64);
        for one in withheld {
            if !parts.outbox.is_withheld(&one, now) {
                parts.outbox.unmute(&one).await?;
                self.wake.notify_one();
            }
        }
        Ok(())
    }
}

/// Gives back the place of a try that panics: it is repeated in a while.
struct BrokenOff<'t> {
    shared: &'t Shared,
    one: &'t DeliveryRef,
}

impl Drop for BrokenOff<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let again = self.shared.now().plus_millis(60 * RETRY_MS);
            self.shared.queue().ended(self.one.id, QueueEnd::Again(again), None);
        }
    }
}
