//! The loop: polls the log, feeds the lanes, keeps the ledger, settles and commits.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tidegate_agentping_ports::{NotedAccounts, Runs};
use tidegate_kernel::{Committable, Ledger, Partition, PartitionEpoch};
use tidegate_ports::{Clock, Consume, Consumed, DeadLetters, LogError, Polled, ReadLag, ReadLog};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::apply::{Applied, Applier};
use crate::brake::Tripped;
use crate::config::PersisterConfig;
use crate::lane::{Lane, News};
use crate::tally::Tally;

/// A partition that has records to commit and commits none, while no brake holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stalled {
    pub partition: Partition,
    pub since: Duration,
}

/// What a stop left behind. Such records are not lost: they are read again from the log at the next start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StopReport {
    /// Records read and not committed, but for those that the brake held.
    pub uncommitted: usize,
}

const POLL_WAIT: Duration = Duration::from_millis(500);
const LOG_RETRY: Duration = Duration::from_millis(200);
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// One member of the persister's consumer group.
pub struct Persister {
    log: Box<dyn Consume>,
    applier: Arc<Applier>,
    config: PersisterConfig,
    ledger: Ledger,
    lanes: HashMap<Partition, (PartitionEpoch, Lane)>,
    news_sender: mpsc::Sender<News>,
    news: mpsc::Receiver<News>,
    /// When to settle and commit next; `None` while there is nothing of the kind.
    settle_at: Option<Instant>,
    /// When to see next which partitions stall.
    looks_at: Instant,
    stalled: watch::Sender<Vec<Stalled>>,
    bytes_in_flight: usize,
    throttled: bool,
    round: Round,
}

/// One round of polls: each assigned partition has its turn before records are let gather again.
struct Round {
    polls: usize,
    bytes: usize,
    /// Polling waits until then.
    resumes_at: Instant,
}

impl Persister {
    pub fn new(
        log: Box<dyn Consume>,
        runs: Arc<dyn Runs>,
        accounts: Arc<dyn NotedAccounts>,
        dead_letters: Arc<dyn DeadLetters>,
        clock: Arc<dyn Clock>,
        config: PersisterConfig,
    ) -> Self {
        // Wide enough that a lane never waits to report.
        let (news_sender, news) = mpsc::channel(1_024);
        let (brake, tally) = (config.brake, Tally::new());
        Persister {
            log,
            applier: Arc::new(Applier { runs, accounts, dead_letters, log: None, clock, ends: None, brake, tally }),
            config,
            ledger: Ledger::default(),
            lanes: HashMap::new(),
            news_sender,
            news,
            settle_at: None,
            looks_at: Instant::now(),
            stalled: watch::Sender::default(),
            bytes_in_flight: 0,
            throttled: false,
            round: Round { polls: 0, bytes: 0, resumes_at: Instant::now() },
        }
    }

    /// Reads again from this log what the store loses when a server of it is killed.
    #[must_use]
    pub fn reading_again_from(mut self, log: Arc<dyn ReadLog>) -> Self {
        // Nobody else has it before lanes are opened.
        if let Some(applier) = Arc::get_mut(&mut self.applier) {
            applier.log = Some(log);
        }
        self
    }

    /// On a log that may be replaced by another one: before records that come again are passed over, its end is asked for.
    #[must_use]
    pub fn with_ends(mut self, ends: Arc<dyn ReadLag>) -> Self {
        if let Some(applier) = Arc::get_mut(&mut self.applier) {
            applier.ends = Some(ends);
        }
        self
    }

    /// Partitions that have records to commit and have committed none for a second or more, as of the last second.
    pub fn stalled(&self) -> watch::Receiver<Vec<Stalled>> {
        self.stalled.subscribe()
    }

