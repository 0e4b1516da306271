//! The producer behind appends: a byte budget, a delivery report for each message, and a new instance after a fatal
//! error.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Message as _, OwnedHeaders, Timestamp};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, PurgeConfig, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext, Statistics};
use tidegate_ports::{FailureCause, LogError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::clock_ahead::ClockAhead;
use super::delivery::{self, Delivery};
use crate::wire::OVERHEAD_BYTES;
use crate::{KafkaOptions, client, metrics};

/// A message to send.
pub struct Outgoing<'m> {
    pub topic: &'m str,
    pub partition: u32,
    pub key: Option<&'m str>,
    pub headers: OwnedHeaders,
    pub payload: &'m [u8],
    /// Milliseconds by the sender's clock; a topic with `LogAppendTime` replaces it.
    pub sent_at_ms: i64,
}

/// Size limits of sent messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Bytes of one message with its key and headers.
    pub message_bytes: usize,
    /// Bytes of one batch. No topic accepts less, so a batch of small messages is never refused for its size.
    pub batch_bytes: usize,
}

impl Capacity {
    /// The limits of the records topic.
    pub fn records(options: &KafkaOptions) -> Self {
        let bytes = options.append.max_record_bytes + OVERHEAD_BYTES;
        Capacity { message_bytes: bytes, batch_bytes: bytes.min(BATCH_BYTES) }
    }
}

/// Bytes of a batch of several messages at most: librdkafka's own limit.
pub const BATCH_BYTES: usize = 1_000_000;

/// Sends messages and returns the delivery of each. After a fatal error a new librdkafka producer takes over.
pub struct Producer {
    config: ClientConfig,
    current: RwLock<Instance>,
    permits: Arc<Semaphore>,
    queue_bytes: usize,
    waiting: Arc<AtomicUsize>,
    closing: AtomicBool,
    /// How long a delivery report may take, whatever the state of librdkafka.
    patience: Duration,
}

/// One librdkafka producer.
#[derive(Clone)]
struct Instance {
    producer: Arc<ThreadedProducer<Reports>>,
    made_at: Instant,
}

/// Time between two new instances at least, for a producer that fails as soon as it is created.
const REBUILD_PAUSE: Duration = Duration::from_secs(1);

impl Producer {
    /// `publishes`: whether this producer publishes librdkafka's statistics; one producer of a process may.
    pub fn new(options: &KafkaOptions, role: &str, capacity: Capacity, publishes: bool) -> Result<Producer, LogError> {
        let config = config(options, role, capacity, publishes);
        let waiting = Arc::new(AtomicUsize::new(0));
        let current = Instance::new(&config).map_err(|error| client::broken(&error))?;
        let queue_bytes = options.append.queue_bytes.min(Semaphore::MAX_PERMITS);
        Ok(Producer {
            config,
            current: RwLock::new(current),
            permits: Arc::new(Semaphore::new(queue_bytes)),
            queue_bytes,
            waiting,
            closing: AtomicBool::new(false),
            patience: options.longest_append(),
        })
    }

    /// Sends a message and returns when its delivery is known.
    pub async fn send(&self, message: Outgoing<'_>) -> Delivery {
        let answer = match self.queue(message) {
            Ok(answer) => answer,
            Err(delivery) => return delivery,
        };
        match tokio::time::timeout(self.patience, answer).await {
            Ok(Ok(delivery)) => delivery,
            Ok(Err(_)) => Delivery::Unknown("its producer was torn down".into()),
            Err(_) => Delivery::Unknown(FailureCause::timeout(format!("no report came within {:?}", self.patience))),
        }
    }

