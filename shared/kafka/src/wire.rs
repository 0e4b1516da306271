//! A record on the wire: its key, its partition, its header (`docs/records.md`).

use rdkafka::message::{Header, OwnedHeaders};
use tidegate_domain::free_json::text_hash;
use tidegate_domain::{Partition, RunKey};

/// Room for what a message has besides its payload: key, headers, framing of a batch.
pub const OVERHEAD_BYTES: usize = 4 * 1024;

/// The header that names the format of the payload.
pub const FORMAT_HEADER: &str = "tidegate-format";

/// The format of records: the `v` inside them.
pub const RECORD_FORMAT: &str = "record/1";

/// All records of a run go to the partition that its key's hash names: for ever, so the hash must never change.
pub fn partition_of(key: &[u8], partitions: u32) -> Partition {
    // A remainder of a u32 fits one.
    (text_hash(&[key]) % u64::from(partitions)) as Partition
}

/// `team_eu_…/run_eu_…`: what a reader of the topic sees.
pub fn key_text(key: RunKey) -> String {
    format!("{}/{}", key.team, key.run)
}

pub fn record_headers() -> OwnedHeaders {
    OwnedHeaders::new_with_capacity(1).insert(Header { key: FORMAT_HEADER, value: Some(RECORD_FORMAT) })
}
