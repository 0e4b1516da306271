//! The loop: polls the log, feeds the lanes, settles and commits what they have applied.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tidegate_kernel::{Partition, PartitionEpoch};
use tidegate_ports::{Accounts, Clock, Consume, Consumed, LogError, Polled, ReadLag, ReadLog};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::applier::{Applied, Applier};
use crate::apply::{Apply, Poison};
use crate::brake::Tripped;
use crate::config::ConsumerConfig;
use crate::lane::{Lane, LaneEvent};
use crate::metrics::ConsumerMetrics;
use crate::pacing::Pacing;
use crate::progress::{Action, Event};
use crate::stall_watch::Stalled;
use crate::throttle::Throttle;
use crate::void_records::VoidRecords;

const POLL_WAIT: Duration = Duration::from_millis(500);
const LOG_RETRY: Duration = Duration::from_millis(200);
const STALL_CHECK_EVERY: Duration = Duration::from_secs(1);

/// What a stop left behind. Such records are not lost: they are read again from the log at the next start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StopReport {
    /// Records read and not committed, without those of halted partitions.
    pub uncommitted: usize,
}

/// One member of a consumer group, which applies records with `A`.
pub struct Consumer<A: Apply> {
    log: Box<dyn Consume>,
    pub(crate) applier: Arc<Applier<A>>,
    config: ConsumerConfig,
    pub(crate) lanes: HashMap<Partition, Lane>,
    events_sender: mpsc::Sender<LaneEvent>,
    pub(crate) events: mpsc::Receiver<LaneEvent>,
    /// When to settle and commit next; `None` while there is nothing to settle.
    pub(crate) settle_at: Option<Instant>,
    stall_check_at: Instant,
    stalled: watch::Sender<Vec<Stalled>>,
    pub(crate) throttle: Throttle,
    pacing: Pacing,
}

impl<A: Apply> Consumer<A> {
    pub fn new(
        log: Box<dyn Consume>,
        apply: A,
        poison: Poison,
        accounts: Arc<dyn Accounts>,
        clock: Arc<dyn Clock>,
        config: ConsumerConfig,
    ) -> Self {
        // Wide enough that a lane never waits to report.
        let (events_sender, events) = mpsc::channel(1_024);
        let applier = Applier {
            apply,
            voids: VoidRecords::new(&poison, clock.clone()),
            poison,
            max_records_of_key: config.max_records_of_key,
            accounts,
            log: None,
            clock,
            ends: None,
            brake: config.brake,
            metrics: ConsumerMetrics::new(config.api),
        };
        Consumer {
            log,
            applier: Arc::new(applier),
            config,
            lanes: HashMap::new(),
            events_sender,
            events,
            settle_at: None,
            stall_check_at: Instant::now(),
            stalled: watch::Sender::default(),
            throttle: Throttle::new(&config),
            pacing: Pacing::new(),
        }
    }

    /// Reads again from this log what the store loses when a server of it is killed; `None` where the store loses nothing.
    #[must_use]
    pub fn reading_again_from(mut self, log: Option<Arc<dyn ReadLog>>) -> Self {
        // The only handle, as no lane is open yet.
        if let Some(applier) = Arc::get_mut(&mut self.applier) {
            applier.log = log;
        }
        self
    }

