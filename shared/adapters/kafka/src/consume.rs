//! Consuming: one member of a consumer group.

mod commits;
mod group;
mod lanes;
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
use group::Notice;
use lanes::{Intake, Lanes};
use member::Member;

/// One member of a group; dropping it leaves the group.
///
/// librdkafka is polled only when we are: a persister that is stuck for longer than `max.poll.interval.ms` loses its
/// partitions to the others, as it should.
pub struct KafkaConsumer {
    options: KafkaOptions,
    group_id: String,
    clock: Arc<dyn Clock>,
    member: Arc<Member>,
    lanes: Lanes,
    /// Told to the caller in this order, before any record.
    news: VecDeque<Polled>,
    /// The caller was told to drain: once it polls again it has.
    draining: bool,
    last_epoch: u64,
    owed_tried_at: Option<Instant>,
    /// The coordinator did not answer a commit: until then the next ones are owed without asking, so that polls go on.
    silent_until: Option<Instant>,
    read_back: AbortHandle,
    /// Resolves when the member has left.
    gone: oneshot::Receiver<()>,
}

/// At least so much is taken in at once, however small the budget of a poll, so that partitions can take turns.
const INTAKE_BYTES: usize = 64 * 1024;
/// How long a commit that the group refuses because it is changing is tried within the call.
const COMMIT_PATIENCE: Duration = Duration::from_secs(3);
const COMMIT_RETRY: Duration = Duration::from_millis(25);
const OWED_RETRY: Duration = Duration::from_millis(500);

