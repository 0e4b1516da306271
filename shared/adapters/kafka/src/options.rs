//! What can be set about a log on Kafka.

use std::fmt;
use std::time::Duration;

use tidegate_kernel::Region;
use tidegate_ports::LogError;

/// Where the log is and how it is used. The same options make every part of this room.
#[derive(Clone)]
pub struct KafkaOptions {
    /// Brokers to begin with, `host:port` separated by commas.
    pub brokers: String,
    /// How this process names itself to the brokers.
    pub client_id: String,
    pub topics: Topics,
    /// Partitions of the records topic. Fixed for a generation: the key's hash over it is a record's home, from every
    /// front door. The start-up check holds the topic against it.
    pub partitions: u32,
    pub append: AppendOptions,
    pub consume: ConsumeOptions,
    /// Further librdkafka properties (`security.protocol`, `sasl.*`, `ssl.*`, …); they win over ours.
    pub extra: Vec<(String, String)>,
}

/// The topics of one region and generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    pub records: String,
    pub dead_letters: String,
    /// Goes into every position: a later generation's records win over an earlier one's.
    pub generation: u16,
}

impl Topics {
    /// `tidegate.eu.records.g1` and `tidegate.eu.dead-letters.g1`.
    pub fn named(prefix: &str, region: Region, generation: u16) -> Topics {
        let region = region.as_str();
        Topics {
            records: format!("{prefix}.{region}.records.g{generation}"),
            dead_letters: format!("{prefix}.{region}.dead-letters.g{generation}"),
            generation,
        }
    }
}

/// How records are appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppendOptions {
    /// The largest record taken, without key and headers.
    pub max_record_bytes: usize,
    /// Records that wait for their acknowledgement, in bytes; beyond it appends are refused at once.
    pub queue_bytes: usize,
    /// How long a record waits for others to share its request.
    pub linger: Duration,
    /// How long the broker may take to acknowledge.
    pub request_timeout: Duration,
    /// How long a record may take altogether, repetitions included. Longer than `request_timeout`.
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

    /// Kafka's word for it.
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
    /// The protocol that the broker leads; from Kafka 4.0.
    Consumer,
}

impl GroupProtocol {
    pub const ALL: [GroupProtocol; 2] = [GroupProtocol::Classic, GroupProtocol::Consumer];

    /// Kafka's word for it.
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
    /// A member that is silent for so long has left. With [`GroupProtocol::Consumer`] the broker's setting holds.
    pub session_timeout: Duration,
    /// How long a partition that is being taken away may be drained. Shorter than `session_timeout`.
    pub drain_deadline: Duration,
    /// Records fetched and not yet polled, in bytes.
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
    /// Defaults for everything but the place.
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

    /// The longest that an append waits for its answer: what waits for appends must wait longer.
    pub fn longest_append(&self) -> Duration {
        self.append.message_timeout + self.append.request_timeout + Duration::from_secs(5)
    }

    /// Numbers that contradict each other, before anything is connected.
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

/// Values of properties may be secrets: only the names of those known to be harmless show theirs.
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
