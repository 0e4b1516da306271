//! The consume port: one member of a consumer group.

mod commits;
mod fetch_buffers;
mod group;
mod member;
mod read_back;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use rdkafka::TopicPartitionList;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use tidegate_kernel::{Committable, Partition, PartitionEpoch};
use tidegate_ports::{Clock, Consume, LogError, Polled};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::{KafkaOptions, client, metrics, wire};
use fetch_buffers::{FetchBuffers, Intake};
use group::GroupEvent;
use member::Member;

/// One member of a group; dropping it leaves the group.
///
/// librdkafka is polled only when this consumer is polled, so a persister that is stuck for longer than
/// `max.poll.interval.ms` loses its partitions to the other members.
pub struct KafkaConsumer {
    options: KafkaOptions,
    group_id: String,
    clock: Arc<dyn Clock>,
    member: Arc<Member>,
    buffers: FetchBuffers,
    /// Assignment changes to be returned by polls, in this order and before any record.
    events: VecDeque<Polled>,
    /// The last poll returned `Revoking`: the next poll means that the drain is done.
    draining: bool,
    last_epoch: u64,
    owed_tried_at: Option<Instant>,
    /// The coordinator did not answer a commit. Until this instant commits are queued without a request, so that polls
    /// do not block.
    silent_until: Option<Instant>,
    read_back: AbortHandle,
    /// Resolves when the member has left.
    gone: oneshot::Receiver<()>,
}

/// Bytes taken in at once at least, even for a small poll budget, so that partitions can take turns.
const INTAKE_BYTES: usize = 64 * 1024;
/// How long one call retries a commit that the group refuses because it is rebalancing.
const COMMIT_PATIENCE: Duration = Duration::from_secs(3);
const COMMIT_RETRY: Duration = Duration::from_millis(25);
const OWED_RETRY: Duration = Duration::from_millis(500);

impl KafkaConsumer {
    /// Joins the group in the background; polls return the outcome. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`LogError::Broken`] for invalid options.
    pub fn join(options: &KafkaOptions, group: &str, clock: Arc<dyn Clock>) -> Result<KafkaConsumer, LogError> {
        options.validate()?;
        let (member, gone) = Member::join(options, group)?;
        metrics::register_consumer();
        Ok(KafkaConsumer {
            read_back: read_back::start(&member, options),
            options: options.clone(),
            group_id: group.to_owned(),
            clock,
            member,
            buffers: FetchBuffers::default(),
            events: VecDeque::new(),
            draining: false,
            last_epoch: 0,
            owed_tried_at: None,
            silent_until: None,
            gone,
        })
    }

    /// Whether a commit under this assignment still counts: the partition is ours or is being drained.
    pub fn holds(&self, of: PartitionEpoch) -> bool {
        self.handed_to(of).is_some()
    }

    /// Leaves the group and returns when that is done.
    pub async fn leave(mut self) {
        let gone = std::mem::replace(&mut self.gone, oneshot::channel().1);
        drop(self);
        // It resolves when the client is dropped; nothing is ever sent.
        let _ = gone.await;
    }

    /// Applies queued group events. Called before every record: a partition's first record may follow its assignment at
    /// once, and a record of a partition that is not assigned is dropped.
    fn take_group_events(&mut self) {
        while let Some(event) = self.member.group().next_event() {
            self.take(event);
        }
    }

    fn next_event(&mut self) -> Option<Polled> {
        let event = self.events.pop_front()?;
        self.draining = matches!(event, Polled::Revoking { .. });
        Some(event)
    }

    /// Applies one group event and queues what polls return for it.
    fn take(&mut self, event: GroupEvent) {
        match event {
            GroupEvent::Assigned(partitions) => partitions.into_iter().for_each(|partition| self.assigned(partition)),
            GroupEvent::Revoking(list) => self.revoking(list),
            GroupEvent::Lost(partitions) => {
                let lost = partitions.into_iter().filter_map(|partition| self.buffers.close(partition));
                let lost = lost.map(|(epoch, _)| epoch).collect();
                self.lost(lost);
            }
        }
        self.publish_assigned();
    }

