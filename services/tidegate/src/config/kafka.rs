//! `[kafka]`: where the log is, how records are appended and consumed, and what the topics must be.

use tidegate_kafka::{AppendOptions, Compression, ConsumeOptions, GroupProtocol, KafkaOptions, TopicLayout, Topics};
use tidegate_kernel::Region;
use tidegate_ports::Retention;

use super::reader::Reader;

/// The log of a distributed deployment.
#[derive(Clone, Debug)]
pub struct KafkaConfig {
    pub options: KafkaOptions,
    pub layout: TopicLayout,
    /// The consumer group of the persisters.
    pub group: String,
    /// What the names of topics, groups and the gate's keys begin with.
    pub prefix: String,
}

impl KafkaConfig {
    /// The same servers for the commands of an API: a topic of its own without a retention limit, and the group of its
    /// deciders.
    #[must_use]
    pub fn of_commands(&self, api: &str, region: Region, partitions: u32) -> Self {
        let topics = Topics::of_commands(&self.prefix, api, region);
        let retention = Retention { max_age_ms: u64::MAX, max_bytes: u64::MAX };
        KafkaConfig {
            options: KafkaOptions { topics, partitions, ..self.options.clone() },
            layout: TopicLayout { partitions, retention, ..self.layout },
            group: format!("{}.{api}.{region}.decider.g1", self.prefix),
            prefix: format!("{}.{api}", self.prefix),
        }
    }
}

/// Properties about the connection may be set freely. All others decide what is promised to clients, and have keys
/// of their own where they may be chosen at all.
const CONNECTION: [&str; 11] = [
    "security.",
    "sasl.",
    "ssl.",
    "enable.ssl.",
    "enable.sasl.",
    "socket.",
    "broker.address.",
    "reconnect.",
    "connections.max.idle.ms",
    "client.rack",
    "client.dns.lookup",
];
const SECRET: [&str; 6] =
    ["password", "secret", "pem", "sasl.oauthbearer.config", "sasl.oauthbearer.assertion", "jaas"];

/// `None` where no brokers are named; the other keys are checked all the same.
pub(super) fn read(reader: &mut Reader, region: Region, limits: Limits) -> Option<KafkaConfig> {
    const KIB: u64 = 1024;
    const MIB: u64 = 1024 * KIB;
    let (append, consume) = (AppendOptions::default(), ConsumeOptions::default());
    let brokers = reader.list("kafka.brokers", "a list of brokers such as broker-1:9092", super::host_and_port);
    let prefix = reader.formed(
        "kafka.topic_prefix",
        "tidegate",
        "1 to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit",
        is_prefix,
    );
    let generation = reader.whole("kafka.generation", 1, 1..=32_767) as u16;
    let partitions = reader.whole("kafka.partitions", 12, 1..=10_000) as u32;
    let replication = reader.whole("kafka.replication", 3, 1..=32) as u16;
    let min_insync_replicas = reader.whole("kafka.min_insync_replicas", 2, 1..=32) as u16;
    let retention = Retention {
        max_age_ms: reader.whole("kafka.retention_hours", 168, 1..=87_600) * 3_600_000,
        max_bytes: match reader.whole("kafka.retention_bytes", 0, 0..=u64::MAX >> 1) {
            0 => u64::MAX,
            bytes => bytes,
        },
    };
    let append = AppendOptions {
        max_record_bytes: limits.max_record_bytes,
        queue_bytes: reader.whole("kafka.queue_bytes", append.queue_bytes as u64, MIB..=8_192 * MIB) as usize,
        linger: reader.millis("kafka.linger_ms", 1, 0..=1_000),
        request_timeout: reader.millis("kafka.request_timeout_ms", 3_000, 10..=600_000),
        message_timeout: reader.millis("kafka.message_timeout_ms", 8_000, 10..=600_000),
        compression: reader.choice("kafka.compression", append.compression, &Compression::ALL, Compression::as_str),
    };
    let consume = ConsumeOptions {
        protocol: reader.choice("kafka.group_protocol", consume.protocol, &GroupProtocol::ALL, GroupProtocol::as_str),
        session_timeout: reader.millis("kafka.session_timeout_ms", 20_000, 1_000..=1_800_000),
        drain_deadline: limits.drain,
        fetch_bytes: reader.whole("kafka.fetch_bytes", consume.fetch_bytes as u64, 64 * KIB..=1_024 * MIB) as usize,
    };
    let extra = reader.table("kafka.properties", refused, |name| SECRET.iter().any(|word| name.contains(word)));
    if brokers.is_empty() {
        return None;
    }
    let topics = Topics::named(&prefix, region, generation);
    let options = KafkaOptions { append, consume, extra, ..KafkaOptions::new(brokers.join(","), topics, partitions) };
    let layout = TopicLayout { partitions, replication, min_insync_replicas, retention };
    let group = format!("{prefix}.{region}.persister.g{generation}");
    Some(KafkaConfig { options, layout, group, prefix })
}

/// Of other sections, and needed here too.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub max_record_bytes: usize,
    pub drain: std::time::Duration,
}

fn is_prefix(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    text.len() <= 64 && text.bytes().all(plain) && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
}

fn refused(name: &str) -> Option<String> {
    if CONNECTION.iter().any(|allowed| name.starts_with(allowed)) {
        return None;
    }
    Some(format!(
        "the property {name} cannot be set here, only those about the connection ({}…); what is promised to clients \
         rests on the others, and [kafka] has keys for those that may be chosen",
        CONNECTION.join("…, ")
    ))
}