impl KafkaConsumer {
    /// Joins the group in the background; polls hear of the outcome. Runs inside a tokio runtime.
    ///
    /// # Errors
    /// [`LogError::Broken`] for options that cannot be.
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
            lanes: Lanes::default(),
            news: VecDeque::new(),
            draining: false,
            last_epoch: 0,
            owed_tried_at: None,
            silent_until: None,
            gone,
        })
    }

    /// Whether a commit under this assignment still counts: it is ours, or being drained.
    pub fn holds(&self, of: PartitionEpoch) -> bool {
        self.handed_to(of).is_some()
    }

    /// Leaves the group in order, and returns when that is done.
    pub async fn leave(mut self) {
        let gone = std::mem::replace(&mut self.gone, oneshot::channel().1);
        drop(self);
        // It resolves when the client is dropped; nothing is ever sent.
        let _ = gone.await;
    }

    /// Before every record: a partition's first records may come right behind the word that it is ours, and a record
    /// of a partition that is not known to be ours is dropped.
    fn take_notices(&mut self) {
        while let Some(notice) = self.member.group().next_notice() {
            self.take(notice);
        }
    }

    fn next_news(&mut self) -> Option<Polled> {
        let news = self.news.pop_front()?;
        self.draining = matches!(news, Polled::Revoking { .. });
        Some(news)
    }

    /// What happened to the assignment, as something to tell.
    fn take(&mut self, notice: Notice) {
        match notice {
            Notice::Assigned(partitions) => partitions.into_iter().for_each(|partition| self.assigned(partition)),
            Notice::Revoking(list) => self.revoking(list),
            Notice::Lost(partitions) => {
                let lost = partitions.into_iter().filter_map(|partition| self.lanes.close(partition));
                let lost = lost.map(|(epoch, _)| epoch).collect();
                self.lost(lost);
            }
        }
        self.publish_assigned();
    }

    fn publish_assigned(&self) {
        metrics::ASSIGNED_PARTITIONS.handle().set(self.lanes.len() as f64);
    }

    fn assigned(&mut self, partition: Partition) {
        count("assigned", 1);
        // The clock makes epochs grow across members and restarts too, as far as clocks agree; nothing leans on that.
        let now = u64::try_from(self.clock.now().as_millis()).unwrap_or_default();
        self.last_epoch = now.max(self.last_epoch + 1);
        let epoch = PartitionEpoch { partition, epoch: self.last_epoch };
        self.lanes.open(epoch);
        self.news.push_back(Polled::Assigned(epoch));
    }

    fn revoking(&mut self, list: TopicPartitionList) {
        let partitions =
            list.elements().iter().filter_map(|one| u32::try_from(one.partition()).ok()).collect::<Vec<_>>();
        count("revoked", partitions.len());
        let epochs: Vec<_> = partitions.iter().filter_map(|partition| self.lanes.close(*partition)).collect();
        self.member.group().begin_handing_over(list, epochs.clone());
        let partitions: Vec<PartitionEpoch> = epochs.into_iter().map(|(epoch, _)| epoch).collect();
        if partitions.is_empty() {
            self.member.finish_handing_over();
            return;
        }
        let deadline = self.options.consume.drain_deadline;
        self.member.finish_handing_over_after(deadline, partitions.clone());
        self.news.push_back(Polled::Revoking { partitions, deadline });
    }

    fn lost(&mut self, partitions: Vec<PartitionEpoch>) {
        count("lost", partitions.len());
        partitions.iter().for_each(|gone| self.member.commits.forget(*gone));
        if !partitions.is_empty() {
            self.news.push_back(Polled::Lost(partitions));
        }
    }

    /// Takes in what librdkafka has fetched, without waiting, until there is enough for a while.
    fn take_in(&mut self, max_bytes: usize) -> Result<(), LogError> {
        let enough = max_bytes.max(INTAKE_BYTES);
        let member = self.member.clone();
        while self.lanes.ready_bytes() < enough {
            match member.consumer.recv().now_or_never() {
                Some(Ok(message)) => self.keep(&message),
                Some(Err(error)) => self.fail(&error)?,
                None => break,
            }
        }
        Ok(())
    }

    fn keep(&mut self, message: &BorrowedMessage<'_>) {
        self.take_notices();
        let Some(record) = wire::consumed(message, self.options.topics.generation) else { return };
        let partition = record.position.partition;
        // Paused partitions share as much as all may fetch.
        let paused_bytes = self.options.consume.fetch_bytes / self.lanes.len().max(1);
        if self.lanes.take(record, paused_bytes) == Intake::Hold {
            self.member.fetch(partition, false);
        }
    }

    /// An error between records. librdkafka mends most of them by itself; a fatal one costs the membership.
    fn fail(&mut self, error: &KafkaError) -> Result<(), LogError> {
        if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
            tracing::error!(%error, "the consumer failed for good; it joins anew");
            self.rejoin()?;
            return Ok(());
        }
        if let KafkaError::PartitionEOF(partition) = error {
            Partition::try_from(*partition).into_iter().for_each(|partition| self.lanes.at_end(partition));
            return Ok(());
        }
        match error.rdkafka_error_code() {
            // One broker of several, or a poll that came late: what follows from it comes as news of its own.
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
        let lost = self.lanes.close_all();
        self.lost(lost);
        self.publish_assigned();
        Ok(())
    }

    /// Offsets whose commit was refused or lost, as long as they are ours to commit.
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

    /// Only what was handed out under an assignment that is still ours.
    fn may_commit(&self, done: Committable) -> bool {
        self.handed_to(done.partition()).is_some_and(|handed_to| done.next_offset() <= handed_to)
    }

    fn handed_to(&self, of: PartitionEpoch) -> Option<i64> {
        self.lanes.handed_to(of).or_else(|| self.member.group().handed_to(of))
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
            // Whoever polls again has drained what it was asked to.
            self.member.finish_handing_over();
        }
        if let Some(news) = self.next_news() {
            return Ok(news);
        }
        loop {
            self.take_in(max_bytes)?;
            self.take_notices();
            if let Some(news) = self.next_news() {
                return Ok(news);
            }
            self.pay_what_is_owed().await;
            // A partition just assigned is heard of first, so that the others do not have all the turns.
            let now = Instant::now();
            let has_patience = patience.is_none_or(|patience| patience > now);
            let gathers_until = self.lanes.expected_until(now).filter(|_| has_patience);
            if gathers_until.is_none()
                && let Some((from, records)) = self.lanes.next(max_bytes)
            {
                return Ok(Polled::Records(from, records));
            }
            let member = self.member.clone();
            let received = tokio::select! {
                biased;
                received = member.consumer.recv() => Some(received),
                () = member.group().heard.notified() => None,
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
        if self.lanes.pause(partition, paused) {
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
