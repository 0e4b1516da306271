//! A dead letter's provenance as JSON in one column.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tidegate_kernel::Position;
use tidegate_ports::{Origin, Provenance};

/// Bytes are arrays of numbers: dead letters are few, and a key or header may hold anything.
#[derive(Default, Serialize, Deserialize)]
struct Stored {
    key: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
    origin: Option<StoredOrigin>,
}

#[derive(Serialize, Deserialize)]
struct StoredOrigin {
    position: Position,
    attempt: u32,
}

pub(super) fn to_json(provenance: &Provenance) -> String {
    let stored = Stored {
        key: provenance.key.to_vec(),
        headers: provenance.headers.iter().map(|(name, value)| (name.clone(), value.to_vec())).collect(),
        origin: provenance.origin.map(|Origin { position, attempt }| StoredOrigin { position, attempt }),
    };
    // Strings and numbers: serialization cannot fail.
    serde_json::to_string(&stored).expect("a provenance always serializes")
}

/// Dead letters of folders that an earlier version made have none.
pub(super) fn of_json(text: Option<String>) -> serde_json::Result<Provenance> {
    let stored: Stored = text.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default();
    Ok(Provenance {
        key: Bytes::from(stored.key),
        headers: stored.headers.into_iter().map(|(name, value)| (name, Bytes::from(value))).collect(),
        origin: stored.origin.map(|StoredOrigin { position, attempt }| Origin { position, attempt }),
    })
}
