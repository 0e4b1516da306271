//! A message on the wire: its key, its partition, its headers (`docs/records.md`).

use rdkafka::message::{Header, OwnedHeaders};
use tidegate_domain::free_json::text_hash;
use tidegate_domain::{Partition, RunKey};

/// Room for what a message has besides its payload: key, headers, framing of a batch.
pub const OVERHEAD_BYTES: usize = 4 * 1024;

/// What `max.message.bytes` of a topic must be at least, for payloads up to the cap: a batch has a frame of its own.
pub const fn topic_message_bytes(max_record_bytes: usize) -> usize {
    max_record_bytes + 2 * OVERHEAD_BYTES
}

/// The header that names the format of the payload.
pub const FORMAT_HEADER: &str = "tidegate-format";

/// The format of records: `v` is in them too, but a reader need not parse them to know.
pub const RECORD_FORMAT: &str = "record/1";

/// All records of a run go to the partition that its key's hash names: for ever, so the hash must never change. It is
/// the embedded log's hash, so a run has one home wherever the partitions are as many.
pub fn partition_of(key: RunKey, partitions: u32) -> Partition {
    // A remainder of a u32 fits one.
    (text_hash(&[&key.to_bytes()]) % u64::from(partitions)) as Partition
}

/// `team_eu_…/run_eu_…`: what a reader of the topic sees.
pub fn key_text(key: RunKey) -> String {
    format!("{}/{}", key.team, key.run)
}

pub fn record_headers() -> OwnedHeaders {
    OwnedHeaders::new_with_capacity(1).insert(Header { key: FORMAT_HEADER, value: Some(RECORD_FORMAT) })
}
