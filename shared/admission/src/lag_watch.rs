//! Reads how far the consumers are behind, about once a second, and keeps the shed decision that follows from it.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tidegate_domain::Timestamp;
use tidegate_ports::Lag;

use crate::admission::Admission;
use crate::metric_names::{LAG_AGE_SECONDS, LAG_DRAIN, LAG_READ_FAILURES, LAG_RECORDS};
use crate::refusal::Refusal;
use crate::shed::{self, Class, Decision};

const PERIOD: Duration = Duration::from_secs(1);

/// The decision in force. Its parts may come from two neighbouring readings for an instant, which harms nobody.
#[derive(Debug)]
pub(crate) struct ShedGauge {
    pressure: AtomicU32,
    retry_after_s: AtomicU64,
    /// Of the reading it stands on.
    read_at_ms: AtomicI64,
    asked: AtomicU32,
}

impl Default for ShedGauge {
    fn default() -> Self {
        ShedGauge {
            pressure: AtomicU32::new(0),
            retry_after_s: AtomicU64::new(0),
            read_at_ms: AtomicI64::new(i64::MIN),
            asked: AtomicU32::new(0),
        }
    }
}

impl ShedGauge {
    fn set(&self, decision: Decision, read_at: Timestamp) {
        self.retry_after_s.store(decision.retry_after_s, Ordering::Relaxed);
        self.read_at_ms.store(read_at.as_millis(), Ordering::Relaxed);
        self.pressure.store(decision.pressure, Ordering::Relaxed);
    }

    fn get(&self) -> (Decision, Timestamp) {
        let pressure = self.pressure.load(Ordering::Relaxed);
        let retry_after_s = self.retry_after_s.load(Ordering::Relaxed);
        (Decision { pressure, retry_after_s }, Timestamp::from_millis(self.read_at_ms.load(Ordering::Relaxed)))
    }
}

impl Admission {
    /// Whether a request of this class is refused because consumers are behind. An unknown lag refuses nothing.
    ///
    /// # Errors
    /// [`Refusal::Shed`].
    pub fn shed(&self, class: Class) -> Result<(), Refusal> {
        let (decision, read_at) = self.shed_gauge.get();
        let share = decision.share_permille(class);
        if share == 0 || self.ports.clock.now().millis_since(read_at) > self.config.shed.unknown_after_ms {
            return Ok(());
        }
        let n = self.shed_gauge.asked.fetch_add(1, Ordering::Relaxed);
        if shed::falls(n, share) {
            Err(Refusal::Shed { retry_after_s: shed::with_jitter(decision.retry_after_s.max(1), n) })
        } else {
            Ok(())
        }
    }

    /// Reads the consumers' lag about once a second until `stop` resolves, for [`Admission::shed`] and the gauges
    /// of lag: records, age, and by how much it sinks.
    pub async fn watch_lag(self: Arc<Self>, stop: impl Future<Output = ()> + Send) {
        let mut stop = pin!(stop);
        let mut before = None;
        loop {
            let read = tokio::time::timeout(PERIOD, self.ports.lag.read());
            let reading = tokio::select! {
                () = &mut stop => return,
                reading = read => reading,
            };
            match reading {
                Ok(Ok(lag)) => {
                    self.take_lag(before.as_ref(), &lag);
                    before = Some(lag);
                }
                Ok(Err(error)) => lag_unknown(&error.to_string()),
                Err(_) => lag_unknown("no answer within a second"),
            }
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    fn take_lag(&self, before: Option<&Lag>, lag: &Lag) {
        let now = self.ports.clock.now();
        let (held, _) = self.shed_gauge.get();
        let decision = shed::decide(&self.config.shed, held, before, lag, now);
        if (held.pressure == 0) != (decision.pressure == 0) {
            let age_ms = lag.age_ms(now);
            tracing::warn!(pressure = decision.pressure, records = lag.records, age_ms, "shedding begins or ends");
        }
        self.shed_gauge.set(decision, lag.read_at);
        metrics::gauge!(LAG_RECORDS).set(lag.records as f64);
        metrics::gauge!(LAG_AGE_SECONDS).set(lag.age_ms(now) as f64 / 1_000.0);
        if let Some(before) = before {
            let seconds = lag.read_at.millis_since(before.read_at).max(1) as f64 / 1_000.0;
            metrics::gauge!(LAG_DRAIN).set((before.records as f64 - lag.records as f64) / seconds);
        }
    }
}

/// The gauges keep their last values then: only this counter says that they are old.
fn lag_unknown(why: &str) {
    metrics::counter!(LAG_READ_FAILURES).increment(1);
    tracing::warn!(why, "the consumers' lag cannot be read");
}
