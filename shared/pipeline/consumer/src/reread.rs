//! Reading records again that a store has lost, and those that it may have lost: when a server of it has started again,
//! everything that was saved shortly before is applied once more. What is there is left as it is.

use std::ops::Range;
use std::pin::Pin;

use tidegate_kernel::{Partition, Position};
use tidegate_ports::{Account, Consumed, LogError, ReadLog};
use tokio::time::Instant;

use crate::applier::Applier;
use crate::apply::Apply;
use crate::backoff::Backoff;
use crate::batch::Batch;
use crate::halting::DecodingStop;
use crate::opened::{Assigned, LaneState, Opened, WentBack};
use crate::parts::Parts;
use crate::window::Window;

/// Payload bytes read at once.
const CHUNK_BYTES: usize = 2 << 20;

impl<A: Apply> Applier<A> {
    /// Reads again what was saved and may be lost, until no server has started again meanwhile.
    // Boxed, since what is read again may have to be read again.
    pub fn read_again<'a>(
        &'a self,
        assigned: &'a Assigned<A>,
        opened: &'a mut Opened,
        went_back: WentBack,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let until = opened.account.next_offset;
        Box::pin(self.read_up_to(assigned, until, opened, went_back))
    }

    /// Like [`Applier::read_again`], up to the offset `until`: what the group has committed says that all before it was
    /// applied.
    pub async fn read_up_to(&self, assigned: &Assigned<A>, until: i64, opened: &mut Opened, mut went_back: WentBack) {
        let partition = assigned.of.partition;
        let from = opened.window.safe().min(opened.account.next_offset);
        self.register_again(went_back).await;
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
        self.metrics.went_back.increment(1);
        loop {
            opened.window = Window::from(from);
            self.apply.forget(&assigned.assignment);
            let expected = std::mem::replace(&mut opened.starts, went_back.starts);
            match self.apply_again(&**log, assigned, from..until, opened).await {
                Ok(()) if opened.halted.is_some() => {
                    // Not healed, and nothing may say so.
                    opened.starts = expected;
                    return;
                }
                Ok(()) => break,
                Err(again) => {
                    // Not healed yet: an account that is settled meanwhile must not say so.
                    opened.starts = expected;
                    went_back = again;
                    self.register_again(went_back).await;
                }
            }
        }
        // One entry for the whole range: no part of it is safe before the last save is old enough.
        opened.window = Window::from(from);
        opened.window.saved(Instant::now(), until);
        // The stored account may be lost, too. It is settled now, because no further record may arrive.
        self.settle(self.checked(opened)).await;
    }

    /// Registers the release in a store that may have lost its registration, and reads again which records are void.
    async fn register_again(&self, WentBack { starts }: WentBack) {
        self.voids.register_again(starts);
        self.until_done("register the release", || self.voids.read()).await;
    }

    /// Ends early where the partition is halted.
    async fn apply_again(
        &self,
        log: &dyn ReadLog,
        assigned: &Assigned<A>,
        range: Range<i64>,
        opened: &mut Opened,
    ) -> Result<(), WentBack> {
        let mut from = range.start;
        while from < range.end {
            let consumed = self.read_log(log, assigned.of.partition, from..range.end).await;
            let Some(last) = consumed.last() else { break };
            from = last.position.offset + 1;
            self.metrics.read.increment(consumed.len() as u64);
            self.metrics.reread.increment(consumed.len() as u64);
            self.apply_records_again(assigned, consumed, opened).await?;
            if opened.halted.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn apply_records_again(
        &self,
        assigned: &Assigned<A>,
        consumed: Vec<Consumed>,
        opened: &mut Opened,
    ) -> Result<(), WentBack> {
        let mut parts = Parts::of(consumed);
        while let Some(part) = parts.next() {
            self.register_before(&part.records).await;
            let mut batch = Batch::decode(&self.apply, part.records, &self.intake(), &mut self.passed_brake());
            let mut halting = batch.tripped.take().map(DecodingStop::into_halting);
            for (record, reason) in std::mem::take(&mut batch.poison) {
                // A record that is counted has its dead letter: dead letters are not lost with the store.
                if record.position.offset >= opened.account.next_offset {
                    self.dead_letter(record, reason).await;
                }
            }
            parts.put_back(std::mem::take(&mut batch.rest), false);
            let loaded = self.load(assigned, &batch, opened).await?;
            match batch.fold(&self.apply, loaded, true) {
                Ok(mut folded) => {
                    if self.keep(assigned, &mut folded, opened, true).await.is_err() {
                        return Ok(());
                    }
                    self.metrics.count(folded.done().map(|(_, fate)| fate));
                }
                Err(stopped) => match parts.split(stopped) {
                    Some(stopped) => halting = Some(stopped),
                    None => continue,
                },
            }
            if halting.is_some() {
                opened.halted = halting;
                return Ok(());
            }
        }
        Ok(())
    }

    /// A partition without an account: this is its very first record, or the store has lost all that came before.
    pub async fn open_anew(&self, first: Position, assigned: &Assigned<A>, starts: u64) -> Opened {
        let begins = match &self.log {
            Some(log) => self.first_of(&**log, first.partition).await.map_or(first.offset, |at| at.min(first.offset)),
            None => first.offset,
        };
        let account = Account::opened(first.generation, first.partition, begins);
        let mut opened = Opened { account, starts, window: Window::from(begins), halted: None };
        if begins < first.offset {
            self.read_up_to(assigned, first.offset, &mut opened, WentBack { starts }).await;
        }
        opened
    }

    async fn first_of(&self, log: &dyn ReadLog, partition: Partition) -> Option<i64> {
        let mut backoff = Backoff::new("read the log's ends", &self.metrics);
        loop {
            match log.spans().await {
                Ok(spans) => return spans.iter().find(|span| span.partition == partition).map(|span| span.first),
                Err(error) => backoff.wait(&error).await,
            }
        }
    }

    async fn read_log(&self, log: &dyn ReadLog, partition: Partition, range: Range<i64>) -> Vec<Consumed> {
        let mut backoff = Backoff::new("read again", &self.metrics);
        loop {
            let read: Result<_, LogError> = log.read_range(partition, range.start, range.end, CHUNK_BYTES).await;
            match read {
                Ok(consumed) => return consumed,
                Err(error) => backoff.wait(&error).await,
            }
        }
    }

    /// Checks that the store still has what was saved here, where no batch does so.
    pub async fn check(&self, state: &mut LaneState<A>) {
        let Some(mut opened) = state.opened.take() else {
            match self.open_idle(state).await {
                Ok(()) => state.is_checked = true,
                Err(error) => tracing::debug!(error, "whether the store went back is not known"),
            }
            return;
        };
        let asked_at = Instant::now();
        match self.apply.starts().await {
            Ok(starts) if starts == opened.starts => opened.window.confirmed(asked_at),
            Ok(starts) => self.read_again(&state.assigned, &mut opened, WentBack { starts }).await,
            // The next check may be answered.
            Err(error) => tracing::debug!(%error, "whether the store went back is not known"),
        }
        state.opened = Some(opened);
    }

    /// A partition that brings no records: what its former owner saved may be lost all the same.
    async fn open_idle(&self, state: &mut LaneState<A>) -> Result<(), String> {
        let Some(log) = &self.log else { return Ok(()) };
        let partition = state.assigned.of.partition;
        let starts = self.apply.starts().await.map_err(|error| error.to_string())?;
        self.voids.store_started(starts);
        self.voids.read().await.map_err(|error| error.to_string())?;
        let spans = log.spans().await.map_err(|error| error.to_string())?;
        let Some(span) = spans.iter().find(|span| span.partition == partition) else { return Ok(()) };
        let settled = self.accounts.account(span.generation, partition).await.map_err(|error| error.to_string())?;
        if settled.is_none() && span.first == span.end {
            return Ok(());
        }
        let account = settled.unwrap_or_else(|| Account::opened(span.generation, partition, span.first));
        let mut opened = Opened::settled(account, starts);
        // What waits on the log and is read here comes once more, and changes nothing then.
        if opened.starts != starts || account.next_offset < span.end {
            let until = account.next_offset.max(span.end);
            self.read_up_to(&state.assigned, until, &mut opened, WentBack { starts }).await;
        }
        state.opened = Some(opened);
        Ok(())
    }
}

impl<A: Apply> LaneState<A> {
    /// Whether the store may have lost something that a check would notice.
    pub fn needs_check(&self) -> bool {
        match &self.opened {
            Some(opened) => opened.halted.is_none() && opened.window.is_open(),
            None => !self.is_checked,
        }
    }
}
