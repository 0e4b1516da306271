//! The log on Kafka: append, consume, lag, topics, dead letters. The only crate that uses rdkafka.

mod append;
mod client;
mod consume;
mod dead_letters;
mod ends;
mod failure;
mod groups;
mod headers;
mod lag;
mod metrics;
mod options;
mod read;
pub mod topics;
mod wire;

pub use append::{CloseReport, KafkaLog};
pub use client::all_closed;
pub use consume::KafkaConsumer;
pub use dead_letters::KafkaDeadLetters;
pub use groups::KafkaGroups;
pub use lag::KafkaLag;
pub use metrics::METRICS;
pub use options::{AppendOptions, Compression, ConsumeOptions, GroupProtocol, KafkaOptions, Topics};
pub use read::KafkaReadLog;
pub use topics::{Created, TopicLayout, TopicsError, TopicsFound};
