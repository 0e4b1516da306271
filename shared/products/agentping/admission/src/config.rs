//! The settings of admission, with their defaults. The binary reads them, and checks them against each other.

use tidegate_access::CredentialTimes;
use tidegate_kernel::Region;
use tidegate_shedding::ShedThresholds;

/// All settings of admission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmissionConfig {
    /// The endpoint's own region: credentials of any other are refused before a look-up.
    pub region: Region,
    pub credentials: CredentialTimes,
    pub timeouts: Timeouts,
    pub shed: ShedThresholds,
    /// How long a team's rates are used before they are read again.
    pub rates_fresh_ms: u64,
    /// Ids older than this are never judged by the gate alone; the gate's own claim window (AgentPing: repeats).
    pub claim_window_ms: u64,
    /// With the gate down, what this process alone admits of each team's rate and burst, in thousandths.
    pub local_share_permille: u32,
    /// Confirmations in progress in the background at most; beyond it they are dropped, which is safe.
    pub confirms_max: usize,
}

/// Deadlines. They nest: the append is the longest wait, and a front door's handler waits longer than all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// One call of the gate. A gate that hangs is a gate that is down.
    pub gate_ms: u64,
    /// One read of the store that an answer depends on.
    pub store_ms: u64,
    /// One read of the store that only fills in an answer (the cost of a run finished before).
    pub store_extra_ms: u64,
    /// Waiting for the outcome of another request with the same id.
    pub claim_wait_ms: u64,
    /// The most time between admission and sending the record; a later request gives up.
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
            shed: ShedThresholds::default(),
            rates_fresh_ms: 2_000,
            claim_window_ms: 24 * 3_600_000,
            local_share_permille: 500,
            confirms_max: 4_096,
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

/// Two settings that do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{greater} is {greater_value}, and must be {relation} {lesser}, which is {lesser_value}")]
pub struct ConfigError {
    pub greater: &'static str,
    pub greater_value: u64,
    pub relation: &'static str,
    pub lesser: &'static str,
    pub lesser_value: u64,
}

impl AdmissionConfig {
    /// Checks what must hold between the numbers.
    ///
    /// # Errors
    /// [`ConfigError`] names both values of the first breach.
    pub fn check(&self) -> Result<(), ConfigError> {
        let (times, age, records) = (&self.timeouts, &self.shed.age_ms, &self.shed.records);
        let under_way_ms = times.send_within_ms.saturating_add(times.append_ms);
        let whole_share = u64::from(self.local_share_permille);
        let at_least = [
            ("lands_within_ms", times.lands_within_ms, "send_within_ms plus append_ms", under_way_ms),
            ("send_within_ms", times.send_within_ms, "store_ms", times.store_ms),
            ("stale_ms", self.credentials.stale_ms, "fresh_ms", self.credentials.fresh_ms),
            ("unknown_bulk_after_ms", self.shed.unknown_bulk_after_ms, "unknown_after_ms", self.shed.unknown_after_ms),
            ("the enter line of age_ms", age.enter, "its leave line", age.leave),
            ("the enter line of records", records.enter, "its leave line", records.leave),
            ("a whole share", 1_000, "local_share_permille", whole_share),
        ];
        let more_than = [
            ("the full line of age_ms", age.full, "its enter line", age.enter),
            ("the full line of records", records.full, "its enter line", records.enter),
            // Behind a greater lag, the store could not answer for a claim that the gate has forgotten.
            ("claim_window_ms", self.claim_window_ms, "the full line of age_ms", age.full),
        ];
        let at_least = at_least.map(|(greater, value, lesser, under)| (greater, value, "at least", lesser, under));
        let more_than = more_than.map(|(greater, value, lesser, under)| (greater, value, "more than", lesser, under));
        let broken = at_least.into_iter().chain(more_than).find(|(_, greater, relation, _, lesser)| {
            greater < lesser || *relation == "more than" && greater == lesser
        });
        match broken {
            None => Ok(()),
            Some((greater, greater_value, relation, lesser, lesser_value)) => {
                Err(ConfigError { greater, greater_value, relation, lesser, lesser_value })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_fit_together_and_each_breach_names_both_values() {
        let good = AdmissionConfig::new(Region::Eu);
        assert_eq!(good.check(), Ok(()));
        let breaches: [fn(&mut AdmissionConfig); 10] = [
            |config| config.timeouts.append_ms = 20_000,
            |config| config.timeouts.store_ms = 3_000,
            |config| config.credentials.fresh_ms = 3_600_000,
            |config| config.shed.unknown_bulk_after_ms = 9_999,
            |config| config.shed.age_ms.leave = 70_000,
            |config| config.shed.records.leave = 2_000_000,
            |config| config.local_share_permille = 1_001,
            |config| config.shed.age_ms.full = config.shed.age_ms.enter,
            |config| config.shed.records.full = 5,
            |config| config.claim_window_ms = config.shed.age_ms.full,
        ];
        for (number, breach) in breaches.into_iter().enumerate() {
            let mut config = good.clone();
            breach(&mut config);
            let error = config.check().unwrap_err();
            let text = error.to_string();
            assert!(text.contains(&error.greater_value.to_string()), "{number}: {text}");
            assert!(text.contains(&error.lesser_value.to_string()), "{number}: {text}");
        }
    }
}
