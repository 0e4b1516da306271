//! Whether the log is still the one that the accounts are of, and as this process is configured.

use std::sync::Arc;
use std::time::Duration;

use tidegate_lifecycle::{Health, Stop};
use tidegate_ports::{Accounts, ReadLag};
use tidegate_telemetry::LOG_MISMATCHED;

use crate::jobs::rest;

/// One check may meet a broker that has just taken a partition over; two in a row do not.
const CHECKS_TO_BELIEVE: u32 = 2;
const CHECK_EVERY: Duration = Duration::from_secs(5);

/// Checks a log now and then.
pub struct LogWatch {
    log: Arc<dyn ReadLag>,
    accounts: Arc<dyn Accounts>,
    /// Checks in a row that found the log's end below what is accounted for.
    went_back: u32,
}

impl LogWatch {
    pub fn new(log: Arc<dyn ReadLag>, accounts: Arc<dyn Accounts>) -> Self {
        LogWatch { log, accounts, went_back: 0 }
    }

    /// Makes the process not ready while the log is not as it should be; until stopped.
    pub async fn watch(mut self, health: Health, stop: Stop) {
        const PART: &str = "log";
        let gauge = LOG_MISMATCHED.handle();
        let mut wrong = None;
        while !stop.is_stopping() {
            match self.check().await {
                Ok(now) => {
                    match now.as_deref() {
                        Some(how) => {
                            if wrong.as_deref() != Some(how) {
                                tracing::error!(how, "the log is not as it should be");
                            }
                            health.wrong(PART, how);
                        }
                        None => health.right(PART),
                    }
                    gauge.set(f64::from(u8::from(now.is_some())));
                    wrong = now;
                }
                // Whoever needs the servers for more than this says that they are away.
                Err(error) => tracing::debug!(error, "the log and its accounts could not be read"),
            }
            rest(CHECK_EVERY, &stop).await;
        }
    }

    /// What is wrong, in a sentence; `None` if nothing is.
    ///
    /// # Errors
    /// The log or the accounts could not be read, and why.
    pub async fn check(&mut self) -> Result<Option<String>, String> {
        let accounts = self.accounts.accounts().await.map_err(|error| error.to_string())?;
        let lags = self.log.partitions(&accounts).await.map_err(|error| error.to_string())?;
        let went_back: Vec<_> = lags.iter().filter(|lag| lag.went_back()).collect();
        self.went_back = if went_back.is_empty() { 0 } else { self.went_back.saturating_add(1) };
        if let Some(first) = went_back.first().filter(|_| self.went_back >= CHECKS_TO_BELIEVE) {
            return Ok(Some(format!(
                "{} partitions end before what is accounted for, as partition {} at {} and not {}: the topic was deleted \
                 and created again, or lost its end; move to another generation (docs/runbook.md, TidegatePartitionHalted)",
                went_back.len(),
                first.partition,
                first.end,
                first.accounted,
            )));
        }
        self.log.mismatch().await.map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tidegate_inproc::accounts::MemoryAccounts;
    use tidegate_inproc::clock::TestClock;
    use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
    use tidegate_kernel::{LogKey, Timestamp};
    use tidegate_ports::{Account, Append, Fate};

    use super::*;

    #[tokio::test]
    async fn a_log_that_ends_before_its_accounts_is_wrong() {
        let options = MemoryLogOptions { partitions: 1, ..MemoryLogOptions::default() };
        let log = MemoryLog::new(options, Arc::new(TestClock::at(Timestamp::from_millis(0))));
        let key = LogKey::new(b"one", &["one"]);
        let accounts = MemoryAccounts::default();
        let mut watch = LogWatch::new(Arc::new(log.lag("group")), Arc::new(accounts.clone()));
        let position = log.append(key, Bytes::from_static(b"one")).await.expect("appended");
        let mut account = Account::opened(position.generation, 0, 0);
        account.count(0, Fate::Stored);
        accounts.settle(account).await.expect("settled");
        for _ in 0..3 {
            assert_eq!(watch.check().await, Ok(None));
        }
        account.count(1, Fate::Stored);
        accounts.settle(account).await.expect("settled");
        assert_eq!(watch.check().await, Ok(None), "one check");
        let wrong = watch.check().await.expect("a check").expect("it is wrong");
        assert!(wrong.starts_with("1 partitions end before") && wrong.contains("at 1 and not 2"), "{wrong}");
        log.append(key, Bytes::from_static(b"two")).await.expect("appended");
        assert_eq!(watch.check().await, Ok(None));
    }
}
