//! Ids of messages that no judge has given one.

use sha2::{Digest, Sha256};
use tidegate_agentping::TeamId;
use tidegate_agentping_pulse::DeliveryId;

/// The id that follows from these parts, for a message of this team.
pub fn derived_delivery_id(team: TeamId, parts: &[&str]) -> DeliveryId {
    let mut hash = Sha256::new();
    hash.update(team.bits().to_be_bytes());
    for part in parts {
        // With its length, so that no two lists of parts are the same bytes.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let bits = hash.finalize().iter().take(16).fold(0, |bits: u128, byte| bits << 8 | u128::from(*byte));
    DeliveryId::from_bits(team.region(), bits)
}
