//! Reading the log up to where it ended at one moment: a consumer that returns no record from beyond that end, and
//! reports when all records before it are committed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tidegate_kernel::{Committable, Partition, PartitionEpoch};
use tidegate_ports::{Consume, Consumed, LogError, Polled};
use tokio::sync::watch;

/// What a partition held at that moment: the offsets from `first` up to, not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub first: i64,
    pub end: i64,
}

impl Span {
    const fn records(self) -> u64 {
        if self.end > self.first { self.end.abs_diff(self.first) } else { 0 }
    }
}

/// How far the reading is. Cheap to clone.
#[derive(Clone)]
pub struct Reach {
    total: u64,
    done: Arc<AtomicU64>,
    whole: watch::Receiver<bool>,
}

impl Reach {
    /// Records to be read.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Records read and applied.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Resolves once every partition was read and committed up to its end.
    pub async fn whole(&self) {
        let mut whole = self.whole.clone();
        if whole.wait_for(|whole| *whole).await.is_err() {
            // The consumer is gone, so there will never be more.
            std::future::pending::<()>().await;
        }
    }

    /// Whether every partition was read and committed up to its end already.
    pub fn is_whole(&self) -> bool {
        *self.whole.borrow()
    }
}

/// A consumer that stops at the ends.
pub struct UpTo {
    inner: Box<dyn Consume>,
    /// The partitions that are not whole yet.
    left: BTreeMap<Partition, Left>,
    done: Arc<AtomicU64>,
    whole: watch::Sender<bool>,
}

/// One partition that is not whole yet.
#[derive(Clone, Copy, Debug)]
struct Left {
    end: i64,
    /// One past the last offset committed.
    committed: i64,
    /// One past the last offset given out.
    given: i64,
}

impl UpTo {
    pub fn new(inner: Box<dyn Consume>, spans: &BTreeMap<Partition, Span>) -> (Self, Reach) {
        let filled = spans.iter().filter(|(_, span)| span.records() > 0);
        let left = |span: &Span| Left { end: span.end, committed: span.first, given: span.first };
        let left: BTreeMap<_, _> = filled.map(|(partition, span)| (*partition, left(span))).collect();
        let total = spans.values().map(|span| span.records()).sum();
        let (whole, seen) = watch::channel(left.is_empty());
        let done = Arc::new(AtomicU64::new(0));
        let reach = Reach { total, done: done.clone(), whole: seen };
        (UpTo { inner, left, done, whole }, reach)
    }

    /// The records up to the partition's end. Records beyond it show that the end was reached.
    fn take(&mut self, from: PartitionEpoch, mut records: Vec<Consumed>) -> Vec<Consumed> {
        let Some(left) = self.left.get_mut(&from.partition) else {
            self.inner.pause(from, true);
            return Vec::new();
        };
        let ours = records.partition_point(|record| record.position.offset < left.end);
        let beyond = ours < records.len();
        records.truncate(ours);
        left.given = records.last().map_or(left.given, |last| last.position.offset + 1);
        if beyond {
            // Offsets up to the end that were not given are not on the log any more.
            left.end = left.given;
            let committed = left.committed;
            self.inner.pause(from, true);
            self.reached(from.partition, committed);
        }
        records
    }

    /// Everything before `next` is applied and committed.
    fn reached(&mut self, partition: Partition, next: i64) {
        let Some(left) = self.left.get_mut(&partition) else { return };
        if next > left.committed {
            self.done.fetch_add(next.min(left.end).abs_diff(left.committed), Ordering::Relaxed);
            left.committed = next;
        }
        if left.committed >= left.end {
            self.left.remove(&partition);
        }
        if self.left.is_empty() {
            self.whole.send_replace(true);
        }
    }
}

#[async_trait]
impl Consume for UpTo {
    async fn poll(&mut self, max_bytes: usize, wait: Duration) -> Result<Polled, LogError> {
        Ok(match self.inner.poll(max_bytes, wait).await? {
            Polled::Records(from, records) => match self.take(from, records) {
                ours if ours.is_empty() => Polled::Idle,
                ours => Polled::Records(from, ours),
            },
            other => other,
        })
    }

    async fn commit(&mut self, done: Committable) -> Result<(), LogError> {
        self.inner.commit(done).await?;
        self.reached(done.partition().partition, done.next_offset());
        Ok(())
    }

    fn pause(&mut self, partition: PartitionEpoch, paused: bool) {
        // A partition that is done stays paused.
        if paused || self.left.contains_key(&partition.partition) {
            self.inner.pause(partition, paused);
        }
    }
}

#[cfg(test)]
mod tests;
