//! A lane applies the batches of one assigned partition, one at a time and in order.

use std::sync::Arc;

use tidegate_domain::{Outcome, PartitionEpoch};
use tidegate_ports::{Clock, Consumed, DeadLetter, DeadLetters, Runs};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::backoff::Backoff;
use crate::batch::{Batch, Folded};
use crate::tally::Tally;

/// What every lane needs.
pub(crate) struct Applier {
    pub runs: Arc<dyn Runs>,
    pub dead_letters: Arc<dyn DeadLetters>,
    pub clock: Arc<dyn Clock>,
    pub tally: Tally,
}

/// A batch that is stored, or whose dead letters are safe.
#[derive(Debug)]
pub(crate) struct Done {
    pub from: PartitionEpoch,
    pub offsets: Vec<i64>,
    pub bytes: usize,
    pub applied: Applied,
}

/// How the records of a batch ended.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    pub outcomes: Vec<Outcome>,
    pub dead_lettered: usize,
}

/// The sending end of a lane. Dropping it lets the lane finish what it has and end.
pub(crate) struct Lane {
    batches: mpsc::Sender<Vec<Consumed>>,
    task: JoinHandle<()>,
    /// Batches, and their payload bytes, handed over and not yet done.
    pub waiting: usize,
    pub waiting_bytes: usize,
    pub paused: bool,
}

impl Lane {
    /// One batch is applied while the next waits.
    pub const DEPTH: usize = 2;

    pub fn open(from: PartitionEpoch, applier: Arc<Applier>, done: mpsc::Sender<Done>) -> Self {
        let (batches, mut incoming) = mpsc::channel::<Vec<Consumed>>(Self::DEPTH);
        let task = tokio::spawn(async move {
            while let Some(consumed) = incoming.recv().await {
                let offsets: Vec<i64> = consumed.iter().map(|one| one.position.offset).collect();
                let bytes = consumed.iter().map(|one| one.payload.len()).sum();
                let applied = applier.apply(consumed).await;
                // Nobody listens any more once the persister has stopped.
                let _ = done.send(Done { from, offsets, bytes, applied }).await;
            }
        });
        Lane { batches, task, waiting: 0, waiting_bytes: 0, paused: false }
    }

    /// Hands a batch over. The persister pauses a partition before its lane is full; a batch that was under way
    /// all the same waits here.
    pub async fn push(&mut self, batch: Vec<Consumed>) {
        self.waiting += 1;
        self.waiting_bytes += batch.iter().map(|one| one.payload.len()).sum::<usize>();
        // The lane ends only after this sender is dropped.
        let _ = self.batches.send(batch).await;
    }

    /// Ends the lane where it stands: its partition is somebody else's.
    pub fn abort(self) {
        self.task.abort();
    }
}

impl Applier {
    /// Applies one batch, however long the store is away. A store outage never dead-letters.
    async fn apply(&self, consumed: Vec<Consumed>) -> Applied {
        let mut batch = Batch::decode(consumed);
        let poison = std::mem::take(&mut batch.poison);
        let dead_lettered = poison.len();
        for (record, reason) in poison {
            self.bury(record, reason).await;
        }
        let wanted = batch.wanted();
        if wanted.is_empty() {
            return Applied { outcomes: Vec::new(), dead_lettered };
        }
        let mut backoff = Backoff::new("load", &self.tally);
        let stored = loop {
            match self.runs.load(&wanted).await {
                Ok(stored) => break stored,
                Err(error) => backoff.wait(&error).await,
            }
        };
        let Folded { writes, outcomes } = batch.fold(stored);
        let writes = Arc::new(writes);
        #[cfg(feature = "fail-points")]
        crate::fail_points::between_items(&*self.runs, &writes).await;
        let mut backoff = Backoff::new("save", &self.tally);
        while let Err(error) = self.runs.save(writes.clone()).await {
            backoff.wait(&error).await;
        }
        #[cfg(feature = "fail-points")]
        fail::fail_point!("persister::between_save_and_commit", |_| std::process::abort());
        Applied { outcomes, dead_lettered }
    }

    async fn bury(&self, record: Consumed, reason: String) {
        tracing::error!(position = ?record.position, reason, "a record cannot be applied; it goes to the dead letters");
        let letter = DeadLetter {
            position: record.position,
            appended_at: record.appended_at,
            buried_at: self.clock.now(),
            reason,
            payload: record.payload,
            provenance: record.provenance.map(|provenance| *provenance).unwrap_or_default(),
        };
        let mut backoff = Backoff::new("bury", &self.tally);
        while let Err(error) = self.dead_letters.bury(letter.clone()).await {
            backoff.wait(&error).await;
        }
    }
}
