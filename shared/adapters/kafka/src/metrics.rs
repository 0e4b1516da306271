//! The metrics of the log on Kafka.

use rdkafka::Statistics;
use tidegate_metric::Counter;

tidegate_metric::declare! {
    pub(crate) APPEND: Counter = "tidegate_kafka_append_total" { outcome },
        "Appends by outcome (acked, not_persisted, unknown, too_large).";
    pub(crate) PRODUCER_QUEUE_BYTES: Gauge = "tidegate_kafka_producer_queue_bytes",
        "Bytes that wait for an acknowledgement, by librdkafka's count.";
    pub(crate) PRODUCER_QUEUE_MAX_BYTES: Gauge = "tidegate_kafka_producer_queue_max_bytes",
        "The most that may wait for an acknowledgement; further appends are refused.";
    pub(crate) PRODUCER_QUEUE_MESSAGES: Gauge = "tidegate_kafka_producer_queue_messages",
        "Records that wait for an acknowledgement, by librdkafka's count.";
    pub(crate) PRODUCER_RETRIES: Counter = "tidegate_kafka_producer_retries_total",
        "Requests that the producer retried.";
    pub(crate) PRODUCER_REBUILT: Counter = "tidegate_kafka_producer_rebuilt_total",
        "Producers replaced after a fatal error.";
    pub(crate) CLOCK_DIFFERENCE_SECONDS: Gauge = "tidegate_kafka_clock_difference_seconds",
        "By how much this process's clock is ahead of the brokers'; below 0 while it is behind.";
    pub(crate) BROKER_RTT_SECONDS: Gauge = "tidegate_kafka_broker_rtt_seconds" { client, quantile },
        "The slowest broker's round trip over the last seconds, by client (producer, consumer) and quantile (0.5, 0.99).";
    pub(crate) FETCH_QUEUE_BYTES: Gauge = "tidegate_kafka_fetch_queue_bytes",
        "Bytes of records fetched and not yet polled.";
    pub(crate) ASSIGNED_PARTITIONS: Gauge = "tidegate_kafka_assigned_partitions",
        "Partitions that this member of the consumer group owns.";
    pub(crate) REBALANCES: Counter = "tidegate_kafka_rebalances_total" { kind },
        "Changes of the assignment in partitions, by kind (assigned, revoked, lost).";
    pub(crate) COMMITTED_OFFSET: Gauge = "tidegate_kafka_committed_offset" { partition },
        "The group's committed offset as read back from the broker, by partition.";
    pub(crate) COMMITS_BEHIND: Counter = "tidegate_kafka_commits_behind_total",
        "Times that the offset read back from the broker was lower than the committed one.";
}

/// Counters of appends, by outcome.
#[derive(Clone)]
pub struct AppendCounters {
    pub acked: Counter,
    pub not_persisted: Counter,
    pub unknown: Counter,
    pub too_large: Counter,
}

impl AppendCounters {
    pub fn new() -> Self {
        AppendCounters {
            acked: APPEND.with([("outcome", "acked")]),
            not_persisted: APPEND.with([("outcome", "not_persisted")]),
            unknown: APPEND.with([("outcome", "unknown")]),
            too_large: APPEND.with([("outcome", "too_large")]),
        }
    }
}

/// Registers the producer's metrics, so that a scrape shows them at zero before the first append.
pub fn register_producer(queue_max_bytes: usize) {
    PRODUCER_QUEUE_BYTES.handle().set(0.0);
    PRODUCER_QUEUE_MAX_BYTES.handle().set(queue_max_bytes as f64);
    for counter in [PRODUCER_RETRIES, PRODUCER_REBUILT] {
        counter.handle().increment(0);
    }
}

/// Registers the metrics of a consumer group member at zero.
pub fn register_consumer() {
    ASSIGNED_PARTITIONS.handle().set(0.0);
    COMMITS_BEHIND.handle().increment(0);
    for kind in ["assigned", "revoked", "lost"] {
        REBALANCES.with([("kind", kind)]).increment(0);
    }
}

/// Publishes the producer's statistics and returns its retries so far. librdkafka counts retries per producer, so only
/// those above `retries_before` are added.
pub fn publish_producer(figures: &Statistics, retries_before: u64) -> u64 {
    PRODUCER_QUEUE_BYTES.handle().set(figures.msg_size as f64);
    PRODUCER_QUEUE_MESSAGES.handle().set(figures.msg_cnt as f64);
    publish_rtt(figures, "producer");
    let retries = figures.brokers.values().map(|broker| broker.txretries).sum();
    PRODUCER_RETRIES.handle().increment(retries - retries_before.min(retries));
    retries
}

/// Publishes how far our clock is ahead of the brokers'. The metric keeps its value while nothing is acknowledged.
pub fn publish_clock_difference(ahead_ms: i64) {
    CLOCK_DIFFERENCE_SECONDS.handle().set(ahead_ms as f64 / 1_000.0);
}

/// Publishes the consumer's statistics.
pub fn publish_consumer(figures: &Statistics) {
    let partitions = figures.topics.values().flat_map(|topic| topic.partitions.values());
    let queued: u64 = partitions.map(|partition| partition.fetchq_size).sum();
    FETCH_QUEUE_BYTES.handle().set(queued as f64);
    publish_rtt(figures, "consumer");
}

/// Publishes the slowest broker's round trip, so that the number of series does not grow with the brokers.
fn publish_rtt(figures: &Statistics, client: &'static str) {
    const MICROS_PER_SECOND: f64 = 1_000_000.0;
    let windows = || figures.brokers.values().filter_map(|broker| broker.rtt.as_ref());
    let median = windows().map(|window| window.p50).max().unwrap_or_default();
    let slow = windows().map(|window| window.p99).max().unwrap_or_default();
    for (quantile, micros) in [("0.5", median), ("0.99", slow)] {
        BROKER_RTT_SECONDS.with([("client", client), ("quantile", quantile)]).set(micros as f64 / MICROS_PER_SECOND);
    }
}
