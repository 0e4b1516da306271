//! The sender of a partition: tries what is to be sent to receivers outside, and finds in the store what is not in memory.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidegate_kernel::command::{Decider, OwnerId};
use tidegate_kernel::{LogKey, Partition, SmolStr};
use tidegate_metric::Gauge;
use tidegate_ports::{Append, Clock, Deliveries, DeliveryWrite, SendProgress, SendState, StoreError, WaitingDelivery};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use crate::held::{HORIZON_MS, Held, HeldLimits, ToSend, TryEnd};
use crate::metrics::DELIVERIES_WAITING;
use crate::partition_shards::may_hold;
use crate::ports::DecidingPorts;
use crate::sending::{Sending, Tried, register};

/// The clock may be set meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often the store is asked for what is due and not in memory: below [`HORIZON_MS`](crate::held::HORIZON_MS), so that
/// nothing is tried late.
const SWEEP_EVERY_MS: u32 = 30_000;
/// How often it is read whole, finished deliveries too: a former owner of the partition may have stored something after the
/// assignment.
const READ_ALL_EVERY: Duration = Duration::from_secs(60 * 60);
const PAGE: usize = 200;
const READ_RETRY: Duration = Duration::from_secs(1);

/// Sends the deliveries of one assignment of a partition. Dropping it ends its tasks; a try that is cut off is repeated by
/// whoever is assigned next.
pub(crate) struct Sender {
    shared: Arc<Shared>,
    tasks: [AbortHandle; 2],
}

/// What both tasks of a sender know.
struct Shared {
    sending: Arc<Sending>,
    stored: Arc<dyn Deliveries>,
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
    offered: Notify,
    has_room: Notify,
    waiting: Mutex<Waiting>,
}

/// How many wait, as the last sweep counted them and what happened since.
struct Waiting {
    count: f64,
    gauge: Gauge,
}

impl Sender {
    pub fn start<D: Decider>(
        sending: &Arc<Sending>,
        partition: Partition,
        partitions: u32,
        ports: &DecidingPorts,
        append: Arc<dyn Append>,
    ) -> Self {
        register(D::API);
        let shared = Arc::new(Shared {
            sending: sending.clone(),
            stored: ports.deliveries.clone(),
            clock: ports.clock.clone(),
            held: Mutex::new(Held::new(HeldLimits::USUAL)),
            offered: Notify::new(),
            has_room: Notify::new(),
            waiting: Mutex::new(Waiting { count: 0.0, gauge: DELIVERIES_WAITING.with([("api", D::API)]) }),
        });
        let trying = tokio::spawn(try_all(shared.clone(), D::API)).abort_handle();
        let sweeping = tokio::spawn(sweep_always::<D>(shared.clone(), partition, partitions, append)).abort_handle();
        Sender { shared, tasks: [trying, sweeping] }
    }

    /// Deliveries were stored just now.
    pub fn offer(&self, writes: &[DeliveryWrite]) {
        if writes.is_empty() {
            return;
        }
        let (now, shared) = (self.shared.clock.now(), &self.shared);
        for DeliveryWrite { owner, delivery, .. } in writes {
            let queue = shared.sending.compose().queue(delivery);
            let one = ToSend { owner: *owner, delivery: delivery.clone(), tries: 0, noted_at: None, queue };
            shared.held().offer(one, now, now);
        }
        shared.waiting().add(writes.len() as f64);
        shared.offered.notify_one();
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        self.shared.waiting().set(0.0);
    }
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, Held> {
        // Nothing under the lock panics.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing under the lock panics.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self, one: &ToSend, Tried { progress, rest_until }: &Tried) {
        let end = match progress.state {
            SendState::Retry(at) => TryEnd::Again(at),
            SendState::Sent | SendState::Dropped => TryEnd::Finished { well: true },
            SendState::GivenUp => TryEnd::Finished { well: false },
        };
        if progress.state.is_finished() {
            self.waiting().add(-1.0);
        }
        let mut held = self.held();
        if let Some(until) = rest_until {
            held.rest(&one.queue, *until);
        }
        if held.ended(&one.delivery.id, (progress.tries, progress.at), end, self.clock.now()) {
            self.has_room.notify_one();
        }
    }
}

impl Waiting {
    fn set(&mut self, count: f64) {
        self.gauge.increment(count - self.count);
        self.count = count;
    }

    fn add(&mut self, more: f64) {
        // What is finished twice counts twice, until the next sweep counts anew.
        self.set((self.count + more).max(0.0));
    }
}

/// Gives back the place of a try that panics: it is repeated in a while.
struct BrokenOff {
    shared: Arc<Shared>,
    one: ToSend,
}

impl Drop for BrokenOff {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let ToSend { delivery, tries, noted_at, .. } = &self.one;
            let now = self.shared.clock.now();
            let again = TryEnd::Again(now.plus_millis(HORIZON_MS));
            self.shared.held().ended(&delivery.id, (*tries, noted_at.unwrap_or(now)), again, now);
        }
    }
}