    fn publish_assigned(&self) {
        metrics::ASSIGNED_PARTITIONS.handle().set(self.buffers.len() as f64);
    }

    fn assigned(&mut self, partition: Partition) {
        count("assigned", 1);
        // With the clock, epochs also grow across members and restarts, as far as clocks agree. Nothing depends on
        // that.
        let now = u64::try_from(self.clock.now().as_millis()).unwrap_or_default();
        self.last_epoch = now.max(self.last_epoch + 1);
        let epoch = PartitionEpoch { partition, epoch: self.last_epoch };
        self.buffers.open(epoch);
        self.events.push_back(Polled::Assigned(epoch));
    }

    fn revoking(&mut self, list: TopicPartitionList) {
        let partitions =
            list.elements().iter().filter_map(|one| u32::try_from(one.partition()).ok()).collect::<Vec<_>>();
        count("revoked", partitions.len());
        let epochs: Vec<_> = partitions.iter().filter_map(|partition| self.buffers.close(*partition)).collect();
        self.member.group().begin_handing_over(list, epochs.clone());
        let partitions: Vec<PartitionEpoch> = epochs.into_iter().map(|(epoch, _)| epoch).collect();
        if partitions.is_empty() {
            self.member.finish_handing_over();
            return;
        }
        let deadline = self.options.consume.drain_deadline;
        self.member.finish_handing_over_after(deadline, partitions.clone());
        self.events.push_back(Polled::Revoking { partitions, deadline });
    }

    fn lost(&mut self, partitions: Vec<PartitionEpoch>) {
        count("lost", partitions.len());
        partitions.iter().for_each(|gone| self.member.commits.forget(*gone));
        if !partitions.is_empty() {
            self.events.push_back(Polled::Lost(partitions));
        }
    }

    /// Takes in what librdkafka has fetched, without waiting, up to the larger of `max_bytes` and [`INTAKE_BYTES`].
    fn take_in(&mut self, max_bytes: usize) -> Result<(), LogError> {
        let enough = max_bytes.max(INTAKE_BYTES);
        let member = self.member.clone();
        while self.buffers.ready_bytes() < enough {
            match member.consumer.recv().now_or_never() {
                Some(Ok(message)) => self.keep(&message),
                Some(Err(error)) => self.fail(&error)?,
                None => break,
            }
        }
        Ok(())
    }

    fn keep(&mut self, message: &BorrowedMessage<'_>) {
        self.take_group_events();
        let Some(record) = wire::consumed(message, self.options.topics.generation) else { return };
        let partition = record.position.partition;
        // Paused partitions share the fetch budget equally.
        let paused_bytes = self.options.consume.fetch_bytes / self.buffers.len().max(1);
        if self.buffers.take(record, paused_bytes) == Intake::Hold {
            self.member.fetch(partition, false);
        }
    }

    /// Handles an error between records. librdkafka recovers from most by itself; after a fatal one the consumer
    /// rejoins.
    fn fail(&mut self, error: &KafkaError) -> Result<(), LogError> {
        if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
            tracing::error!(%error, "the consumer failed for good; it joins anew");
            self.rejoin()?;
            return Ok(());
        }
        if let KafkaError::PartitionEOF(partition) = error {
            Partition::try_from(*partition).into_iter().for_each(|partition| self.buffers.at_end(partition));
            return Ok(());
        }
        match error.rdkafka_error_code() {
            // One broker of several is down, or a poll came late: the consequences arrive as group events.
            Some(
                RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::Resolve | RDKafkaErrorCode::PollExceeded,
            ) => {
                tracing::warn!(%error, "consuming goes on");
                Ok(())
            }
            _ => Err(client::unavailable(error)),
        }
    }

    fn rejoin(&mut self) -> Result<(), LogError> {
        let (member, gone) = Member::join(&self.options, &self.group_id)?;
        self.read_back.abort();
        self.read_back = read_back::start(&member, &self.options);
        let former = std::mem::replace(&mut self.member, member);
        self.gone = gone;
        former.begin_leaving();
        client::close_aside(former);
        let lost = self.buffers.close_all();
        self.lost(lost);
        self.publish_assigned();
        Ok(())
    }

    /// Commits the queued offsets whose commit failed before, as long as their assignment is still ours.
    async fn pay_what_is_owed(&mut self) {
        let owed = self.member.commits.owed();
        if owed.is_empty() || self.owed_tried_at.is_some_and(|tried| tried.elapsed() < OWED_RETRY) {
            return;
        }
        self.owed_tried_at = Some(Instant::now());
        for done in owed {
            if !self.may_commit(done) {
                self.member.commits.forget(done.partition());
                continue;
            }
            if let Err(error) = self.member.commit(done).await {
                tracing::warn!(%error, ?done, "an offset that is owed is still not committed");
                return;
            }
        }
    }

    /// Whether the offset was handed out under an assignment that is still ours.
    fn may_commit(&self, done: Committable) -> bool {
        self.handed_to(done.partition()).is_some_and(|handed_to| done.next_offset() <= handed_to)
    }

    fn handed_to(&self, of: PartitionEpoch) -> Option<i64> {
        self.buffers.handed_to(of).or_else(|| self.member.group().handed_to(of))
    }
}