    /// For a log that may be replaced by another one: before records that come again are skipped, its end is asked
    /// for.
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
            let (resumes_at, settle_at, stall_check_at) =
                (self.pacing.resumes_at(), self.settle_at, self.stall_check_at);
            let polling = async {
                tokio::time::sleep_until(resumes_at).await;
                self.log.poll(self.config.poll_bytes, POLL_WAIT).await
            };
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = until(settle_at) => self.settle(),
                () = tokio::time::sleep_until(stall_check_at) => self.check_stalls(),
                Some(event) = self.events.recv() => self.handle(event).await,
                polled = polling => match polled {
                    Ok(polled) => self.take(polled).await,
                    Err(error) => self.wait_for_log(&error).await,
                },
            }
        }
        let deadline = self.config.drain_deadline;
        self.drain_all(deadline).await
    }

    async fn wait_for_log(&mut self, error: &LogError) {
        tracing::warn!(%error, retry_in_ms = LOG_RETRY.as_millis() as u64, "the log did not answer");
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
        if let Some(former) = self.lanes.get(&assigned.partition).map(|lane| lane.of) {
            self.give_up(former);
        }
        let lane = Lane::open(assigned, self.applier.clone(), self.events_sender.clone());
        self.lanes.insert(assigned.partition, lane);
    }

    async fn feed(&mut self, from: PartitionEpoch, records: Vec<Consumed>) {
        let partitions = self.lanes.len();
        let is_kept = |lane: &&mut Lane| !lane.is_halted() || self.applier.voids.can_end_halts();
        let Some(lane) = lane_of(&mut self.lanes, from).filter(is_kept) else { return };
        self.applier.metrics.read.increment(records.len() as u64);
        let mut bytes = 0;
        for record in &records {
            lane.progress.on(Event::Read(record.position.offset));
            bytes += record.payload.len();
        }
        if !lane.is_halted() {
            self.throttle.add(bytes);
        }
        lane.push(records, bytes).await;
        self.pause_full_lanes();
        self.pacing.polled(bytes, partitions, &self.config);
    }

    pub(crate) async fn handle(&mut self, event: LaneEvent) {
        match event {
            LaneEvent::Applied { of, bytes, applied } => self.applied(of, bytes, &applied).await,
            LaneEvent::Settled(of) => self.advance(of, Event::Settled).await,
            LaneEvent::WentOn { of, bytes } => self.went_on(of, bytes),
        }
    }

    async fn applied(&mut self, of: PartitionEpoch, bytes: usize, applied: &Applied) {
        // The records of a lane given up were counted as handed back.
        let Some(lane) = lane_of(&mut self.lanes, of) else { return };
        lane.done(bytes);
        self.throttle.release(bytes);
        if let Some(halting) = applied.halting {
            let is_braked = !matches!(halting.tripped, Tripped::LogWentBack { .. });
            lane.gauges.braked.set(f64::from(u8::from(is_braked)));
            self.throttle.release(lane.halt());
        }
        self.advance(of, Event::Applied { offsets: &applied.offsets, account: applied.account }).await;
        self.pause_full_lanes();
    }

    fn went_on(&mut self, of: PartitionEpoch, bytes: usize) {
        let Some(lane) = lane_of(&mut self.lanes, of) else { return };
        lane.gauges.braked.set(0.0);
        self.throttle.add(lane.go_on(bytes));
        self.pause_full_lanes();
    }

    /// Takes an event of one partition, and does what follows from it.
    async fn advance(&mut self, of: PartitionEpoch, event: Event<'_>) {
        let Some(lane) = lane_of(&mut self.lanes, of) else { return };
        let mut next = lane.progress.on(event);
        while let Some(action) = next.take() {
            match action {
                Action::Settle(account) => lane.settle(account, &self.applier, &self.events_sender),
                Action::Commit(committable) => {
                    next = match self.log.commit(committable).await {
                        Ok(()) => {
                            self.applier.metrics.commits.increment(1);
                            lane.progress.on(Event::Committed)
                        }
                        Err(error) => {
                            tracing::warn!(%error, ?committable, "an offset was not committed; it is tried again");
                            lane.progress.on(Event::NotCommitted)
                        }
                    };
                }
                Action::SettleSoon => _ = self.settle_at.get_or_insert(Instant::now() + self.config.settle_every),
                Action::RetrySoon => _ = self.settle_at.get_or_insert(Instant::now() + LOG_RETRY),
            }
        }
    }

    /// Begins to settle what is applied in each partition; a commit follows each settlement.
    pub(crate) fn settle(&mut self) {
        self.settle_at = None;
        for lane in self.lanes.values_mut() {
            if let Some(Action::Settle(account)) = lane.progress.on(Event::Due) {
                lane.settle(account, &self.applier, &self.events_sender);
            }
        }
    }

    fn check_stalls(&mut self) {
        let now = Instant::now();
        self.stall_check_at = now + STALL_CHECK_EVERY;
        let mut stalled = Vec::new();
        for lane in self.lanes.values_mut() {
            let (partition, since) = (lane.of.partition, lane.stalled_for(now));
            lane.gauges.stalled_seconds.set(since.as_secs() as f64);
            if since >= STALL_CHECK_EVERY {
                stalled.push(Stalled { partition, since });
            }
        }
        stalled.sort_unstable_by_key(|one| one.partition);
        self.stalled.send_replace(stalled);
    }

    /// Pauses a partition whose lane is full, and all of them while too many bytes are in flight. Polling continues.
    fn pause_full_lanes(&mut self) {
        let is_throttled = self.throttle.is_engaged();
        for lane in self.lanes.values_mut() {
            let paused = is_throttled || lane.is_full();
            if paused != lane.paused {
                lane.paused = paused;
                self.log.pause(lane.of, paused);
            }
        }
    }
}

/// The lane of this very assignment.
fn lane_of(lanes: &mut HashMap<Partition, Lane>, of: PartitionEpoch) -> Option<&mut Lane> {
    lanes.get_mut(&of.partition).filter(|lane| lane.of == of)
}

/// Never, if it is no instant.
pub(crate) async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
