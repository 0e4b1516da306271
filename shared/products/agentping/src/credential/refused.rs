//! What every port says of a credential that it refuses, in the same words.

use tidegate_kernel::Region;

/// The codes of the error envelope (AgentPing: errors).
pub const INVALID: &str = "invalid_credential";
pub const UNKNOWN_REGION: &str = "unknown_region";
pub const REGION_MISMATCH: &str = "region_mismatch";
pub const SCOPE_VIOLATION: &str = "scope_violation";

/// The credential names a region that there is not.
pub fn unknown_region(region: &str) -> String {
    format!("The credential names region '{region}', which is not one of 'eu', 'us'.")
}

/// The credential is of another region. What to do about it follows, and differs from port to port.
pub fn region_mismatch(credential: Region, endpoint: Region) -> String {
    format!("Credential region '{credential}' does not match endpoint region '{endpoint}'.")
}