    fn queue(&self, message: Outgoing<'_>) -> Result<oneshot::Receiver<Delivery>, Delivery> {
        // Counted before the check: `close` then either counts this message, or this call sees that it is closing.
        let count = Counted::new(&self.waiting);
        if self.closing.load(Ordering::SeqCst) {
            return Err(Delivery::NotPersisted("the producer is closed".into()));
        }
        let bytes = message.payload.len() + message.key.map_or(0, str::len) + OVERHEAD_BYTES.min(256);
        let full = || {
            let (free, of) = (self.permits.available_permits(), self.queue_bytes);
            let cause = format!("{bytes} bytes do not fit the queue: {free} of {of} are free; raise kafka.queue_bytes");
            Delivery::NotPersisted(FailureCause::overloaded(cause))
        };
        let permits = self.permits.clone().try_acquire_many_owned(u32::try_from(bytes).map_err(|_| full())?);
        let permits = permits.map_err(|_| full())?;
        let (reply, answer) = oneshot::channel();
        let sent_at_ms = message.sent_at_ms;
        let waiting = Box::new(Waiting { reply, sent_at_ms, _permit: permits, _count: count });
        let instance = self.instance()?;
        let mut record = BaseRecord::with_opaque_to(message.topic, waiting)
            .partition(i32::try_from(message.partition).unwrap_or(i32::MAX))
            .payload(message.payload)
            .timestamp(sent_at_ms)
            .headers(message.headers);
        record.key = message.key;
        match instance.producer.send(record) {
            Ok(()) => Ok(answer),
            Err((error, _)) => {
                if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
                    instance.producer.context().broken.store(true, Ordering::Release);
                }
                Err(delivery::refused(&error))
            }
        }
    }

    /// The instance in use. A broken one is replaced first.
    fn instance(&self) -> Result<Instance, Delivery> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        if !current.is_broken() {
            return Ok(current);
        }
        let mut slot = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if !slot.is_broken() {
            return Ok(slot.clone());
        }
        if slot.made_at.elapsed() < REBUILD_PAUSE {
            return Err(Delivery::NotPersisted(format!("{}; another one is made shortly", slot.why_broken()).into()));
        }
        let made = Instance::new(&self.config).map_err(|error| delivery::refused(&error))?;
        tracing::error!(cause = slot.why_broken(), "the producer failed for good; another one takes over");
        metrics::PRODUCER_REBUILT.handle().increment(1);
        let broken = std::mem::replace(&mut *slot, made);
        // Closing sends the outstanding reports: queued messages are not persisted, messages in flight are unknown.
        client::close_aside(broken);
        Ok(slot.clone())
    }

    /// Refuses new messages, waits up to `deadline` for outstanding reports, and counts the messages left; their
    /// callers get an error.
    pub async fn close(&self, deadline: Duration) -> usize {
        self.closing.store(true, Ordering::SeqCst);
        let instance = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        let waiting = self.waiting.clone();
        let closing = tokio::task::spawn_blocking(move || {
            let left = drained(&instance, &waiting, deadline);
            instance.producer.purge(PurgeConfig::default().queue().inflight());
            // Delivers the reports of purged messages; without them their callers would wait until their timeout.
            let _ = instance.producer.flush(Duration::from_millis(500));
            left
        });
        closing.await.unwrap_or_else(|_| self.waiting.load(Ordering::Acquire))
    }

    /// Milliseconds by which our clock is ahead of the brokers'; `None` if nothing was acknowledged lately.
    pub fn clock_ahead_ms(&self) -> Option<i64> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.producer.context().clock_ahead.lately()
    }

    /// Messages whose report is outstanding.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        let slot = self.current.get_mut().unwrap_or_else(PoisonError::into_inner);
        client::close_aside(slot.clone());
    }
}

impl Instance {
    fn new(config: &ClientConfig) -> Result<Instance, KafkaError> {
        let reports =
            Reports { broken: AtomicBool::new(false), retries: AtomicU64::new(0), clock_ahead: ClockAhead::default() };
        let producer = Arc::new(config.create_with_context(reports)?);
        Ok(Instance { producer, made_at: Instant::now() })
    }

    fn is_broken(&self) -> bool {
        self.producer.context().broken.load(Ordering::Acquire)
    }

    fn why_broken(&self) -> String {
        let fatal = self.producer.client().fatal_error();
        fatal.map_or_else(|| "a fatal error".to_owned(), |(code, text)| format!("{code}: {text}"))
    }
}

