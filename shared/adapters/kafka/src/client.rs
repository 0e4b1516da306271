//! What every client of the brokers has: properties, logs, error texts.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tidegate_ports::{FailureCause, LogError};
use tokio::sync::watch;

use crate::{KafkaOptions, failure};

/// How long a question to the brokers (offsets, topics) may take.
pub const QUESTION_TIMEOUT: Duration = Duration::from_secs(5);

/// How often librdkafka tells its figures.
pub const STATISTICS_INTERVAL: Duration = Duration::from_secs(5);

/// The properties that every client shares. Those of a role are set on top, and the operator's own come last.
pub fn base_config(options: &KafkaOptions, role: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &options.brokers)
        .set("client.id", format!("{}-{role}", options.client_id))
        .set("allow.auto.create.topics", "false")
        .set("socket.nagle.disable", "true")
        // A broker that comes back is found within a second.
        .set("reconnect.backoff.max.ms", "1000")
        .set_log_level(RDKafkaLogLevel::Warning);
    config
}

/// The operator's own properties win.
pub fn with_extra(mut config: ClientConfig, options: &KafkaOptions) -> ClientConfig {
    for (name, value) in &options.extra {
        config.set(name, value);
    }
    config
}

/// A client that only asks: its log lines go to ours, its figures to nobody.
pub struct Asking;

impl ClientContext for Asking {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        log_error(&error, reason);
    }
}

impl ConsumerContext for Asking {}

/// How often a client that is only asked is looked after.
const LOOKED_AFTER_EVERY: Duration = Duration::from_millis(200);

/// Has a thread of its own look after a client as long as it is there: librdkafka hands its log lines and errors over only
/// when it is polled, and nobody polls a client that is only asked. `look` must call [`hand_over`] where no record can
/// come that somebody else waits for.
pub fn look_after<R: Send + Sync + 'static>(client: &Arc<R>, look: fn(&R)) -> Result<(), LogError> {
    let client = Arc::downgrade(client);
    let looking = move || {
        while let Some(client) = client.upgrade() {
            look(&client);
            drop(client);
            std::thread::sleep(LOOKED_AFTER_EVERY);
        }
    };
    let thread = std::thread::Builder::new().name("kafka-events".to_owned()).spawn(looking);
    thread.map(drop).map_err(|error| {
        let text = format!("no thread for a client of the brokers: {error}");
        LogError::Unavailable(FailureCause::overloaded(text).caused_by(error))
    })
}

/// Hands over what librdkafka has to say. No record is assigned to this client now: one that still comes is nobody's.
pub fn hand_over(consumer: &BaseConsumer<Asking>) {
    while consumer.poll(Duration::from_millis(5)).is_some() {}
}

/// librdkafka's log line as one of ours.
pub fn log_line(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
            tracing::error!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", facility, "{message}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => tracing::info!(target: "librdkafka", facility, "{message}"),
        RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, "{message}"),
    }
}

/// An error that concerns no call in particular. librdkafka mends what it can by itself. That a partition is read to its
/// end comes this way too, and is none.
pub fn log_error(error: &KafkaError, reason: &str) {
    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF) {
        return;
    }
    tracing::warn!(target: "librdkafka", %error, reason, "the client of the brokers reports an error");
}

/// A client that cannot be made: a property is wrong. librdkafka's text names it, and no value that may be secret.
pub fn broken(error: &KafkaError) -> LogError {
    match error {
        // Without the error as its source: that holds the value.
        KafkaError::ClientConfig(_, text, name, _) => LogError::Broken(
            format!("the property {name} is not accepted: {text}: correct it under kafka.properties").into(),
        ),
        other => LogError::Broken(failure::cause(other.to_string(), other)),
    }
}

pub fn unavailable(error: &KafkaError) -> LogError {
    let text = match error.rdkafka_error_code() {
        Some(
            RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownPartition,
        ) => format!("{error}: is the topic made? `tidegate topics create` makes it"),
        _ => error.to_string(),
    };
    LogError::Unavailable(failure::cause(text, error))
}

/// Runs something that waits for brokers on a thread that may wait.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LogError> + Send + 'static,
) -> Result<T, LogError> {
    let worked = tokio::task::spawn_blocking(work).await;
    worked.map_err(|error| {
        let text = format!("a call to the brokers broke off: {error}");
        LogError::Unavailable(FailureCause::from(text).caused_by(error))
    })?
}

/// Clients that are being closed right now.
static CLOSING: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::Sender::new(0));

/// A client takes a while to close: it is closed on a thread of its own, when nobody waits for it.
pub fn close_aside<T: Send + 'static>(client: T) {
    CLOSING.send_modify(|closing| *closing += 1);
    let close = move || {
        drop(client);
        CLOSING.send_modify(|closing| *closing -= 1);
    };
    if let Err(error) = std::thread::Builder::new().name("kafka-close".to_owned()).spawn(close) {
        // What was to be closed went with the thread that never was.
        tracing::warn!(%error, "no thread to close a client of the brokers on");
        CLOSING.send_modify(|closing| *closing -= 1);
    }
}

/// Waits until every client that was let go of is closed: consumers have left their groups, so that others take over
/// at once and not when the session times out. False if that took longer than `deadline`.
pub async fn all_closed(deadline: Duration) -> bool {
    let mut closing = CLOSING.subscribe();
    let closed = closing.wait_for(|closing| *closing == 0);
    tokio::time::timeout(deadline, closed).await.is_ok()
}

/// Whole milliseconds, at least one, as librdkafka's properties want them.
pub fn millis(duration: Duration) -> String {
    duration.as_millis().max(1).to_string()
}
