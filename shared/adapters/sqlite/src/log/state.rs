//! What the writer, the consumers and housekeeping share: ends, tails, groups. It only ever shows what is on disk.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_inproc::membership::Membership;
use tidegate_kernel::Partition;
use tidegate_ports::{Clock, LogError};
use tokio::sync::watch;

use super::options::LogOptions;
use super::schema::Bounds;
use super::tail::Tail;

pub(super) struct Shared {
    pub options: LogOptions,
    pub partitions: u32,
    pub clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Changes when there is something new to read or to react to, or the log is closing.
    pub changed: watch::Sender<()>,
    closing: AtomicBool,
    /// Bytes written since the last checkpoint, about.
    pub unfolded_bytes: AtomicU64,
}

pub(super) struct State {
    pub lanes: Vec<PartitionState>,
    pub groups: HashMap<String, Group>,
}

pub(super) struct PartitionState {
    /// The first offset still kept.
    pub first_offset: i64,
    pub tail: Tail,
}

pub(super) struct Group {
    pub membership: Membership,
    /// The offset to read next, per partition, as on disk.
    pub committed: Vec<i64>,
}

impl Shared {
    pub fn new(
        options: LogOptions,
        clock: Arc<dyn Clock>,
        bounds: &[Bounds],
        commits: HashMap<String, Vec<i64>>,
    ) -> Self {
        let partitions = bounds.len() as u32;
        let tail_bytes = options.tail_bytes / bounds.len().max(1);
        let lane =
            |bounds: &Bounds| PartitionState { first_offset: bounds.first, tail: Tail::new(bounds.end, tail_bytes) };
        let group = |(name, committed)| (name, Group::new(partitions, committed, &options));
        let state =
            State { lanes: bounds.iter().map(lane).collect(), groups: commits.into_iter().map(group).collect() };
        Shared {
            options,
            partitions,
            clock,
            state: Mutex::new(state),
            changed: watch::Sender::new(()),
            closing: AtomicBool::new(false),
            unfolded_bytes: AtomicU64::new(0),
        }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the state as the last whole batch left it or a prefix of it: readable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn begin_closing(&self) {
        self.closing.store(true, Ordering::Release);
        self.changed.send_replace(());
    }

    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }
}

impl State {
    /// The offset below which every known group is done; `None` while no group is known, for then nothing is.
    pub fn applied_below(&self, partition: Partition) -> Option<i64> {
        self.groups.values().filter_map(|group| group.committed.get(partition as usize).copied()).min()
    }
}

impl Group {
    pub fn new(partitions: u32, committed: Vec<i64>, options: &LogOptions) -> Self {
        Group { membership: Membership::new(partitions, options.revocation_deadline), committed }
    }
}

/// The error of every call on a closed log.
pub(super) fn closed() -> LogError {
    LogError::Unavailable("it is closed".into())
}
