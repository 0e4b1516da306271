//! What the lag watch has logged already, so that each thing is logged once.

use tidegate_kernel::Partition;
use tidegate_metric::Gauge;
use tidegate_ports::StoreError;

use crate::partition_watch::Standstill;

/// The last state of each thing that is logged when it changes.
#[derive(Default)]
pub(crate) struct LagReports {
    accounts_unread: bool,
    shedding: Option<&'static str>,
    standstills: Vec<(Partition, Standstill)>,
    mismatched: Option<String>,
}

impl LagReports {
    /// Whether the consumers' accounts could be read.
    pub fn accounts_read(&mut self, read: Result<(), StoreError>) {
        match read {
            Ok(()) => self.accounts_unread = false,
            Err(error) => {
                if !std::mem::replace(&mut self.accounts_unread, true) {
                    tracing::warn!(kind = %error.kind(), %error, "the accounts cannot be read; the last ones count until they can");
                }
            }
        }
    }

    pub fn shedding(&mut self, cause: Option<&'static str>) {
        match (self.shedding, cause) {
            (None, Some(cause)) => tracing::warn!(cause, "shedding begins"),
            (Some(_), None) => tracing::warn!("shedding ends"),
            _ => {}
        }
        self.shedding = cause;
    }

    pub fn standstills(&mut self, now: impl Iterator<Item = (Partition, Standstill)>) {
        let now: Vec<_> = now.collect();
        for (partition, standstill) in now.iter().filter(|one| !self.standstills.contains(one)) {
            match standstill {
                Standstill::Halted => tracing::error!(
                    partition,
                    "a persister halted this partition: what would go there is shed by its own age, the others go on \
                     (docs/runbook.md, TidegatePartitionHalted)",
                ),
                Standstill::LogWentBack => tracing::error!(
                    partition,
                    "the log ends before what is accounted for: the topic was deleted and created again, or lost its \
                     end; nothing is taken for this partition until the deployment moves to another generation \
                     (docs/runbook.md, TidegatePartitionHalted)",
                ),
            }
        }
        for (partition, _) in self.standstills.iter().filter(|one| now.iter().all(|other| other.0 != one.0)) {
            tracing::info!(partition, "this partition goes on");
        }
        self.standstills = now;
    }

    /// Logs how the log differs from what is configured, and sets the gauge that says whether it does.
    pub fn mismatched(&mut self, now: Option<String>, gauge: &Gauge) {
        if let Some(how) = now.as_deref().filter(|how| self.mismatched.as_deref() != Some(how)) {
            tracing::error!(how, "the log is not as configured (docs/runbook.md, TidegateLogMismatched)");
        }
        gauge.set(f64::from(u8::from(now.is_some())));
        self.mismatched = now;
    }
}