/// Flushes until every message has its report, up to `deadline`, and counts the messages left. Our own count decides:
/// a flush may end before the last report is handled, or before a message just accepted is in the queue.
fn drained(instance: &Instance, waiting: &AtomicUsize, deadline: Duration) -> usize {
    let until = Instant::now() + deadline;
    loop {
        let time_left = until.saturating_duration_since(Instant::now());
        let flushed = instance.producer.flush(time_left);
        let left = waiting.load(Ordering::SeqCst);
        if left == 0 || time_left.is_zero() {
            return left;
        }
        match flushed {
            Ok(()) => std::thread::sleep(Duration::from_millis(1)),
            Err(error) => {
                tracing::warn!(%error, "flushing the producer ended early");
                std::thread::sleep(Duration::from_millis(50).min(time_left));
            }
        }
    }
}

fn config(options: &KafkaOptions, role: &str, capacity: Capacity, publishes: bool) -> ClientConfig {
    let append = &options.append;
    let statistics = if publishes { client::millis(client::STATISTICS_INTERVAL) } else { "0".to_owned() };
    let mut config = client::base_config(options, role);
    config
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("compression.type", append.compression.as_str())
        .set("linger.ms", append.linger.as_millis().to_string())
        .set("request.timeout.ms", client::millis(append.request_timeout))
        // The client's timeout of a request, a little longer than the broker's.
        .set("socket.timeout.ms", client::millis(append.request_timeout + Duration::from_millis(500)))
        .set("message.timeout.ms", client::millis(append.message_timeout))
        // A missing topic is reported before the message times out.
        .set("topic.metadata.propagation.max.ms", client::millis(append.message_timeout / 2))
        .set("message.max.bytes", capacity.message_bytes.to_string())
        .set("batch.size", capacity.batch_bytes.to_string())
        // Our own byte budget applies first; librdkafka's limits must not be reached before it.
        .set("queue.buffering.max.messages", "0")
        .set("queue.buffering.max.kbytes", (append.queue_bytes / 512).max(1_024).to_string())
        .set("statistics.interval.ms", statistics);
    client::with_extra(config, options)
}

/// The state of a message that waits for its report: the caller's channel, its bytes of the budget, its count.
pub struct Waiting {
    reply: oneshot::Sender<Delivery>,
    /// Milliseconds by our clock.
    sent_at_ms: i64,
    _permit: OwnedSemaphorePermit,
    _count: Counted,
}

struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Counted(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Handles librdkafka's callbacks.
struct Reports {
    broken: AtomicBool,
    /// Retries published so far.
    retries: AtomicU64,
    clock_ahead: ClockAhead,
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            self.broken.store(true, Ordering::Release);
        }
        client::log_error(&error, reason);
    }

    fn stats(&self, figures: Statistics) {
        let before = self.retries.load(Ordering::Relaxed);
        self.retries.store(metrics::publish_producer(&figures, before), Ordering::Relaxed);
        if let Some(ahead_ms) = self.clock_ahead.turn() {
            metrics::publish_clock_difference(ahead_ms);
        }
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Waiting>;

    fn delivery(&self, report: &DeliveryResult<'_>, waiting: Box<Waiting>) {
        if let Err((error, _)) = report
            && error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal)
        {
            self.broken.store(true, Ordering::Release);
        }
        // The caller must find its permits returned and its message not counted when it gets the report.
        let Waiting { reply, sent_at_ms, _permit: permits, _count: count } = *waiting;
        if let Ok(message) = report
            && let Timestamp::LogAppendTime(appended_at_ms) = message.timestamp()
        {
            self.clock_ahead.note(sent_at_ms - appended_at_ms);
        }
        drop((permits, count));
        // The caller may have left.
        let _ = reply.send(delivery::delivered(report));
    }
}

#[cfg(test)]
mod tests {
    use tidegate_kernel::Region;

    use super::*;
    use crate::Topics;

    #[test]
    fn a_record_is_acknowledged_by_all_replicas_in_sync_and_a_retry_repeats_none() {
        let options = KafkaOptions::new("broker:9092", Topics::named("tidegate", Region::Eu, 1), 12);
        let config = config(&options, "ingest", Capacity::records(&options), true);
        assert_eq!((config.get("acks"), config.get("enable.idempotence")), (Some("all"), Some("true")));
    }
}
