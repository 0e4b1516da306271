//! How long answers about credentials hold, with their defaults.

/// How long answers about credentials hold, and how many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialTimes {
    /// A credential found is not looked up again for so long: the delay until a revocation holds.
    pub fresh_ms: u64,
    /// A credential not found is not looked up again for so long.
    pub missing_fresh_ms: u64,
    /// With the store down, a credential found is served for so long after its last look-up.
    pub stale_ms: u64,
    /// With the store down, so long between two attempts to look one credential up.
    pub retry_ms: u64,
    pub found_max: u64,
    pub missing_max: u64,
}

impl Default for CredentialTimes {
    fn default() -> Self {
        CredentialTimes {
            fresh_ms: 2_000,
            missing_fresh_ms: 1_000,
            stale_ms: 15 * 60_000,
            retry_ms: 1_000,
            found_max: 100_000,
            missing_max: 10_000,
        }
    }
}
