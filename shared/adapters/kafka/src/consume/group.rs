//! What the group tells this member: partitions come, are to be handed over, are gone.

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

/// A change of the assignment, in the order told.
pub enum Notice {
    Assigned(Vec<Partition>),
    /// They stay ours until they are unassigned: the group waits for it.
    Revoking(TopicPartitionList),
    Lost(Vec<Partition>),
}

/// The callbacks of a member and what they leave for its polls.
#[derive(Default)]
pub struct Group {
    notices: Mutex<VecDeque<Notice>>,
    handing_over: Mutex<Option<HandingOver>>,
    /// Wakes a poll that waits.
    pub heard: Notify,
    leaving: AtomicBool,
}

struct HandingOver {
    list: TopicPartitionList,
    epochs: Vec<(PartitionEpoch, i64)>,
}

impl Group {
    pub fn next_notice(&self) -> Option<Notice> {
        lock(&self.notices).pop_front()
    }

    /// These are being drained; each with how far it was handed out.
    pub fn begin_handing_over(&self, list: TopicPartitionList, epochs: Vec<(PartitionEpoch, i64)>) {
        *lock(&self.handing_over) = Some(HandingOver { list, epochs });
    }

    /// How far a partition that is being drained was handed out; `None` if it is none of those.
    pub fn handed_to(&self, of: PartitionEpoch) -> Option<i64> {
        let handing_over = lock(&self.handing_over);
        let mut epochs = handing_over.iter().flat_map(|handing| &handing.epochs);
        epochs.find(|(epoch, _)| *epoch == of).map(|(_, handed_to)| *handed_to)
    }

    /// Whether these are being drained still.
    pub fn is_handing_over(&self, any_of: &[PartitionEpoch]) -> bool {
        any_of.iter().any(|epoch| self.handed_to(*epoch).is_some())
    }

    /// Gives up what was being drained, and returns it: the group goes on. Changes nothing if there is none.
    pub fn finish_handing_over<C: ConsumerContext, M: Consumer<C>>(&self, consumer: &M) -> Vec<PartitionEpoch> {
        let Some(done) = lock(&self.handing_over).take() else { return Vec::new() };
        log_failure("unassign", consumer.incremental_unassign(&done.list));
        done.epochs.into_iter().map(|(epoch, _)| epoch).collect()
    }

    /// From now on a revocation is agreed to at once.
    pub fn begin_leaving(&self) {
        self.leaving.store(true, Ordering::Release);
    }

    fn tell(&self, notice: Notice) {
        lock(&self.notices).push_back(notice);
        self.heard.notify_one();
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

impl ConsumerContext for Group {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, code: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let leaving = self.leaving.load(Ordering::Acquire);
        if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            log_failure("assign", consumer.incremental_assign(list));
            self.tell(Notice::Assigned(partitions(list)));
        } else if leaving || consumer.assignment_lost() {
            log_failure("unassign", consumer.incremental_unassign(list));
            self.tell(Notice::Lost(partitions(list)));
        } else {
            // Not unassigned here: what was read is applied and committed first. The group waits for it.
            self.tell(Notice::Revoking(list.clone()));
        }
    }
}

impl ClientContext for Group {
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
