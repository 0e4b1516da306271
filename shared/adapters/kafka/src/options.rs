//! Options of the log on Kafka.

use std::fmt;
use std::time::Duration;

use tidegate_kernel::Region;
use tidegate_ports::LogError;

use crate::wire::{COMMAND_FORMAT, RECORD_FORMAT};

/// The address of the log and how it is used. Every type of this crate is created from these options.
#[derive(Clone)]
pub struct KafkaOptions {
    /// Bootstrap brokers, `host:port` separated by commas.
    pub brokers: String,
    /// Client id that this process sends to the brokers.
    pub client_id: String,
    pub topics: Topics,
    /// Partitions of the records topic, fixed for a generation: every front door computes a record's partition from the
    /// key's hash and this count. The start-up check compares the topic with it.
    pub partitions: u32,
    pub append: AppendOptions,
    pub consume: ConsumeOptions,
    /// Further librdkafka properties (`security.protocol`, `sasl.*`, `ssl.*`, …); they override ours.
    pub extra: Vec<(String, String)>,
}

/// The topics of one region and generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    pub records: String,
    /// Empty: there is none, since nothing is dead-lettered.
    pub dead_letters: String,
    /// Part of every position: records of a later generation win over those of an earlier one.
    pub generation: u16,
    /// The header `tidegate-format` of every record.
    pub format: &'static str,
}

impl Topics {
    /// `tidegate.<api>.eu.records.g1`, without a topic of dead letters: a command is never skipped. Such a topic has
    /// one generation.
    pub fn of_commands(prefix: &str, api: &str, region: Region) -> Topics {
        let named = Topics::named(&format!("{prefix}.{api}"), region, 1);
        Topics { dead_letters: String::new(), format: COMMAND_FORMAT, ..named }
    }

    /// `tidegate.eu.records.g1` and `tidegate.eu.dead-letters.g1`.
    pub fn named(prefix: &str, region: Region, generation: u16) -> Topics {
        let region = region.as_str();
        Topics {
            records: format!("{prefix}.{region}.records.g{generation}"),
            dead_letters: format!("{prefix}.{region}.dead-letters.g{generation}"),
            generation,
            format: RECORD_FORMAT,
        }
    }
}

/// How records are appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppendOptions {
    /// Bytes of the largest accepted record, without key and headers.
    pub max_record_bytes: usize,
    /// Bytes of records that may wait for their acknowledgement; appends beyond it are refused at once.
    pub queue_bytes: usize,
    /// How long a record waits for others to share its request.
    pub linger: Duration,
    /// How long the broker may take to acknowledge.
    pub request_timeout: Duration,
    /// How long a record may take in total, with retries. Longer than `request_timeout`.
    pub message_timeout: Duration,
    pub compression: Compression,
}

impl Default for AppendOptions {
    fn default() -> Self {
        AppendOptions {
            max_record_bytes: 4 << 20,
            queue_bytes: 64 << 20,
            linger: Duration::from_millis(1),
            request_timeout: Duration::from_secs(3),
            message_timeout: Duration::from_secs(10),
            compression: Compression::None,
        }
    }
}

/// How batches are compressed on the wire and on the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    #[default]
    None,
    Gzip,
    Lz4,
    Snappy,
    Zstd,
}

impl Compression {
    pub const ALL: [Compression; 5] =
        [Compression::None, Compression::Gzip, Compression::Lz4, Compression::Snappy, Compression::Zstd];

    /// The value in Kafka's configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Lz4 => "lz4",
            Compression::Snappy => "snappy",
            Compression::Zstd => "zstd",
        }
    }
}

/// How a group shares the partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupProtocol {
    /// The cooperative protocol of every broker.
    #[default]
    Classic,
    /// The protocol in which the broker assigns partitions; from Kafka 4.0.
    Consumer,
}

impl GroupProtocol {
    pub const ALL: [GroupProtocol; 2] = [GroupProtocol::Classic, GroupProtocol::Consumer];

