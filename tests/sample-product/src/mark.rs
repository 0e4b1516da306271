//! What the product is about: ids of counters, and the marks that go on the log.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tidegate_kernel::id::{IdKind, PublicKind};
use tidegate_kernel::{Id, LogKey};

/// The kind of a counter's id.
pub enum Counter {}

impl IdKind for Counter {
    const PREFIX: &'static str = "counter";
}

impl PublicKind for Counter {}

/// `counter_eu_<32 hex>`.
pub type CounterId = Id<Counter>;

/// What a client posts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    pub counter: CounterId,
    pub add: u32,
}

/// A mark as it stands on the log. A later version is a further variant: old records stay readable.
#[derive(Serialize, Deserialize)]
#[serde(tag = "v")]
enum Record {
    #[serde(rename = "1")]
    V1(Mark),
}

impl Mark {
    /// All marks of a counter stand in one partition.
    pub fn log_key(self) -> LogKey {
        LogKey::new(&self.counter.bits().to_be_bytes(), &[self.counter.text().as_str()])
    }

    /// As it stands on the log.
    pub fn encode(self) -> Bytes {
        serde_json::to_vec(&Record::V1(self)).expect("an id and a number always serialize").into()
    }

    /// # Errors
    /// Why the payload is no mark.
    pub fn decode(payload: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(payload).map(|Record::V1(mark)| mark).map_err(|error| error.to_string())
    }
}
