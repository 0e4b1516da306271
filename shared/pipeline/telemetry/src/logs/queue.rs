//! The bounded queue between the threads that log and the one thread that writes. Offering a line never blocks and
//! never fails: a line that does not fit is dropped and counted.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Limits of the queue.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub lines: usize,
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { lines: 8_192, bytes: 4 * 1024 * 1024 }
    }
}

/// The sending end of the queue.
#[derive(Debug)]
pub struct Queue {
    lines: SyncSender<Box<[u8]>>,
    max_bytes: usize,
    counts: Arc<Counts>,
}

/// Counters that both ends share.
#[derive(Debug, Default)]
pub struct Counts {
    waiting_bytes: AtomicUsize,
    dropped: AtomicU64,
    /// Locked while the waiting bytes are reduced, so that no waiter misses the change.
    written: Mutex<()>,
    progress: Condvar,
}

/// A queue with its receiver and counters.
pub fn bounded(bounds: Bounds) -> (Queue, Receiver<Box<[u8]>>, Arc<Counts>) {
    let (lines, taken) = sync_channel(bounds.lines);
    let counts = Arc::new(Counts::default());
    (Queue { lines, max_bytes: bounds.bytes, counts: counts.clone() }, taken, counts)
}

impl Queue {
    /// Queues whole lines. If they do not fit, they are dropped and counted as one.
    pub fn offer(&self, line: &[u8]) {
        let bytes = line.len();
        let before = self.counts.waiting_bytes.fetch_add(bytes, Ordering::AcqRel);
        if before.saturating_add(bytes) > self.max_bytes || self.lines.try_send(line.into()).is_err() {
            self.counts.waiting_bytes.fetch_sub(bytes, Ordering::AcqRel);
            self.counts.dropped(1);
        }
    }

    /// Waits until everything is written or lost; `false` if that took longer than `deadline`.
    pub fn flush(&self, deadline: Duration) -> bool {
        let until = Instant::now() + deadline;
        let mut held = self.counts.written.lock().unwrap_or_else(PoisonError::into_inner);
        while self.counts.waiting_bytes.load(Ordering::Acquire) > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            held = self.counts.progress.wait_timeout(held, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Lines that were lost since the start.
    pub fn lines_dropped(&self) -> u64 {
        self.counts.lines_dropped()
    }
}

impl Counts {
    /// Counts lost lines.
    pub fn dropped(&self, lines: u64) {
        self.dropped.fetch_add(lines, Ordering::Relaxed);
    }

    pub fn lines_dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Subtracts bytes that no longer wait.
    pub fn done(&self, bytes: usize) {
        let held = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting_bytes.fetch_sub(bytes, Ordering::AcqRel);
        drop(held);
        self.progress.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_dropped_and_counted() {
        let (queue, taken, counts) = bounded(Bounds { lines: 3, bytes: 10 });
        for line in [&b"four"[..], b"four", b"four", b"2\n", b"", b""] {
            queue.offer(line);
        }
        // The third four bytes are too many, and so is the fourth line after that.
        assert_eq!(queue.lines_dropped(), 3);
        let lines: Vec<_> = taken.try_iter().map(|line| line.len()).collect();
        assert_eq!(lines, [4, 4, 2]);
        assert!(!queue.flush(Duration::ZERO), "nothing was written yet");
        counts.done(10);
        assert!(queue.flush(Duration::ZERO));
        queue.offer(b"0123456789");
        assert_eq!(queue.lines_dropped(), 3, "there is room again");
    }

    #[test]
    fn a_writer_that_has_ended_costs_lines_and_nothing_else() {
        let (queue, taken, _) = bounded(Bounds::default());
        drop(taken);
        queue.offer(b"lost");
        assert_eq!(queue.lines_dropped(), 1);
        assert!(queue.flush(Duration::ZERO));
    }
}
