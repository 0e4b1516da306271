//! Instants as refusals show them.

use tidegate_kernel::Timestamp;

/// The quota message has no milliseconds (AgentPing: month).
pub(super) fn whole_seconds(instant: Timestamp) -> String {
    let text = instant.to_string();
    text.strip_suffix(".000Z").map_or(text.clone(), |seconds| format!("{seconds}Z"))
}
