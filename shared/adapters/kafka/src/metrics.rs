//! The figures of this room.
//!
//! | metric | what |
//! | --- | --- |
//! | `tidegate_kafka_append_total{outcome}` | appends by outcome: `acked`, `not_persisted`, `unknown`, `too_large` |
//! | `tidegate_kafka_producer_queue_bytes`, `…_messages` | what waits for an acknowledgement, by librdkafka's count |
//! | `tidegate_kafka_producer_queue_max_bytes` | at so much, further appends are refused |
//! | `tidegate_kafka_producer_retries_total` | requests that the producer sent again |
//! | `tidegate_kafka_clock_difference_seconds` | by how much this process's clock is ahead of the brokers'; below 0: behind |
//! | `tidegate_kafka_producer_rebuilt_total` | producers replaced after a fatal error |
//! | `tidegate_kafka_broker_rtt_seconds{client,quantile}` | the slowest broker's round trip over the last seconds |
//! | `tidegate_kafka_fetch_queue_bytes` | records fetched and not yet polled |
//! | `tidegate_kafka_assigned_partitions` | partitions that this member owns |
//! | `tidegate_kafka_rebalances_total{kind}` | changes of the assignment: `assigned`, `revoked`, `lost` |
//! | `tidegate_kafka_committed_offset{partition}` | the group's committed offset as read back from the broker |
//! | `tidegate_kafka_commits_behind_total` | read-backs that were behind what had been committed |

use metrics::{Counter, counter, gauge};
use rdkafka::Statistics;

pub const APPEND: &str = "tidegate_kafka_append_total";
pub const PRODUCER_QUEUE_BYTES: &str = "tidegate_kafka_producer_queue_bytes";
pub const PRODUCER_QUEUE_MAX_BYTES: &str = "tidegate_kafka_producer_queue_max_bytes";
pub const PRODUCER_QUEUE_MESSAGES: &str = "tidegate_kafka_producer_queue_messages";
pub const PRODUCER_RETRIES: &str = "tidegate_kafka_producer_retries_total";
pub const PRODUCER_REBUILT: &str = "tidegate_kafka_producer_rebuilt_total";
pub const CLOCK_DIFFERENCE_SECONDS: &str = "tidegate_kafka_clock_difference_seconds";
pub const BROKER_RTT_SECONDS: &str = "tidegate_kafka_broker_rtt_seconds";
pub const FETCH_QUEUE_BYTES: &str = "tidegate_kafka_fetch_queue_bytes";
pub const ASSIGNED_PARTITIONS: &str = "tidegate_kafka_assigned_partitions";
pub const REBALANCES: &str = "tidegate_kafka_rebalances_total";
pub const COMMITTED_OFFSET: &str = "tidegate_kafka_committed_offset";
pub const COMMITS_BEHIND: &str = "tidegate_kafka_commits_behind_total";

/// Appends by outcome.
#[derive(Clone)]
pub struct AppendTally {
    pub acked: Counter,
    pub not_persisted: Counter,
    pub unknown: Counter,
    pub too_large: Counter,
}

impl AppendTally {
    pub fn new() -> Self {
        AppendTally {
            acked: counter!(APPEND, "outcome" => "acked"),
            not_persisted: counter!(APPEND, "outcome" => "not_persisted"),
            unknown: counter!(APPEND, "outcome" => "unknown"),
            too_large: counter!(APPEND, "outcome" => "too_large"),
        }
    }
}

/// Makes what a producer counts, so that a scrape finds it at zero before anything has happened.
pub fn register_producer(queue_max_bytes: usize) {
    gauge!(PRODUCER_QUEUE_BYTES).set(0.0);
    gauge!(PRODUCER_QUEUE_MAX_BYTES).set(queue_max_bytes as f64);
    for name in [PRODUCER_RETRIES, PRODUCER_REBUILT] {
        counter!(name).increment(0);
    }
}

/// The same for a member of a consumer group.
pub fn register_consumer() {
    gauge!(ASSIGNED_PARTITIONS).set(0.0);
    counter!(COMMITS_BEHIND).increment(0);
    for kind in ["assigned", "revoked", "lost"] {
        counter!(REBALANCES, "kind" => kind).increment(0);
    }
}

/// The producer's figures. Retries are counted per producer, so `retries_before` keeps what was published of them.
pub fn publish_producer(figures: &Statistics, retries_before: u64) -> u64 {
    gauge!(PRODUCER_QUEUE_BYTES).set(figures.msg_size as f64);
    gauge!(PRODUCER_QUEUE_MESSAGES).set(figures.msg_cnt as f64);
    publish_rtt(figures, "producer");
    let retries = figures.brokers.values().map(|broker| broker.txretries).sum();
    counter!(PRODUCER_RETRIES).increment(retries - retries_before.min(retries));
    retries
}

/// How far our clock is ahead of the brokers'. It keeps its last value while nothing is acknowledged.
pub fn publish_clock_difference(ahead_ms: i64) {
    gauge!(CLOCK_DIFFERENCE_SECONDS).set(ahead_ms as f64 / 1_000.0);
}

/// The consumer's figures.
pub fn publish_consumer(figures: &Statistics) {
    let partitions = figures.topics.values().flat_map(|topic| topic.partitions.values());
    let queued: u64 = partitions.map(|partition| partition.fetchq_size).sum();
    gauge!(FETCH_QUEUE_BYTES).set(queued as f64);
    publish_rtt(figures, "consumer");
}

/// The slowest broker's, so that the number of series stays what it is however many brokers there are.
fn publish_rtt(figures: &Statistics, client: &'static str) {
    const MICROS_PER_SECOND: f64 = 1_000_000.0;
    let windows = || figures.brokers.values().filter_map(|broker| broker.rtt.as_ref());
    let median = windows().map(|window| window.p50).max().unwrap_or_default();
    let slow = windows().map(|window| window.p99).max().unwrap_or_default();
    for (quantile, micros) in [("0.5", median), ("0.99", slow)] {
        gauge!(BROKER_RTT_SECONDS, "client" => client, "quantile" => quantile).set(micros as f64 / MICROS_PER_SECOND);
    }
}
