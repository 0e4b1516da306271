//! One group membership: librdkafka's consumer, partitions being handed over, and commits with their outcome.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use tidegate_kernel::{Committable, Partition, PartitionEpoch};
use tidegate_ports::{FailureCause, LogError};
use tokio::sync::oneshot;

use super::commits::{Commits, is_changing};
use super::group::GroupCallbacks;
use crate::{GroupProtocol, KafkaOptions, client, failure};

/// One membership of the group. It leaves the group when the last reference is dropped.
pub struct Member {
    pub consumer: StreamConsumer<GroupCallbacks>,
    pub commits: Commits,
    topic: String,
    /// Dropped after the consumer: the receiver then knows that the member has left.
    _gone: oneshot::Sender<()>,
}

/// A commit that the broker did not acknowledge.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct CommitFailure {
    cause: FailureCause,
    /// The group is rebalancing: a retry of the same commit may succeed.
    pub changing: bool,
}

/// How long the broker may take to answer a commit, for example while the coordinator moves.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(5);

impl Member {
    pub fn join(options: &KafkaOptions, group: &str) -> Result<(Arc<Member>, oneshot::Receiver<()>), LogError> {
        let made = config(options, group).create_with_context(GroupCallbacks::default());
        let consumer: StreamConsumer<GroupCallbacks> = made.map_err(|error| client::broken(&error))?;
        let topic = options.topics.records.clone();
        consumer.subscribe(&[&topic]).map_err(|error| client::broken(&error))?;
        let (sender, gone) = oneshot::channel();
        Ok((Arc::new(Member { consumer, commits: Commits::default(), topic, _gone: sender }), gone))
    }

    pub fn group(&self) -> &GroupCallbacks {
        self.consumer.context()
    }

    /// Gives up the partitions that were being drained. Does nothing if there are none.
    pub fn finish_handing_over(&self) {
        for gone in self.group().finish_handing_over(&self.consumer) {
            self.commits.forget(gone);
        }
    }

    /// Gives up these partitions after `deadline` if they are still being drained: later commits of a stuck owner must
    /// not count. librdkafka releases the partitions only when it is polled, so the other members wait for that, or for
    /// the end of the owner's poll interval.
    pub fn finish_handing_over_after(self: &Arc<Self>, deadline: Duration, partitions: Vec<PartitionEpoch>) {
        let member = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(deadline).await;
            if let Some(member) = member.upgrade()
                && member.group().is_handing_over(&partitions)
            {
                tracing::warn!(
                    ?partitions,
                    deadline_ms = deadline.as_millis() as u64,
                    "given up before they were drained"
                );
                member.finish_handing_over();
            }
        });
    }

    /// Gives up what is being drained; later revocations are confirmed at once.
    pub fn begin_leaving(&self) {
        self.group().begin_leaving();
        self.finish_handing_over();
    }

    /// Resumes or pauses librdkafka's fetching of a partition.
    pub fn fetch(&self, partition: Partition, wanted: bool) {
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.topic, i32::try_from(partition).unwrap_or(i32::MAX));
        let switched = if wanted { self.consumer.resume(&list) } else { self.consumer.pause(&list) };
        if let Err(error) = switched {
            tracing::warn!(%error, partition, wanted, "fetching was not paused or resumed");
        }
    }

    /// Commits an offset and returns when the broker has answered.
    pub async fn commit(self: &Arc<Self>, done: Committable) -> Result<(), CommitFailure> {
        let member = self.clone();
        let committing = tokio::task::spawn_blocking(move || member.commit_blocking(done));
        match tokio::time::timeout(COMMIT_TIMEOUT, committing).await {
            Ok(Ok(Ok(()))) => {
                self.commits.paid(done);
                Ok(())
            }
            Ok(Ok(Err(error))) => {
                Err(CommitFailure { cause: failure::cause(error.to_string(), &error), changing: is_changing(&error) })
            }
            Ok(Err(error)) => Err(CommitFailure {
                cause: FailureCause::from(format!("the commit broke off: {error}")).caused_by(error),
                changing: false,
            }),
            Err(_) => Err(CommitFailure {
                cause: FailureCause::timeout(format!("no answer to a commit within {COMMIT_TIMEOUT:?}")),
                changing: false,
            }),
        }
    }

    fn commit_blocking(&self, done: Committable) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        let partition = i32::try_from(done.partition().partition).unwrap_or(i32::MAX);
        list.add_partition_offset(&self.topic, partition, Offset::Offset(done.next_offset()))?;
        self.consumer.commit(&list, CommitMode::Sync)
    }
}

impl From<CommitFailure> for LogError {
    fn from(failure: CommitFailure) -> Self {
        let in_words = |cause: &str| format!("an offset is not committed yet, polls try it again: {cause}");
        LogError::Unavailable(failure.cause.in_words(in_words))
    }
}

fn config(options: &KafkaOptions, group: &str) -> ClientConfig {
    let consume = &options.consume;
    let fetch_bytes = consume.fetch_bytes.max(64 * 1_024);
    let mut config = client::base_config(options, "persist");
    config
        .set("group.id", group)
        .set("group.protocol", consume.protocol.as_str())
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("check.crcs", "true")
        .set("enable.partition.eof", "true")
        .set("max.poll.interval.ms", client::millis(max_poll_interval(options)))
        .set("queued.max.messages.kbytes", (fetch_bytes / 1_024).to_string())
        .set("fetch.max.bytes", fetch_bytes.to_string())
        .set("fetch.message.max.bytes", (fetch_bytes / 4).to_string())
        // The bound on sent messages, which librdkafka requires to be below `fetch.max.bytes`. Larger records are still
        // fetched: the broker sends at least one batch.
        .set("message.max.bytes", fetch_bytes.min(1_000_000).to_string())
        // With a queue this small the default of 1 s would delay every refill.
        .set("fetch.queue.backoff.ms", "5")
        .set("fetch.wait.max.ms", "500")
        .set("socket.timeout.ms", "10000")
        .set("statistics.interval.ms", client::millis(client::STATISTICS_INTERVAL));
    if consume.protocol == GroupProtocol::Classic {
        // The new protocol takes both from the broker and rejects client settings.
        let session = client::millis(consume.session_timeout);
        let heartbeat = client::millis((consume.session_timeout / 10).min(Duration::from_secs(3)));
        config
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", session)
            .set("heartbeat.interval.ms", heartbeat);
    }
    client::with_extra(config, options)
}

/// A member that does not poll for this long loses its partitions. Longer than any drain.
fn max_poll_interval(options: &KafkaOptions) -> Duration {
    (options.consume.session_timeout * 2).max(Duration::from_secs(60))
}
