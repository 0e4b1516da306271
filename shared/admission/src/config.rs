//! What admission can be told. The binary reads and checks it; here are the shapes and the defaults.

use tidegate_domain::Region;

use crate::shed::ShedLines;

/// All settings of admission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmissionConfig {
    /// The endpoint's own region: credentials of any other are refused before a look-up.
    pub region: Region,
    pub credentials: CredentialTimes,
    pub timeouts: Timeouts,
    pub shed: ShedLines,
    /// How long a team's rates are used before they are read again.
    pub rates_fresh_ms: u64,
    /// Ids older than this are never judged by the gate alone; the gate's own claim window (AgentPing: repeats).
    pub claim_window_ms: u64,
    /// With the gate down, what this process alone admits of each team's rate and burst, in thousandths.
    pub local_share_permille: u32,
    /// Confirmations under way in the background at most; beyond it they are dropped, which is safe.
    pub confirms_max: usize,
}

/// How long answers about credentials hold.
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

/// Deadlines. They nest: the append is the longest wait, and a front door's handler waits longer than all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// One call of the gate. A gate that hangs is a gate that is down.
    pub gate_ms: u64,
    /// One read of the store that an answer depends on.
    pub store_ms: u64,
    /// One read of the store that only rounds an answer off (the cost of a run finished before).
    pub store_extra_ms: u64,
    /// Waiting for the outcome of another request with the same id.
    pub claim_wait_ms: u64,
    /// Between being admitted and sending the record; whoever is later gives up.
    pub send_within_ms: u64,
    /// Waiting for the log's acknowledgement.
    pub append_ms: u64,
    /// From being admitted until a record can no longer land on the log, sent or not. At least
    /// `send_within_ms + append_ms`, and more where the log may still deliver after giving up.
    pub lands_within_ms: u64,
    /// How far the clocks of front doors, log and consumers may differ.
    pub clock_skew_ms: u64,
}

impl AdmissionConfig {
    /// The defaults for an endpoint of `region`.
    pub fn new(region: Region) -> Self {
        AdmissionConfig {
            region,
            credentials: CredentialTimes::default(),
            timeouts: Timeouts::default(),
            shed: ShedLines::default(),
            rates_fresh_ms: 2_000,
            claim_window_ms: 24 * 3_600_000,
            local_share_permille: 500,
            confirms_max: 4_096,
        }
    }
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

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            gate_ms: 250,
            store_ms: 1_000,
            store_extra_ms: 50,
            claim_wait_ms: 400,
            send_within_ms: 2_000,
            append_ms: 10_000,
            lands_within_ms: 15_000,
            clock_skew_ms: 1_000,
        }
    }
}
