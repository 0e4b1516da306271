//! The deliveries of one partition that are in memory, and which of them is tried next. Pure.
//!
//! The store is the truth: what does not fit here is left there, and found by the next sweep.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use tidegate_kernel::command::Delivery;
use tidegate_kernel::{LogKey, SmolStr, Timestamp};

use crate::waiting_index::WaitingIndex;

/// What is tried again later than this is left to the store until then.
pub(crate) const HORIZON_MS: i64 = 60_000;
/// What a delivery takes apart from its body.
const OVERHEAD_BYTES: usize = 512;

/// Bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeldLimits {
    pub deliveries: usize,
    pub bytes: usize,
    /// Deliveries of one owner, so that its receivers leave room for others'.
    pub of_owner: usize,
    /// Deliveries of one queue.
    pub of_queue: usize,
    /// Tries of one queue in progress at once.
    pub at_once: usize,
    /// The same while its tries fail.
    pub at_once_failing: usize,
    /// Deliveries whose ids are known, those that are not held too.
    pub known: usize,
}

impl HeldLimits {
    pub const USUAL: HeldLimits = HeldLimits {
        deliveries: 4_096,
        bytes: 32 << 20,
        of_owner: 512,
        of_queue: 64,
        at_once: 8,
        at_once_failing: 2,
        known: 50_000,
    };
}

/// A delivery of an owner, and how often it was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ToSend {
    pub owner: LogKey,
    pub delivery: Delivery,
    pub tries: u32,
    /// When its progress was last noted.
    pub noted_at: Option<Timestamp>,
    pub queue: SmolStr,
}

/// How a try ended, as far as the next one depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TryEnd {
    /// Nothing more is tried.
    Finished {
        well: bool,
    },
    Again(Timestamp),
}

#[derive(Default)]
struct Queue {
    held: usize,
    under_way: usize,
    is_failing: bool,
    /// Due, and waiting for a try of the queue to end.
    waiting: VecDeque<SmolStr>,
    is_left_out: bool,
    /// Its receiver asked to be left alone until then.
    rests_until: Option<Timestamp>,
}

#[derive(Default)]
struct Share {
    held: usize,
    is_left_out: bool,
}

/// The deliveries held of one partition.
pub(crate) struct Held {
    limits: HeldLimits,
    deliveries: HashMap<SmolStr, ToSend>,
    bytes: usize,
    /// By when the next try is due.
    timed: BTreeSet<(Timestamp, SmolStr)>,
    queues: HashMap<SmolStr, Queue>,
    owners: HashMap<LogKey, Share>,
    is_left_out: bool,
    /// Finished or put off since the page was asked for that is being read: it may say otherwise.
    since_page: Option<HashSet<SmolStr>>,
    index: WaitingIndex,
}

impl Held {
    pub fn new(limits: HeldLimits) -> Self {
        Held {
            limits,
            deliveries: HashMap::new(),
            bytes: 0,
            timed: BTreeSet::new(),
            queues: HashMap::new(),
            owners: HashMap::new(),
            is_left_out: false,
            since_page: None,
            index: WaitingIndex::new(limits.known),
        }
    }

    /// A page of the store is asked for.
    pub fn page_begins(&mut self) {
        self.since_page = Some(HashSet::new());
    }

    /// Every delivery of the page was offered.
    pub fn page_ends(&mut self) {
        self.since_page = None;
    }

    /// A sweep begins: it will find what was left out. Returns what it asks the store for, by shard; `None`: for everything.
    pub fn sweep_begins(&mut self, now: Timestamp, reads_all: bool) -> Option<BTreeMap<u16, Vec<SmolStr>>> {
        self.is_left_out = false;
        self.queues.values_mut().for_each(|queue| queue.is_left_out = false);
        self.queues.retain(|_, queue| !queue.is_idle(now));
        self.owners.retain(|_, share| share.held > 0);
        self.owners.values_mut().for_each(|share| share.is_left_out = false);
        if reads_all || !self.index.is_whole() {
            self.index.reading_begins();
            return None;
        }
        Some(self.index.due(now.plus_millis(HORIZON_MS), |id| !self.deliveries.contains_key(id)))
    }

    /// The store does not have it any more as something that waits.
    pub fn gone(&mut self, id: &SmolStr) {
        self.index.remove(id);
    }

    /// How many deliveries wait, as far as their ids are known; `None`: there are more.
    pub fn known(&self) -> Option<usize> {
        self.index.is_whole().then(|| self.index.len())
    }

    /// Nothing of this queue is tried before then.
    pub fn rest(&mut self, queue: &SmolStr, until: Timestamp) {
        if let Some(queue) = self.queues.get_mut(queue) {
            queue.rests_until = queue.rests_until.max(Some(until));
        }
    }