    /// The value in Kafka's configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            GroupProtocol::Classic => "classic",
            GroupProtocol::Consumer => "consumer",
        }
    }
}

/// How records are consumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumeOptions {
    pub protocol: GroupProtocol,
    /// A member that sends no heartbeat for this long is removed. With [`GroupProtocol::Consumer`] the broker's setting
    /// applies.
    pub session_timeout: Duration,
    /// How long a partition that is being revoked may be drained. Shorter than `session_timeout`.
    pub drain_deadline: Duration,
    /// Bytes of records fetched and not yet polled, at most.
    pub fetch_bytes: usize,
}

impl Default for ConsumeOptions {
    fn default() -> Self {
        ConsumeOptions {
            protocol: GroupProtocol::Classic,
            session_timeout: Duration::from_secs(30),
            drain_deadline: Duration::from_secs(10),
            fetch_bytes: 8 << 20,
        }
    }
}

impl KafkaOptions {
    /// Default options for these brokers, topics and partitions.
    pub fn new(brokers: impl Into<String>, topics: Topics, partitions: u32) -> Self {
        KafkaOptions {
            brokers: brokers.into(),
            client_id: "tidegate".to_owned(),
            topics,
            partitions,
            append: AppendOptions::default(),
            consume: ConsumeOptions::default(),
            extra: Vec::new(),
        }
    }

    /// The longest time that an append takes. Code that waits for appends must wait longer.
    pub fn longest_append(&self) -> Duration {
        self.append.message_timeout + self.append.request_timeout + Duration::from_secs(5)
    }

    /// Checks for values that contradict each other, before anything connects.
    pub(crate) fn validate(&self) -> Result<(), LogError> {
        let broken = |text: String| Err(LogError::Broken(text.into()));
        let AppendOptions { max_record_bytes, queue_bytes, request_timeout, message_timeout, .. } = self.append;
        if self.brokers.trim().is_empty() {
            return broken("no brokers are named: set kafka.brokers to host:port".to_owned());
        }
        if self.partitions == 0 || i32::try_from(self.partitions).is_err() {
            return broken(format!("{} partitions are not a partition count: set kafka.partitions", self.partitions));
        }
        if message_timeout <= request_timeout {
            return broken(format!(
                "the message timeout of {message_timeout:?} does not exceed the request timeout of \
                 {request_timeout:?}: raise kafka.message_timeout_ms",
            ));
        }
        if queue_bytes < max_record_bytes + crate::wire::OVERHEAD_BYTES {
            return broken(format!(
                "a queue of {queue_bytes} bytes does not hold one record of {max_record_bytes}: raise kafka.queue_bytes",
            ));
        }
        // librdkafka's own bound on a message.
        if max_record_bytes + crate::wire::OVERHEAD_BYTES > 1_000_000_000 {
            return broken(format!("records of {max_record_bytes} bytes are more than Kafka takes: lower the cap"));
        }
        let ConsumeOptions { session_timeout, drain_deadline, .. } = self.consume;
        if drain_deadline >= session_timeout {
            return broken(format!(
                "the drain deadline of {drain_deadline:?} is not below the session timeout of {session_timeout:?}: \
                 raise kafka.session_timeout_ms",
            ));
        }
        Ok(())
    }
}

/// Property values may be secrets: only properties known to be harmless are shown with their values.
impl fmt::Debug for KafkaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HARMLESS: [&str; 4] = ["security.protocol", "sasl.mechanism", "sasl.mechanisms", "ssl.ca.location"];
        let shown = |(name, value): &(String, String)| {
            let value = if HARMLESS.contains(&name.as_str()) { value.clone() } else { "…".to_owned() };
            (name.clone(), value)
        };
        let extra: Vec<(String, String)> = self.extra.iter().map(shown).collect();
        f.debug_struct("KafkaOptions")
            .field("brokers", &self.brokers)
            .field("client_id", &self.client_id)
            .field("topics", &self.topics)
            .field("partitions", &self.partitions)
            .field("append", &self.append)
            .field("consume", &self.consume)
            .field("extra", &extra)
            .finish()
    }
}