    /// Runs until `stop` resolves, then applies and commits what was read, within the drain deadline.
    pub async fn run(mut self, stop: impl Future<Output = ()> + Send) -> StopReport {
        tokio::pin!(stop);
        loop {
            let (resumes_at, settle_at, looks_at) = (self.round.resumes_at, self.settle_at, self.looks_at);
            let polling = async {
                tokio::time::sleep_until(resumes_at).await;
                self.log.poll(self.config.poll_bytes, POLL_WAIT).await
            };
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = until(settle_at) => self.settle(),
                () = tokio::time::sleep_until(looks_at) => self.look_at_progress(),
                Some(news) = self.news.recv() => self.hear(news).await,
                polled = polling => match polled {
                    Ok(polled) => self.take(polled).await,
                    Err(error) => self.wait_for_log(&error).await,
                },
            }
        }
        let all: Vec<PartitionEpoch> = self.lanes.values().map(|(from, _)| *from).collect();
        self.drain(&all, self.config.drain_deadline).await;
        let braked: Vec<PartitionEpoch> =
            self.lanes.values().filter(|(_, lane)| lane.braked).map(|(from, _)| *from).collect();
        braked.into_iter().for_each(|braked| self.give_up(braked));
        let settled_late: usize = self.lanes.values().map(|(_, lane)| lane.uncommitted()).sum();
        StopReport { uncommitted: self.ledger.open() + settled_late }
    }

    async fn wait_for_log(&mut self, error: &LogError) {
        tracing::warn!(kind = %error.kind(), %error, retry_in_ms = LOG_RETRY.as_millis() as u64, "the log did not answer");
        tokio::time::sleep(LOG_RETRY).await;
    }

    async fn take(&mut self, polled: Polled) {
        match polled {
            Polled::Assigned(assigned) => self.assign(assigned),
            Polled::Records(from, records) => self.feed(from, records).await,
            Polled::Revoking { partitions, deadline } => {
                tracing::info!(?partitions, "partitions are being taken away: draining them");
                self.drain(&partitions, deadline).await;
                partitions.into_iter().for_each(|revoked| self.give_up(revoked));
            }
            Polled::Lost(partitions) => {
                tracing::warn!(?partitions, "partitions were taken away without notice");
                partitions.into_iter().for_each(|lost| self.give_up(lost));
            }
            Polled::Idle => {}
        }
    }

    fn assign(&mut self, assigned: PartitionEpoch) {
        if let Some((former, _)) = self.lanes.get(&assigned.partition) {
            let former = *former;
            self.give_up(former);
        }
        self.ledger.assign(assigned);
        Tally::stalled(assigned.partition).set(0.0);
        let lane = Lane::open(assigned, self.applier.clone(), self.news_sender.clone());
        self.lanes.insert(assigned.partition, (assigned, lane));
    }

    async fn feed(&mut self, from: PartitionEpoch, records: Vec<Consumed>) {
        let Some((_, lane)) =
            self.lanes.get_mut(&from.partition).filter(|(current, lane)| *current == from && !lane.braked)
        else {
            return;
        };
        self.applier.tally.read.increment(records.len() as u64);
        self.round.polls += 1;
        for record in &records {
            self.ledger.read(from, record.position.offset);
            self.bytes_in_flight += record.payload.len();
            self.round.bytes += record.payload.len();
        }
        lane.push(records).await;
        self.throttle();
        self.end_round();
    }

    /// After every partition's turn: polls that brought little pause for a moment, so that the next ones bring more.
    fn end_round(&mut self) {
        if self.round.polls < self.lanes.len() {
            return;
        }
        let resumes_at = Instant::now() + self.config.rest_after(self.round.bytes);
        self.round = Round { polls: 0, bytes: 0, resumes_at };
    }

    async fn hear(&mut self, news: News) {
        match news {
            News::Applied { from, bytes, applied } => self.applied(from, bytes, &applied),
            News::Settled(committable) => self.commit(committable).await,
        }
    }

    fn applied(&mut self, from: PartitionEpoch, bytes: usize, applied: &Applied) {
        // A lane given up is none of ours: its records were counted as handed back.
        let Some((_, lane)) = self.lanes.get_mut(&from.partition).filter(|(current, _)| *current == from) else {
            return;
        };
        lane.waiting -= 1;
        lane.waiting_bytes -= bytes;
        self.bytes_in_flight -= bytes;
        for offset in &applied.offsets {
            self.ledger.done(from, *offset);
        }
        if let Some(last) = applied.offsets.last() {
            lane.account = Some(applied.account);
            lane.done_to = Some(last + 1);
            self.settle_at.get_or_insert(Instant::now() + self.config.settle_every);
        }
        if let Some(tripped) = applied.tripped {
            let is_braked = !matches!(tripped, Tripped::LogWentBack { .. });
            Tally::braked(from.partition).set(f64::from(u8::from(is_braked)));
            lane.braked = true;
            // What else it was given it does not do.
            self.bytes_in_flight -= lane.waiting_bytes;
            (lane.waiting, lane.waiting_bytes) = (0, 0);
        }
        self.throttle();
    }

    fn look_at_progress(&mut self) {
        let now = Instant::now();
        self.looks_at = now + LOOK_EVERY;
        let mut stalled = Vec::new();
        for (from, lane) in self.lanes.values_mut() {
            let (partition, since) = (from.partition, lane.stalled_for(self.ledger.open_in(*from), now));
            Tally::stalled(partition).set(since.as_secs() as f64);
            if since >= LOOK_EVERY {
                stalled.push(Stalled { partition, since });
            }
        }
        stalled.sort_unstable_by_key(|one| one.partition);
        self.stalled.send_replace(stalled);
    }

    /// Begins to settle what is done in each partition; committing follows when that is told.
    fn settle(&mut self) {
        self.settle_at = None;
        for committable in self.ledger.take_committable() {
            let of = committable.partition();
            let lane = self.lanes.get_mut(&of.partition).filter(|(current, _)| *current == of);
            if let Some((_, lane)) = lane {
                lane.unsettled = lane.account.map(|account| (committable, account));
            }
        }
        for (_, lane) in self.lanes.values_mut() {
            lane.settle(&self.applier, &self.news_sender);
        }
    }

    async fn commit(&mut self, committable: Committable) {
        let of = committable.partition();
        let Some((_, lane)) = self.lanes.get_mut(&of.partition).filter(|(current, _)| *current == of) else {
            return;
        };
        lane.settling = None;
        let mut settle_next = lane.unsettled.is_some().then_some(self.config.settle_every);
        match self.log.commit(committable).await {
            Ok(()) => {
                lane.committed_to = Some(committable.next_offset());
                self.applier.tally.commits.increment(1);
            }
            Err(error) => {
                tracing::warn!(kind = %error.kind(), %error, ?committable, "an offset was not committed; it is tried again");
                // A newer one covers it.
                lane.unsettled = lane.unsettled.or(lane.account.map(|account| (committable, account)));
                settle_next = Some(LOG_RETRY);
            }
        }
        if let Some(pause) = settle_next {
            self.settle_at.get_or_insert(Instant::now() + pause);
        }
    }

    /// Pauses a partition whose lane is full, and all of them while too many bytes are in flight. Polling goes on.
    fn throttle(&mut self) {
        if self.bytes_in_flight > self.config.high_mark_bytes {
            self.throttled = true;
        } else if self.bytes_in_flight <= self.config.low_mark_bytes {
            self.throttled = false;
        }
        for (from, lane) in self.lanes.values_mut() {
            let paused = self.throttled || lane.braked || lane.waiting >= Lane::DEPTH;
            if paused != lane.paused {
                lane.paused = paused;
                self.log.pause(*from, paused);
            }
        }
    }

    /// Waits until the lanes of these partitions have done what they were given and it is settled and committed; gives
    /// up waiting at the deadline.
    async fn drain(&mut self, partitions: &[PartitionEpoch], deadline: Duration) {
        let end = Instant::now() + deadline;
        self.settle();
        loop {
            let busy = |(from, lane): &(PartitionEpoch, Lane)| partitions.contains(from) && lane.is_busy();
            if self.settle_at.is_none() && !self.lanes.values().any(busy) {
                break;
            }
            let settle_at = self.settle_at;
            tokio::select! {
                biased;
                Some(news) = self.news.recv() => {
                    let applied = matches!(news, News::Applied { .. });
                    self.hear(news).await;
                    // Nothing more may come to share the settlement with.
                    if applied {
                        self.settle();
                    }
                }
                () = until(settle_at) => self.settle(),
                () = tokio::time::sleep_until(end) => {
                    tracing::warn!(deadline_ms = deadline.as_millis() as u64, "draining ran into its deadline");
                    break;
                }
            }
        }
    }

    /// The partition is not ours any more: whatever of it is under way is its next owner's to do.
    fn give_up(&mut self, partition: PartitionEpoch) {
        match self.lanes.remove(&partition.partition) {
            Some((current, lane)) if current == partition => {
                self.applier.tally.handed_back.increment(self.ledger.open_in(partition) as u64);
                self.bytes_in_flight -= lane.waiting_bytes;
                Tally::braked(partition.partition).set(0.0);
                Tally::stalled(partition.partition).set(0.0);
                lane.abort();
            }
            Some(other) => {
                self.lanes.insert(partition.partition, other);
            }
            None => {}
        }
        self.ledger.revoke(partition);
    }
}

/// Never, if it is no instant.
async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
