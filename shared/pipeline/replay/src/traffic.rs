//! Live traffic goes first: a replay waits while consumers are so far behind that front doors shed.

use std::sync::Arc;
use std::time::Duration;

use tidegate_ports::{PartitionLag, ReadLag, Waits};
use tidegate_shedding::{Decision, Reading, ShedThresholds, Trend};
use tokio::time::{Instant, timeout};

/// How long a reading of the lag is used,
const PERIOD: Duration = Duration::from_secs(1);
/// and for how long at least, also when all that it allowed was appended.
const SOON: Duration = Duration::from_millis(100);
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// Watches the lag between appends.
pub struct Traffic {
    lag: Arc<dyn ReadLag>,
    thresholds: ShedThresholds,
    waits: Waits,
    began: Instant,
    held: Decision,
    read_at: Option<Instant>,
    allowance: Allowance,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Allowance {
    /// This many records are left until the threshold.
    Open(u64),
    Closed(Yield),
}

/// Why nothing may be appended now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Yield {
    /// The front doors shed at this lag.
    Behind { records: u64, age_ms: u64 },
    /// How far the consumers are behind is not known, and a replay can wait.
    Unknown(String),
}

/// What may be appended now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Up to this many records; at least one.
    Records(u64),
    /// All that the last reading allowed is used up; ask again after this.
    AskIn(Duration),
    Nothing(Yield),
}

impl Traffic {
    pub fn new(lag: Arc<dyn ReadLag>, thresholds: ShedThresholds) -> Self {
        let (waits, began, allowance) = (Waits::default(), Instant::now(), Allowance::Open(0));
        Traffic { lag, thresholds, waits, began, held: Decision::default(), read_at: None, allowance }
    }

    /// Reads the lag if it is time, and says what may be appended.
    pub async fn allowed(&mut self) -> Allowed {
        let age = self.read_at.map(|at| at.elapsed());
        let used_up = self.allowance == Allowance::Open(0);
        if age.is_none_or(|age| age >= PERIOD || used_up && age >= SOON) {
            self.read().await;
        }
        match &self.allowance {
            Allowance::Open(0) => Allowed::AskIn(SOON),
            Allowance::Open(records) => Allowed::Records(*records),
            Allowance::Closed(why) => Allowed::Nothing(why.clone()),
        }
    }

    /// Notes that records were appended: they count until the next reading has them.
    pub const fn used(&mut self, records: u64) {
        if let Allowance::Open(left) = &mut self.allowance {
            *left = left.saturating_sub(records);
        }
    }

    async fn read(&mut self) {
        let answer = timeout(ANSWERS_WITHIN, self.lag.partitions(&[])).await;
        self.read_at = Some(Instant::now());
        self.allowance = match answer {
            Ok(Ok(lags)) => self.judge(&lags),
            Ok(Err(error)) => Allowance::Closed(Yield::Unknown(error.to_string())),
            Err(_) => Allowance::Closed(Yield::Unknown(format!("no answer within {ANSWERS_WITHIN:?}"))),
        };
    }

    fn judge(&mut self, lags: &[PartitionLag]) -> Allowance {
        let at = self.began.elapsed();
        self.waits.note(at, lags);
        let (records, age_ms) = (lags.iter().map(PartitionLag::records).sum(), self.waits.oldest_ms(at, lags));
        // The trend only says when clients should come back.
        self.held = tidegate_shedding::decide(
            &self.thresholds,
            self.held,
            Reading::Known { records, age_ms },
            &Trend::default(),
        );
        if self.held.sheds() {
            return Allowance::Closed(Yield::Behind { records, age_ms });
        }
        // What is appended before the next reading must not go over the threshold.
        Allowance::Open(self.thresholds.records.enter.saturating_sub(records))
    }
}

#[cfg(test)]
mod tests;
