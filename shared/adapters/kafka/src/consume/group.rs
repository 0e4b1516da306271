//! The rebalance callbacks of librdkafka, queued as events: partitions are assigned, are being revoked, or are lost.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Statistics, TopicPartitionList};
use tidegate_kernel::{Partition, PartitionEpoch};
use tokio::sync::Notify;

use crate::{client, metrics};

/// One change of the assignment. Events are queued in the order of the callbacks.
pub enum GroupEvent {
    Assigned(Vec<Partition>),
    /// The partitions stay ours until they are unassigned; the group waits for that.
    Revoking(TopicPartitionList),
    Lost(Vec<Partition>),
}

/// The callbacks of a member, and the events that they queue for its polls.
#[derive(Default)]
pub struct GroupCallbacks {
    events: Mutex<VecDeque<GroupEvent>>,
    handing_over: Mutex<Option<HandingOver>>,
    /// Wakes a waiting poll when an event is queued.
    pub event_queued: Notify,
    leaving: AtomicBool,
}

struct HandingOver {
    list: TopicPartitionList,
    epochs: Vec<(PartitionEpoch, i64)>,
}

impl GroupCallbacks {
    pub fn next_event(&self) -> Option<GroupEvent> {
        lock(&self.events).pop_front()
    }

    /// Starts the drain of these partitions, each with the offset after the last record handed out.
    pub fn begin_handing_over(&self, list: TopicPartitionList, epochs: Vec<(PartitionEpoch, i64)>) {
        *lock(&self.handing_over) = Some(HandingOver { list, epochs });
    }

    /// The offset after the last record handed out of a partition that is being drained; `None` for any other
    /// partition.
    pub fn handed_to(&self, of: PartitionEpoch) -> Option<i64> {
        let handing_over = lock(&self.handing_over);
        let mut epochs = handing_over.iter().flat_map(|handing| &handing.epochs);
        epochs.find(|(epoch, _)| *epoch == of).map(|(_, handed_to)| *handed_to)
    }

    /// Whether any of these partitions is still being drained.
    pub fn is_handing_over(&self, any_of: &[PartitionEpoch]) -> bool {
        any_of.iter().any(|epoch| self.handed_to(*epoch).is_some())
    }

    /// Unassigns the partitions that were being drained and returns them, so that the group can continue. Does nothing
    /// if none is being drained.
    pub fn finish_handing_over<C: ConsumerContext, M: Consumer<C>>(&self, consumer: &M) -> Vec<PartitionEpoch> {
        let Some(done) = lock(&self.handing_over).take() else { return Vec::new() };
        log_failure("unassign", consumer.incremental_unassign(&done.list));
        done.epochs.into_iter().map(|(epoch, _)| epoch).collect()
    }

    /// From now on a revocation is confirmed at once, without a drain.
    pub fn begin_leaving(&self) {
        self.leaving.store(true, Ordering::Release);
    }

    fn queue_event(&self, event: GroupEvent) {
        lock(&self.events).push_back(event);
        self.event_queued.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn log_failure(what: &str, result: KafkaResult<()>) {
    if let Err(error) = result {
        tracing::error!(%error, "partitions could not be taken or given up: {what}");
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<Partition> {
    list.elements().iter().filter_map(|element| u32::try_from(element.partition()).ok()).collect()
}

impl ConsumerContext for GroupCallbacks {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, code: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let leaving = self.leaving.load(Ordering::Acquire);
        if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            log_failure("assign", consumer.incremental_assign(list));
            self.queue_event(GroupEvent::Assigned(partitions(list)));
        } else if leaving || consumer.assignment_lost() {
            log_failure("unassign", consumer.incremental_unassign(list));
            self.queue_event(GroupEvent::Lost(partitions(list)));
        } else {
            // Unassigned later: the records already read are applied and committed first, and the group waits for that.
            self.queue_event(GroupEvent::Revoking(list.clone()));
        }
    }
}

impl ClientContext for GroupCallbacks {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client::log_error(&error, reason);
    }

    fn stats(&self, figures: Statistics) {
        metrics::publish_consumer(&figures);
    }
}
