//! Reads about once a second, or more often, how far the consumers are behind, and sets the shed decisions that follow
//! from it.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::lag_reader::{Behind, LagReader};
use crate::lag_reports::LagReports;
use crate::metrics::LagMetrics;
use crate::partition_watch::{Judged, PartitionWatch, Standstill};
use crate::policy::ShedCause;
use crate::rank::ShedClass;
use crate::shedding::Shedding;
use crate::thresholds::ShedThresholds;

const PERIOD: Duration = Duration::from_secs(1);
/// Accounts say what is applied where the group's offsets are lost, and which partitions are halted: neither happens
/// often.
const ACCOUNTS_EVERY: Duration = Duration::from_secs(5);
const MISMATCH_EVERY: Duration = Duration::from_secs(10);

/// What a product does each time the lag was read, or could not be.
pub trait AfterReading: Send + Sync + 'static {
    /// `behind` is `None` when the lag could not be read.
    fn after_reading(&self, behind: Option<Behind>);
}

/// What the watch reads, and what it sets.
pub struct LagWatch<C> {
    lag: Arc<LagReader>,
    shedding: Arc<Shedding<C>>,
    product: Arc<dyn AfterReading>,
    thresholds: ShedThresholds,
    period: Duration,
    by_partition: bool,
    api: Option<&'static str>,
}

/// The watch's state from one reading to the next.
struct Rounds {
    began: Instant,
    watch: PartitionWatch,
    reports: LagReports,
    accounts_read: Last,
    mismatch_read: Last,
    metrics: LagMetrics,
}

impl<C: ShedClass> LagWatch<C> {
    pub fn new(
        thresholds: ShedThresholds,
        lag: Arc<LagReader>,
        shedding: Arc<Shedding<C>>,
        product: Arc<dyn AfterReading>,
    ) -> Self {
        LagWatch { lag, shedding, product, thresholds, period: PERIOD, by_partition: false, api: None }
    }

    /// Reads so often, and lets each partition shed by its own lag: for requests that wait until their records are applied.
    #[must_use]
    pub fn by_partition(self, period: Duration) -> Self {
        LagWatch { period, by_partition: true, ..self }
    }

    /// Watches the deciders of this API, which is a label of its metrics.
    #[must_use]
    pub fn of_api(self, api: &'static str) -> Self {
        LagWatch { api: Some(api), ..self }
    }

    /// Learns how far each partition is accounted for, before the first record is taken: no answer may call a record
    /// safe at a place that was accounted for. What cannot be read within two seconds is left to [`LagWatch::watch`].
    pub async fn learn_accounts(&self) {
        LagReports::default().accounts_read(self.lag.read_stated().await);
        if let Ok(lags) = self.lag.partitions(&self.lag.stated()).await {
            let accounted: Vec<_> = lags.iter().map(|lag| (None, lag.accounted)).collect();
            self.shedding.set_partitions(&accounted);
        }
    }

    /// Reads the lag until `stop` resolves, for the shed decisions and the gauges of lag: records, age, and by how much
    /// it sinks.
    pub async fn watch(&self, stop: impl Future<Output = ()> + Send) {
        let mut stop = pin!(stop);
        let mut rounds = Rounds {
            began: Instant::now(),
            watch: PartitionWatch::new(self.thresholds, self.by_partition, Duration::ZERO),
            reports: LagReports::default(),
            accounts_read: Last::default(),
            mismatch_read: Last::default(),
            metrics: LagMetrics::of(self.api),
        };
        // A scrape finds it at zero before a reading fails.
        rounds.metrics.read_failures.increment(0);
        loop {
            let looking = self.look(&mut rounds);
            tokio::select! {
                () = &mut stop => return,
                () = looking => {}
            }
            tokio::select! {
                () = &mut stop => return,
                () = sleep(self.period) => {}
            }
        }
    }

    async fn look(&self, rounds: &mut Rounds) {
        let Rounds { began, watch, reports, accounts_read, mismatch_read, metrics } = rounds;
        // Before the log's ends: what is accounted for was on the log, so no end lies below unless the log lost it.
        if accounts_read.is_due(ACCOUNTS_EVERY) {
            reports.accounts_read(self.lag.read_stated().await);
        }
        let stated = self.lag.stated();
        let read = self.lag.read(&stated).await;
        let at = began.elapsed();
        let (decision, behind) = match read {
            Ok((lags, behind)) => {
                let judged = watch.take(&lags, &stated.halts, at);
                let partitions: Vec<_> = judged.partitions.iter().map(|one| (one.decision, one.accounted)).collect();
                self.shedding.set_partitions(&partitions);
                publish(&judged, watch.all.drains_per_s(), metrics);
                reports.standstills((0..).zip(&judged.partitions).filter_map(|(at, one)| Some((at, one.standstill?))));
                (judged.decision, Some(behind))
            }
            Err(error) => {
                // The gauges keep their last values then: only this counter says that they are old.
                metrics.read_failures.increment(1);
                tracing::warn!(kind = %error.kind(), %error, "the consumers' lag cannot be read");
                (watch.unknown(at), None)
            }
        };
        reports.shedding(decision.cause.map(ShedCause::label));
        self.shedding.set(&decision);
        self.product.after_reading(behind);
        if mismatch_read.is_due(MISMATCH_EVERY)
            && let Ok(mismatch) = self.lag.mismatch().await
        {
            reports.mismatched(mismatch, &metrics.log_mismatched);
        }
    }
}

fn publish(judged: &Judged, drains_per_s: f64, metrics: &LagMetrics) {
    metrics.records.set(judged.records as f64);
    metrics.age_seconds.set(judged.age_ms as f64 / 1_000.0);
    metrics.drain.set(drains_per_s);
    for cause in Standstill::ALL {
        let partitions = judged.partitions.iter().filter(|one| one.standstill == Some(cause)).count();
        metrics.standing_still(cause).set(partitions as f64);
    }
}

/// When something was done last.
#[derive(Default)]
struct Last(Option<Instant>);

impl Last {
    fn is_due(&mut self, every: Duration) -> bool {
        let is_due = self.0.is_none_or(|at| at.elapsed() >= every);
        if is_due {
            self.0 = Some(Instant::now());
        }
        is_due
    }
}
