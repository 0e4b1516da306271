//! Reads how far the consumers are behind, about once a second, and keeps the shed decision that follows from it.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use metrics::Counter;
use tidegate_domain::Timestamp;
use tidegate_ports::{Lag, LogError};
use tokio::time::{Instant, sleep, timeout};

use crate::admission::Admission;
use crate::metric_names::{
    GATE_CLAIM_BYTES, GATE_CLAIMS, LAG_AGE_SECONDS, LAG_DRAIN, LAG_READ_FAILURES, LAG_RECORDS, SHED, SHED_PRESSURE,
};
use crate::refusal::{RETRY_SOON_S, Refusal};
use crate::shed::{self, Class, Decision, Reading, ShedCause, ShedLines};
use crate::steady_clock::SteadyClock;
use crate::trend::Trend;

const PERIOD: Duration = Duration::from_secs(1);

/// The decision in force, as requests ask for it: one load each while nothing is shed.
pub(crate) struct ShedGauge {
    /// Pressure in the low 16 bits, the cause in the next 16, the wait in the high 32.
    decision: AtomicU64,
    /// Requests asked about while their class was shed in part, by class.
    asked: [AtomicU32; Class::ALL.len()],
    /// By class and cause; looked up in the registry once.
    refused: [[Counter; ShedCause::ALL.len()]; Class::ALL.len()],
}

impl ShedGauge {
    /// Registers its counters, so that a scrape finds them at zero before anything is shed.
    pub fn register() -> Self {
        let counter = |class: Class, cause: ShedCause| {
            let counter = metrics::counter!(SHED, "class" => class.label(), "cause" => cause.label());
            counter.increment(0);
            counter
        };
        ShedGauge {
            decision: AtomicU64::new(0),
            asked: Default::default(),
            refused: Class::ALL.map(|class| ShedCause::ALL.map(|cause| counter(class, cause))),
        }
    }

    fn set(&self, decision: &Decision) {
        let cause = decision.cause.map_or(0, |cause| cause as u64);
        let wait = decision.retry_after_s.min(u64::from(u32::MAX));
        let packed = u64::from(decision.pressure) | cause << 16 | wait << 32;
        self.decision.store(packed, Ordering::Relaxed);
        metrics::gauge!(SHED_PRESSURE).set(f64::from(decision.pressure) / f64::from(Decision::FULL));
    }

    /// A refusal for another reason than the decision in force.
    pub fn refuse(&self, class: Class, cause: ShedCause) -> Refusal {
        self.refused[class as usize][cause as usize].increment(1);
        Refusal::Shed { class, cause, retry_after_s: RETRY_SOON_S }
    }

    fn ask(&self, class: Class) -> Result<(), Refusal> {
        let packed = self.decision.load(Ordering::Relaxed);
        // The mask leaves no more than fits.
        let share = shed::share_permille((packed & 0xffff) as u32, class);
        if share == 0 {
            return Ok(());
        }
        let n = self.asked[class as usize].fetch_add(1, Ordering::Relaxed);
        if !shed::falls(n, share) {
            return Ok(());
        }
        // Only `set` packs, and it packs causes in the order of ALL (a test holds both enums to that).
        let cause = (packed >> 16 & 0xffff) as usize % ShedCause::ALL.len();
        self.refused[class as usize][cause].increment(1);
        let retry_after_s = shed::with_jitter((packed >> 32).max(1), n);
        Err(Refusal::Shed { class, cause: ShedCause::ALL[cause], retry_after_s })
    }
}

/// Up to when everything that was admitted is applied, by the steady clock, as read last.
pub(crate) struct Applied(AtomicI64);

impl Default for Applied {
    fn default() -> Self {
        Applied(AtomicI64::new(i64::MIN))
    }
}

impl Applied {
    pub fn to(&self) -> Option<Timestamp> {
        Some(self.0.load(Ordering::Relaxed)).filter(|ms| *ms != i64::MIN).map(Timestamp::from_millis)
    }

    fn note(&self, read_from: Timestamp, behind_ms: u64) {
        let behind_ms = i64::try_from(behind_ms).unwrap_or(i64::MAX);
        self.0.fetch_max(read_from.as_millis().saturating_sub(behind_ms), Ordering::Relaxed);
    }
}

/// The policy over the readings as they come: what it said last, and how the lag moved.
#[derive(Debug)]
pub struct ShedWatch {
    lines: ShedLines,
    decision: Decision,
    trend: Trend,
    /// When the last reading came; before the first, when the watch began.
    read_at: Duration,
}

impl ShedWatch {
    /// Nothing is known yet. Every `at` below is the time since some fixed moment, by a clock that never steps.
    pub fn new(lines: ShedLines, at: Duration) -> Self {
        ShedWatch { lines, decision: Decision::default(), trend: Trend::default(), read_at: at }
    }

    /// A reading that came: how many records wait, and how old the oldest is. Returns what holds from now on.
    pub fn known(&mut self, records: u64, age_ms: u64, at: Duration) -> Decision {
        if self.silent_ms(at) > self.lines.unknown_after_ms {
            self.trend.clear();
        }
        self.trend.note(at, records, age_ms);
        self.read_at = at;
        self.take(Reading::Known { records, age_ms })
    }

