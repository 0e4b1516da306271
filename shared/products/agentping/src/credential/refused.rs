//! Texts and codes for refused credentials, the same on every port.

use tidegate_kernel::Region;

/// The codes of the error envelope (AgentPing: errors).
pub const INVALID: &str = "invalid_credential";
pub const UNKNOWN_REGION: &str = "unknown_region";
pub const REGION_MISMATCH: &str = "region_mismatch";
pub const SCOPE_VIOLATION: &str = "scope_violation";

/// The credential names an unknown region.
pub fn unknown_region(region: &str) -> String {
    format!("The credential names region '{region}', which is not one of 'eu', 'us'.")
}

/// The credential belongs to another region. Each port adds its own advice to this text.
pub fn region_mismatch(credential: Region, endpoint: Region) -> String {
    format!("Credential region '{credential}' does not match endpoint region '{endpoint}'.")
}
