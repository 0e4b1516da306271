//! Reading records again that a store has lost, and those that it may have lost: when a server of it has started again,
//! everything that was saved shortly before goes through the usual way once more. What is there is left as it is.

use std::pin::Pin;

use tidegate_kernel::{Partition, Position};
use tidegate_ports::{Account, Consumed, LogError, ReadLog};
use tokio::time::Instant;

use crate::apply::{Applier, Opened, Progress, WentBack};
use crate::backoff::Backoff;
use crate::batch::Batch;
use crate::brake::{Brake, BrakeRules};
use crate::window::Window;

/// Payload read at once.
const CHUNK_BYTES: usize = 2 << 20;

impl Applier {
    /// Reads again what was saved and may be lost, until no server has started again meanwhile.
    // Boxed, since what is read again may have to be read again.
    pub fn read_again<'a>(
        &'a self,
        partition: Partition,
        opened: &'a mut Opened,
        went_back: WentBack,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let until = opened.account.next_offset;
        Box::pin(self.read_up_to(partition, until, opened, went_back))
    }

    /// The same up to this offset, which the log says is done.
    pub async fn read_up_to(&self, partition: Partition, until: i64, opened: &mut Opened, mut went_back: WentBack) {
        let from = opened.window.safe().min(opened.account.next_offset);
        let Some(log) = &self.log else {
            tracing::error!(partition, from, until, "a server of the store started again, and there is no log to read");
            opened.starts = went_back.starts;
            return;
        };
        tracing::warn!(
            partition,
            from,
            until,
            "a server of the store started again: records that it may have lost are read again"
        );
        self.tally.went_back.increment(1);
        loop {
            opened.window = Window::from(from);
            let expected = std::mem::replace(&mut opened.starts, went_back.starts);
            match self.apply_again(&**log, partition, from..until, opened).await {
                Ok(()) => break,
                Err(again) => {
                    // Not healed yet: an account that is settled meanwhile must not say so.
                    opened.starts = expected;
                    went_back = again;
                }
            }
        }
        // As of the last of it: what was saved first is not safe before the rest is.
        opened.window = Window::from(from);
        opened.window.saved(Instant::now(), until);
        // What the account says may be lost, too, and no record may come to settle it anew.
        self.settle(self.checked(opened)).await;
    }

    async fn apply_again(
        &self,
        log: &dyn ReadLog,
        partition: Partition,
        range: std::ops::Range<i64>,
        opened: &mut Opened,
    ) -> Result<(), WentBack> {
        let mut from = range.start;
        while from < range.end {
            let consumed = self.read_log(log, partition, from..range.end).await;
            let Some(last) = consumed.last() else { break };
            from = last.position.offset + 1;
            self.tally.read.increment(consumed.len() as u64);
            self.tally.reread.increment(consumed.len() as u64);
            let mut batch = Batch::decode(consumed, &mut Brake::new(BrakeRules::OFF));
            for (record, reason) in std::mem::take(&mut batch.poison) {
                // Those counted have their letters: the log of letters has lost nothing.
                if record.position.offset >= opened.account.next_offset {
                    self.bury(record, reason).await;
                }
            }
            let stored = self.load(&batch, opened).await?;
            let (folded, _) = self.keep(partition, batch.fold(stored, true), opened, true).await;
            self.tally.count(folded.done().map(|(_, fate)| fate));
        }
        Ok(())
    }

    /// A partition without an account: this is its very first record, or the store has lost all that came before.
    pub async fn open_anew(&self, first: Position, starts: u64) -> Opened {
        let begins = match &self.log {
            Some(log) => self.first_of(&**log, first.partition).await.map_or(first.offset, |at| at.min(first.offset)),
            None => first.offset,
        };
        let account = Account::opened(first.generation, first.partition, begins);
        let mut opened = Opened { account, starts, window: Window::from(begins) };
        if begins < first.offset {
            self.read_up_to(first.partition, first.offset, &mut opened, WentBack { starts }).await;
        }
        opened
    }

    async fn first_of(&self, log: &dyn ReadLog, partition: Partition) -> Option<i64> {
        let mut backoff = Backoff::new("read the log's ends", &self.tally);
        loop {
            match log.spans().await {
                Ok(spans) => return spans.iter().find(|span| span.partition == partition).map(|span| span.first),
                Err(error) => backoff.wait(&error).await,
            }
        }
    }

    async fn read_log(&self, log: &dyn ReadLog, partition: Partition, range: std::ops::Range<i64>) -> Vec<Consumed> {
        let mut backoff = Backoff::new("read again", &self.tally);
        loop {
            let read: Result<_, LogError> = log.read_range(partition, range.start, range.end, CHUNK_BYTES).await;
            match read {
                Ok(consumed) => return consumed,
                Err(error) => backoff.wait(&error).await,
            }
        }
    }

    /// Looks whether the store still has what was saved here, where no batch does so.
    pub async fn look(&self, progress: &mut Progress) {
        let Some(mut opened) = progress.opened.take() else {
            match self.open_idle(progress).await {
                Ok(()) => progress.is_looked_at = true,
                Err(error) => tracing::debug!(error, "whether the store went back is not known"),
            }
            return;
        };
        let asked_at = Instant::now();
        match self.runs.starts().await {
            Ok(starts) if starts == opened.starts => opened.window.confirmed(asked_at),
            Ok(starts) => self.read_again(progress.partition, &mut opened, WentBack { starts }).await,
            // The next look may be answered.
            Err(error) => tracing::debug!(%error, "whether the store went back is not known"),
        }
        progress.opened = Some(opened);
    }
}

impl Applier {
    /// A partition that brings no records: what its former owner saved may be lost all the same.
    async fn open_idle(&self, progress: &mut Progress) -> Result<(), String> {
        let Some(log) = &self.log else { return Ok(()) };
        let partition = progress.partition;
        let spans = log.spans().await.map_err(|error| error.to_string())?;
        let Some(span) = spans.iter().find(|span| span.partition == partition) else { return Ok(()) };
        let settled = self.accounts.account(span.generation, partition).await.map_err(|error| error.to_string())?;
        let starts = self.runs.starts().await.map_err(|error| error.to_string())?;
        if settled.is_none() && span.first == span.end {
            return Ok(());
        }
        let account = settled.unwrap_or_else(|| Account::opened(span.generation, partition, span.first));
        let mut opened = Opened::settled(account, starts);
        // What waits on the log and is read here comes once more, and changes nothing then.
        if opened.starts != starts || account.next_offset < span.end {
            let until = account.next_offset.max(span.end);
            self.read_up_to(partition, until, &mut opened, WentBack { starts }).await;
        }
        progress.opened = Some(opened);
        Ok(())
    }
}

impl Progress {
    /// Whether a look is worth its while.
    pub fn wants_a_look(&self) -> bool {
        match &self.opened {
            Some(opened) => opened.window.is_open(),
            None => !self.is_looked_at,
        }
    }
}