    /// No reading came.
    pub fn unknown(&mut self, at: Duration) -> Decision {
        self.take(Reading::Unknown { for_ms: self.silent_ms(at) })
    }

    fn silent_ms(&self, at: Duration) -> u64 {
        u64::try_from(at.saturating_sub(self.read_at).as_millis()).unwrap_or(u64::MAX)
    }

    fn take(&mut self, reading: Reading) -> Decision {
        let before = self.decision;
        self.decision = shed::decide(&self.lines, before, reading, &self.trend);
        let Decision { pressure, retry_after_s, cause, .. } = self.decision;
        match (before.cause, cause) {
            (None, Some(cause)) => {
                tracing::warn!(pressure, retry_after_s, cause = cause.label(), ?reading, "shedding begins");
            }
            (Some(_), None) => tracing::warn!(?reading, "shedding ends"),
            _ => {}
        }
        self.decision
    }
}

impl Admission {
    /// Whether a request of this class is refused because consumers are behind.
    ///
    /// # Errors
    /// [`Refusal::Shed`].
    pub fn shed(&self, class: Class) -> Result<(), Refusal> {
        self.shed_gauge.ask(class)
    }

    /// Reads the consumers' lag about once a second until `stop` resolves, for [`Admission::shed`] and the gauges
    /// of lag: records, age, and by how much it sinks.
    pub async fn watch_lag(self: Arc<Self>, stop: impl Future<Output = ()> + Send) {
        let mut stop = pin!(stop);
        let began = Instant::now();
        let mut clock = SteadyClock::new(self.ports.clock.now(), Duration::ZERO);
        let mut watch = ShedWatch::new(self.config.shed, Duration::ZERO);
        loop {
            let read_from = self.ports.clock.steady();
            let read = timeout(PERIOD, self.ports.lag.read());
            let reading = tokio::select! {
                () = &mut stop => return,
                reading = read => reading,
            };
            let late = |_| Err(LogError::Unavailable("no answer within a second".to_owned()));
            let at = began.elapsed();
            let now = clock.now(self.ports.clock.now(), at);
            let decision = match reading.unwrap_or_else(late) {
                Ok(lag) => {
                    self.applied.note(read_from, lag.age_ms(now).saturating_add(self.lands_after_ms()));
                    take_lag(&mut watch, &lag, now, at)
                }
                Err(error) => {
                    // The gauges keep their last values then: only this counter says that they are old.
                    metrics::counter!(LAG_READ_FAILURES).increment(1);
                    tracing::warn!(%error, "the consumers' lag cannot be read");
                    watch.unknown(at)
                }
            };
            self.shed_gauge.set(&decision);
            if let Some(held) = self.ports.gate.in_memory() {
                metrics::gauge!(GATE_CLAIMS).set(held.claims as f64);
                metrics::gauge!(GATE_CLAIM_BYTES).set(held.bytes as f64);
            }
            tokio::select! {
                () = &mut stop => return,
                () = sleep(PERIOD) => {}
            }
        }
    }
}

fn take_lag(watch: &mut ShedWatch, lag: &Lag, now: Timestamp, at: Duration) -> Decision {
    let age_ms = lag.age_ms(now);
    let decision = watch.known(lag.records, age_ms, at);
    metrics::gauge!(LAG_RECORDS).set(lag.records as f64);
    metrics::gauge!(LAG_AGE_SECONDS).set(age_ms as f64 / 1_000.0);
    metrics::gauge!(LAG_DRAIN).set(watch.trend.records_sink_per_s());
    decision
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_enums_are_in_the_order_of_their_lists() {
        for (index, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, index);
        }
        for (index, cause) in ShedCause::ALL.into_iter().enumerate() {
            assert_eq!(cause as usize, index);
        }
    }

    #[test]
    fn what_is_not_read_is_unknown_and_the_next_reading_ends_it() {
        let mut watch = ShedWatch::new(ShedLines::default(), s(0));
        assert!(!watch.unknown(s(60)).sheds());
        let blind = watch.unknown(s(61));
        assert_eq!((blind.cause, blind.share_permille(Class::Events)), (Some(ShedCause::Unknown), 500));
        assert_eq!(blind.share_permille(Class::Start), 0);
        assert!(!watch.known(0, 0, s(62)).sheds());
        assert!(!watch.unknown(s(120)).sheds(), "counted from the last reading");
    }

    #[test]
    fn a_wait_does_not_jump_with_a_single_reading() {
        let mut watch = ShedWatch::new(ShedLines::default(), s(0));
        let even = |second: u64| 3_000_000 - 60_000 * second;
        let mut before = None;
        for second in 0..30 {
            // A batch committed late, and a burst taken in.
            let noise: i64 = if second % 5 == 2 {
                55_000
            } else if second % 7 == 3 {
                -55_000
            } else {
                0
            };
            let told = watch.known(even(second).saturating_add_signed(noise), 0, s(second)).retry_after_s;
            if second >= 16 {
                let jump = before.map_or(0, |before| told.abs_diff(before));
                assert!(jump <= 4, "{before:?} -> {told} at {second}");
                before = Some(told);
            }
        }
    }
}