fn count(kind: &'static str, partitions: usize) {
    metrics::REBALANCES.with([("kind", kind)]).increment(partitions as u64);
}

#[async_trait]
impl Consume for KafkaConsumer {
    async fn poll(&mut self, max_bytes: usize, wait: Duration) -> Result<Polled, LogError> {
        let patience = Instant::now().checked_add(wait);
        if std::mem::take(&mut self.draining) {
            // This poll means that the caller has finished the drain.
            self.member.finish_handing_over();
        }
        if let Some(event) = self.next_event() {
            return Ok(event);
        }
        loop {
            self.take_in(max_bytes)?;
            self.take_group_events();
            if let Some(event) = self.next_event() {
                return Ok(event);
            }
            self.pay_what_is_owed().await;
            // Wait for a new partition's first answer, so that the others do not get all turns.
            let now = Instant::now();
            let has_patience = patience.is_none_or(|patience| patience > now);
            let gathers_until = self.buffers.expected_until(now).filter(|_| has_patience);
            if gathers_until.is_none()
                && let Some((from, records)) = self.buffers.next(max_bytes)
            {
                return Ok(Polled::Records(from, records));
            }
            let member = self.member.clone();
            let received = tokio::select! {
                biased;
                received = member.consumer.recv() => Some(received),
                () = member.group().event_queued.notified() => None,
                () = until(patience.into_iter().chain(gathers_until).min()) => match gathers_until {
                    Some(_) => None,
                    None => return Ok(Polled::Idle),
                }
            };
            match received {
                Some(Ok(message)) => self.keep(&message),
                Some(Err(error)) => self.fail(&error)?,
                None => {}
            }
        }
    }

    async fn commit(&mut self, done: Committable) -> Result<(), LogError> {
        if !self.may_commit(done) || !self.member.commits.owe(done) {
            return Ok(());
        }
        if self.silent_until.is_some_and(|until| until > Instant::now()) {
            return Err(LogError::Unavailable("the commit waits for the coordinator, as one before it does".into()));
        }
        let patience = Instant::now() + COMMIT_PATIENCE;
        loop {
            match self.member.commit(done).await {
                Ok(()) => return Ok(()),
                Err(error) if error.changing && Instant::now() < patience => tokio::time::sleep(COMMIT_RETRY).await,
                Err(error) => {
                    self.silent_until = Some(Instant::now() + OWED_RETRY);
                    return Err(error.into());
                }
            }
        }
    }

    fn pause(&mut self, partition: PartitionEpoch, paused: bool) {
        if self.buffers.pause(partition, paused) {
            self.member.fetch(partition.partition, true);
        }
    }
}

async fn until(patience: Option<Instant>) {
    match patience {
        Some(patience) => tokio::time::sleep_until(patience).await,
        None => std::future::pending().await,
    }
}

impl Drop for KafkaConsumer {
    fn drop(&mut self) {
        self.read_back.abort();
        self.member.begin_leaving();
        client::close_aside(self.member.clone());
    }
}
