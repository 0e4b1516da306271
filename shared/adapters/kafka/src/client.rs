//! Properties, logs and error texts that all clients of the brokers share.

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

/// How long a request to the brokers about offsets or topics may take.
pub const QUESTION_TIMEOUT: Duration = Duration::from_secs(5);

/// How often librdkafka reports its statistics.
pub const STATISTICS_INTERVAL: Duration = Duration::from_secs(5);

/// The properties that every client shares. Each role adds its own, and the operator's come last.
pub fn base_config(options: &KafkaOptions, role: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &options.brokers)
        .set("client.id", format!("{}-{role}", options.client_id))
        .set("allow.auto.create.topics", "false")
        .set("socket.nagle.disable", "true")
        // Reconnects within a second when a broker comes back.
        .set("reconnect.backoff.max.ms", "1000")
        .set_log_level(RDKafkaLogLevel::Warning);
    config
}

/// Adds the operator's own properties, which override ours.
pub fn with_extra(mut config: ClientConfig, options: &KafkaOptions) -> ClientConfig {
    for (name, value) in &options.extra {
        config.set(name, value);
    }
    config
}

/// The context of a client that only sends requests: its log lines go to our log, its statistics are not published.
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

/// How often such a client is polled for its log lines and errors.
const LOOKED_AFTER_EVERY: Duration = Duration::from_millis(200);

/// Starts a thread that calls `look` regularly while the client exists: librdkafka hands log lines and errors over only
/// when it is polled, and a client that only sends requests is not polled otherwise. `look` must call [`hand_over`]
/// only while no other thread waits for a record of this client.
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

/// Polls until librdkafka has no more log lines and errors. No partition is assigned now, so a late record is dropped.
pub fn hand_over(consumer: &BaseConsumer<Asking>) {
    while consumer.poll(Duration::from_millis(5)).is_some() {}
}

/// Writes librdkafka's log line to our log.
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

/// Logs an error that belongs to no call in particular; librdkafka recovers from most by itself. The end of a partition
/// is reported this way too and is not logged.
pub fn log_error(error: &KafkaError, reason: &str) {
    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF) {
        return;
    }
    tracing::warn!(target: "librdkafka", %error, reason, "the client of the brokers reports an error");
}

/// The error of a client that cannot be created because a property is wrong. The text names the property and no value,
/// which may be secret.
pub fn broken(error: &KafkaError) -> LogError {
    match error {
        // Not as the source: the error holds the value.
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

/// Runs a blocking call to the brokers on a thread where blocking is allowed.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LogError> + Send + 'static,
) -> Result<T, LogError> {
    let worked = tokio::task::spawn_blocking(work).await;
    worked.map_err(|error| {
        let text = format!("a call to the brokers broke off: {error}");
        LogError::Unavailable(FailureCause::from(text).caused_by(error))
    })?
}

/// How many clients are being closed now.
static CLOSING: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::Sender::new(0));

/// Closes a client on its own thread, since closing takes a while and the caller need not wait.
pub fn close_aside<T: Send + 'static>(client: T) {
    CLOSING.send_modify(|closing| *closing += 1);
    let close = move || {
        drop(client);
        CLOSING.send_modify(|closing| *closing -= 1);
    };
    if let Err(error) = std::thread::Builder::new().name("kafka-close".to_owned()).spawn(close) {
        // The client was dropped with the closure of the thread that did not start.
        tracing::warn!(%error, "no thread to close a client of the brokers on");
        CLOSING.send_modify(|closing| *closing -= 1);
    }
}

/// Waits until every dropped client is closed: its consumers have then left their groups, and other members take over
/// at once instead of after the session timeout. False if that took longer than `deadline`.
pub async fn all_closed(deadline: Duration) -> bool {
    let mut closing = CLOSING.subscribe();
    let closed = closing.wait_for(|closing| *closing == 0);
    tokio::time::timeout(deadline, closed).await.is_ok()
}

/// Whole milliseconds, at least one, in the form of librdkafka's properties.
pub fn millis(duration: Duration) -> String {
    duration.as_millis().max(1).to_string()
}
