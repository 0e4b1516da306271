//! Whether the log is still the one that the accounts are of, and as this process is configured.

use std::sync::Arc;

use tidegate_ports::{Accounts, ReadLag};

/// One look may meet a broker that has just taken a partition over; two in a row do not.
const LOOKS_TO_BELIEVE: u32 = 2;

/// Looks at a log now and then.
pub struct LogWatch {
    log: Arc<dyn ReadLag>,
    accounts: Arc<dyn Accounts>,
    /// Looks in a row that found the log's end below what is accounted for.
    went_back: u32,
}

impl LogWatch {
    pub fn new(log: Arc<dyn ReadLag>, accounts: Arc<dyn Accounts>) -> Self {
        LogWatch { log, accounts, went_back: 0 }
    }

    /// What is wrong, in a sentence; `None` if nothing is.
    ///
    /// # Errors
    /// The log or the accounts could not be read, and why.
    pub async fn look(&mut self) -> Result<Option<String>, String> {
        let accounts = self.accounts.accounts().await.map_err(|error| error.to_string())?;
        let lags = self.log.partitions(&accounts).await.map_err(|error| error.to_string())?;
        let went_back: Vec<_> = lags.iter().filter(|lag| lag.went_back()).collect();
        self.went_back = if went_back.is_empty() { 0 } else { self.went_back.saturating_add(1) };
        if let Some(first) = went_back.first().filter(|_| self.went_back >= LOOKS_TO_BELIEVE) {
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
    use tidegate_agentping::{RunId, RunKey, TeamId};
    use tidegate_inproc::accounts::MemoryAccounts;
    use tidegate_inproc::clock::TestClock;
    use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
    use tidegate_kernel::{Region, Timestamp};
    use tidegate_ports::{Account, Append, Fate};

    use super::*;

    #[tokio::test]
    async fn a_log_that_ends_before_its_accounts_is_wrong() {
        let options = MemoryLogOptions { partitions: 1, ..MemoryLogOptions::default() };
        let log = MemoryLog::new(options, Arc::new(TestClock::at(Timestamp::from_millis(0))));
        let key = RunKey { team: TeamId::from_bits(Region::Eu, 1), run: RunId::from_bits(Region::Eu, 1) };
        let accounts = MemoryAccounts::default();
        let mut watch = LogWatch::new(Arc::new(log.lag("group")), Arc::new(accounts.clone()));
        let position = log.append(key.log_key(), Bytes::from_static(b"one")).await.expect("appended");
        let mut account = Account::opened(position.generation, 0, 0);
        account.count(0, Fate::Stored);
        accounts.settle(account).await.expect("settled");
        for _ in 0..3 {
            assert_eq!(watch.look().await, Ok(None));
        }
        account.count(1, Fate::Stored);
        accounts.settle(account).await.expect("settled");
        assert_eq!(watch.look().await, Ok(None), "one look");
        let wrong = watch.look().await.expect("a look").expect("it is wrong");
        assert!(wrong.starts_with("1 partitions end before") && wrong.contains("at 1 and not 2"), "{wrong}");
        log.append(key.log_key(), Bytes::from_static(b"two")).await.expect("appended");
        assert_eq!(watch.look().await, Ok(None));
    }
}