    /// Takes a delivery in whose next try is due then, unless it is known, due late, or there is no room.
    pub fn offer(&mut self, one: ToSend, due: Timestamp, now: Timestamp) {
        let id = &one.delivery.id;
        let is_stale = self.since_page.as_ref().is_some_and(|since| since.contains(id));
        if is_stale {
            return;
        }
        self.index.note(id, one.owner.shard(), due);
        if self.deliveries.contains_key(id) || due > now.plus_millis(HORIZON_MS) {
            return;
        }
        let bytes = one.delivery.body.len() + OVERHEAD_BYTES;
        let fits = self.bytes + bytes <= self.limits.bytes || self.deliveries.is_empty();
        if !fits || self.deliveries.len() >= self.limits.deliveries {
            self.is_left_out = true;
            return;
        }
        let share = self.owners.entry(one.owner).or_default();
        if share.held >= self.limits.of_owner {
            share.is_left_out = true;
            return;
        }
        let queue = self.queues.entry(one.queue.clone()).or_default();
        if queue.held >= self.limits.of_queue {
            queue.is_left_out = true;
            return;
        }
        share.held += 1;
        queue.held += 1;
        self.bytes += bytes;
        self.timed.insert((due, id.clone()));
        self.deliveries.insert(id.clone(), one);
    }

    /// What is to be tried now. Each is in progress until [`Held::ended`].
    pub fn take(&mut self, now: Timestamp) -> Vec<ToSend> {
        let mut taken = Vec::new();
        while let Some((due, id)) = self.timed.pop_first() {
            if due > now {
                self.timed.insert((due, id));
                break;
            }
            let Some(one) = self.deliveries.get(&id) else { continue };
            let queue = self.queues.entry(one.queue.clone()).or_default();
            if let Some(until) = queue.rests_until.filter(|until| *until > now) {
                self.timed.insert((until, id));
            } else if queue.under_way < self.limits.at_once_of(queue) {
                queue.under_way += 1;
                taken.push(one.clone());
            } else {
                queue.waiting.push_back(id);
            }
        }
        taken
    }

    /// A try has ended. `noted`: the tries with this one, and when that was noted. Returns whether a sweep would find what
    /// now has room.
    pub fn ended(&mut self, id: &SmolStr, noted: (u32, Timestamp), end: TryEnd, now: Timestamp) -> bool {
        let Some(one) = self.deliveries.get_mut(id) else { return false };
        (one.tries, one.noted_at) = (noted.0, Some(noted.1));
        let (name, owner) = (one.queue.clone(), one.owner);
        let again = match end {
            TryEnd::Again(at) if at <= now.plus_millis(HORIZON_MS) => Some(at),
            TryEnd::Again(_) | TryEnd::Finished { .. } => None,
        };
        match end {
            TryEnd::Again(at) => self.index.note(id, owner.shard(), at),
            TryEnd::Finished { .. } => self.index.remove(id),
        }
        match again {
            Some(at) => {
                self.timed.insert((at, id.clone()));
            }
            None => self.forget(id),
        }
        let Some(queue) = self.queues.get_mut(&name) else { return false };
        queue.under_way -= 1;
        queue.is_failing = !matches!(end, TryEnd::Finished { well: true });
        let free = self.limits.at_once_of(queue).saturating_sub(queue.under_way);
        for id in queue.waiting.drain(..free.min(queue.waiting.len())) {
            self.timed.insert((now, id));
        }
        let of_queue = queue.is_left_out && queue.held < self.limits.at_once;
        if queue.is_idle(now) {
            self.queues.remove(&name);
        }
        let half = self.limits.of_owner / 2;
        let of_owner = self.owners.get(&owner).is_some_and(|share| share.is_left_out && share.held <= half);
        of_queue || of_owner || self.is_left_out && self.deliveries.len() <= self.limits.deliveries / 2
    }

    /// When the next try is due.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.timed.first().map(|(at, _)| *at)
    }

    fn forget(&mut self, id: &SmolStr) {
        if let Some(one) = self.deliveries.remove(id) {
            self.bytes -= one.delivery.body.len() + OVERHEAD_BYTES;
            if let Some(queue) = self.queues.get_mut(&one.queue) {
                queue.held -= 1;
            }
            if let Some(share) = self.owners.get_mut(&one.owner) {
                share.held -= 1;
                if share.held == 0 && !share.is_left_out {
                    self.owners.remove(&one.owner);
                }
            }
        }
        if let Some(since) = &mut self.since_page {
            since.insert(id.clone());
        }
    }
}

impl Queue {
    /// Nothing of it needs to be known.
    fn is_idle(&self, now: Timestamp) -> bool {
        self.held == 0 && !self.is_left_out && self.rests_until.is_none_or(|until| until <= now)
    }
}

impl HeldLimits {
    const fn at_once_of(&self, queue: &Queue) -> usize {
        if queue.is_failing { self.at_once_failing } else { self.at_once }
    }
}

#[cfg(test)]
mod tests;