/// Tries what is due. If it is dropped, so are the tries in progress.
async fn try_all(shared: Arc<Shared>, api: &'static str) {
    let mut tries = JoinSet::new();
    loop {
        let now = shared.clock.now();
        let (ready, next_at) = {
            let mut held = shared.held();
            (held.take(now), held.next_at())
        };
        for one in ready {
            let shared = shared.clone();
            tries.spawn(async move {
                let _broken_off = BrokenOff { shared: shared.clone(), one: one.clone() };
                let tried = shared.sending.attempt(&one, api, &*shared.stored, &*shared.clock).await;
                shared.ended(&one, &tried);
            });
        }
        let pause = next_at.map_or(LOOK_EVERY, |at| Duration::from_millis(at.millis_since(now)).min(LOOK_EVERY));
        tokio::select! {
            Some(_) = tries.join_next() => {}
            () = sleep(pause) => {}
            () = shared.offered.notified() => {}
        }
    }
}

/// Asks the store for what is not in memory: at once for everything, and then every so often, or when what was left out has
/// room, for what is known to wait.
async fn sweep_always<D: Decider>(shared: Arc<Shared>, partition: Partition, partitions: u32, append: Arc<dyn Append>) {
    let mut read_all = None;
    loop {
        let began = Instant::now();
        let reads_all = read_all.is_none_or(|at: Instant| at.elapsed() >= READ_ALL_EVERY);
        let wanted = shared.held().sweep_begins(shared.clock.now(), reads_all);
        let (mut count, is_whole) = (0, wanted.is_none());
        match wanted {
            None => {
                for shard in (0..LogKey::SHARDS).filter(|shard| may_hold(*shard, partition, partitions)) {
                    count += sweep::<D>(&shared, shard, |owner| append.partition_of(owner) == partition).await;
                }
                read_all = Some(began);
            }
            Some(shards) => {
                for (shard, ids) in shards {
                    for ids in ids.chunks(PAGE) {
                        look_up::<D>(&shared, shard, ids).await;
                    }
                }
            }
        }
        let known = shared.held().known().or(is_whole.then_some(count));
        if let Some(count) = known {
            shared.waiting().set(count as f64);
        }
        // A large store is not read all the time.
        sleep(READ_RETRY.max(began.elapsed() * 2)).await;
        until_swept_again(&shared, began).await;
    }
}

/// Waits until the next sweep is due, or what was left out has room. The deliveries are due by the clock that people set,
/// which also goes on while the machine sleeps, so whichever clock is ahead counts.
async fn until_swept_again(shared: &Shared, began: Instant) {
    let due_at = shared.clock.now().plus_millis(SWEEP_EVERY_MS.into());
    while began.elapsed() < Duration::from_millis(SWEEP_EVERY_MS.into()) && shared.clock.now() < due_at {
        if timeout(LOOK_EVERY, shared.has_room.notified()).await.is_ok() {
            break;
        }
    }
}

/// Offers what waits in one shard. Returns how much there is.
async fn sweep<D: Decider>(shared: &Shared, shard: u16, is_mine: impl Fn(LogKey) -> bool) -> usize {
    let (mut after, mut count) = (None, 0);
    loop {
        let page = read(shared, shard, || shared.stored.waiting(shard, after.clone(), PAGE)).await;
        let is_last = page.len() < PAGE;
        after = page.last().map(|one| one.delivery.id.clone());
        count += offer::<D>(shared, page, &is_mine);
        if is_last {
            return count;
        }
    }
}

/// Offers these deliveries, as far as they still wait.
async fn look_up<D: Decider>(shared: &Shared, shard: u16, ids: &[SmolStr]) {
    let found = read(shared, shard, || shared.stored.named(shard, ids)).await;
    let there: HashSet<SmolStr> = found.iter().map(|one| one.delivery.id.clone()).collect();
    ids.iter().filter(|id| !there.contains(*id)).for_each(|id| shared.held().gone(id));
    // Their ids came from this partition.
    offer::<D>(shared, found, &|_| true);
}

/// Asks the store until it answers. What ends meanwhile is not taken from the answer.
async fn read<F>(shared: &Shared, shard: u16, ask: impl Fn() -> F) -> Vec<WaitingDelivery>
where
    F: Future<Output = Result<Vec<WaitingDelivery>, StoreError>>,
{
    loop {
        shared.held().page_begins();
        match ask().await {
            Ok(page) => return page,
            Err(error) => {
                tracing::warn!(shard, kind = %error.kind(), %error, "deliveries cannot be read");
                sleep(READ_RETRY).await;
            }
        }
    }
}

/// Offers what was read of this partition. Returns how much that is.
fn offer<D: Decider>(shared: &Shared, page: Vec<WaitingDelivery>, is_mine: &impl Fn(LogKey) -> bool) -> usize {
    let (now, mut count) = (shared.clock.now(), 0);
    for WaitingDelivery { owner, delivery, progress } in page {
        let Ok(owner) = owner.parse::<D::Owner>() else {
            tracing::error!(%owner, "a delivery is of no owner of this product");
            continue;
        };
        if !is_mine(owner.log_key()) {
            continue;
        }
        count += 1;
        let (tries, due, noted_at) = match progress {
            Some(SendProgress { tries, state: SendState::Retry(due), at, .. }) => (tries, due, Some(at)),
            _ => (0, now, None),
        };
        let queue = shared.sending.compose().queue(&delivery);
        shared.held().offer(ToSend { owner: owner.log_key(), delivery, tries, noted_at, queue }, due, now);
    }
    shared.held().page_ends();
    shared.offered.notify_one();
    count
}
