//! Reads how far the consumers are behind, about once a second, and keeps the shed decisions that follow from it.

use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidegate_agentping::{RunId, RunKey, TeamId};
use tidegate_kernel::{Partition, Position, Timestamp};
use tidegate_ports::{Account, FailureCause, Halt, LogError, PartitionLag, StoreError};
use tokio::time::{Instant, sleep, timeout};

use crate::admission::Admission;
use crate::metrics::{
    GATE_CLAIM_BYTES, GATE_CLAIMS, LAG_AGE_SECONDS, LAG_DRAIN, LAG_READ_FAILURES, LAG_RECORDS, LOG_MISMATCHED,
    PARTITIONS_HALTED,
};
use crate::partition_watch::{Judged, PartitionWatch, Standstill, shut};
use crate::refusal::Refusal;
use crate::shed::Class;

const PERIOD: Duration = Duration::from_secs(1);
/// Accounts say what is applied where the group's offsets are lost, and which partitions stand still: neither happens
/// often.
const ACCOUNTS_EVERY: Duration = Duration::from_secs(5);
const MISMATCH_EVERY: Duration = Duration::from_secs(10);

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

/// What the persisters stated in the store, as last read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stated {
    pub accounts: Vec<Account>,
    pub halts: Vec<Halt>,
}

/// The last of it, for whoever asks.
pub(crate) type LastStated = Mutex<Arc<Stated>>;

impl Admission {
    /// Whether a request of this class is refused because consumers are behind.
    ///
    /// # Errors
    /// [`Refusal::Shed`].
    pub fn shed(&self, class: Class) -> Result<(), Refusal> {
        self.shed_gauge.ask(class)
    }

    /// Whether records of this run go to a partition that stands still. Who is free to choose a run takes another one.
    pub fn stands_still(&self, team: TeamId, run: RunId) -> bool {
        let gauge = &self.shed_gauge;
        gauge.any_halted() && gauge.sheds(self.ports.append.partition_of(RunKey { team, run }.log_key()))
    }

    /// Whether a request of this class is refused because its partition stands still.
    pub(crate) fn shed_partition(&self, key: RunKey, class: Class) -> Result<(), Refusal> {
        match self.shed_gauge.any_halted() {
            true => self.shed_gauge.ask_partition(self.ports.append.partition_of(key.log_key()), class),
            false => Ok(()),
        }
    }

    /// Whether a record that the log took here will be applied: not at a place that was accounted for before it was sent.
    /// Such a log was created again, and nothing more goes to that partition.
    pub(crate) fn will_be_applied(&self, position: Position, accounted_before: i64) -> bool {
        let is_new = position.offset >= accounted_before;
        if !is_new {
            tracing::error!(
                %position,
                accounted = accounted_before,
                "the log took a record at a place that is accounted for: it was created again or lost its end; \
                 nothing is taken for this partition (docs/runbook.md, TidegatePartitionHalted)",
            );
            self.shed_gauge.shut(position.partition, &shut(&self.config.shed));
        }
        is_new
    }

    /// How long ago the oldest record that is not applied was appended, at the most: its time is by the log's clock, and
    /// what is known of the difference to ours is too small rather than too large.
    pub(crate) fn behind_ms(&self, lags: &[PartitionLag], asked_at: Timestamp) -> u64 {
        let oldest = lags.iter().filter_map(|lag| lag.oldest_appended_at).min();
        let ahead_ms = self.ports.append.clock_ahead_ms().unwrap_or(0);
        oldest.map_or(0, |oldest| asked_at.millis_since(oldest.plus_millis(ahead_ms)))
    }

    /// What persisters stated, as last read.
    pub(crate) fn stated(&self) -> Arc<Stated> {
        // The assignment of a pointer is whole.
        self.stated.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Learns how far each partition is accounted for, before the first record is taken: no answer may call a record safe at a
    /// place that was accounted for. What cannot be read within two seconds is left to [`Admission::watch_lag`].
    pub async fn learn_accounts(&self) {
        self.read_stated(&mut Reported::default()).await;
        if let Ok(Ok(lags)) = timeout(PERIOD, self.ports.lag.partitions(&self.stated().accounts)).await {
            let accounted: Vec<_> = lags.iter().map(|lag| (None, lag.accounted)).collect();
            self.shed_gauge.set_partitions(&accounted);
        }
    }

    /// Reads the consumers' lag about once a second until `stop` resolves, for [`Admission::shed`] and the gauges
    /// of lag: records, age, and by how much it sinks.
    pub async fn watch_lag(self: Arc<Self>, stop: impl Future<Output = ()> + Send) {
        let mut stop = pin!(stop);
        let began = Instant::now();
        let mut watch = PartitionWatch::new(self.config.shed, Duration::ZERO);
        let mut reported = Reported::default();
        loop {
            let looking = self.look(&mut watch, &mut reported, began);
            tokio::select! {
                () = &mut stop => return,
                () = looking => {}
            }
            tokio::select! {
                () = &mut stop => return,
                () = sleep(PERIOD) => {}
            }
        }
    }

    async fn look(&self, watch: &mut PartitionWatch, reported: &mut Reported, began: Instant) {
        // Before the log's ends: what is accounted for was on the log, so no end lies below unless the log lost it.
        if reported.stated.is_due(ACCOUNTS_EVERY) {
            self.read_stated(reported).await;
        }
        let stated = self.stated();
        let (read_from, asked_at) = (self.ports.clock.steady(), self.ports.clock.now());
        let read = timeout(PERIOD, self.ports.lag.partitions(&stated.accounts)).await;
        let late = |_| Err(LogError::Unavailable(FailureCause::timeout("no answer within a second")));
        let at = began.elapsed();
        let decision = match read.unwrap_or_else(late) {
            Ok(lags) => {
                self.applied.note(read_from, self.behind_ms(&lags, asked_at).saturating_add(self.lands_after_ms()));
                let judged = watch.take(&lags, &stated.halts, at);
                let partitions: Vec<_> = judged.partitions.iter().map(|one| (one.decision, one.accounted)).collect();
                self.shed_gauge.set_partitions(&partitions);
                publish(&judged, watch.all.drains_per_s());
                reported.standstills((0..).zip(&judged.partitions).filter_map(|(at, one)| Some((at, one.standstill?))));
                judged.decision
            }
            Err(error) => {
                // The gauges keep their last values then: only this counter says that they are old.
                LAG_READ_FAILURES.handle().increment(1);
                tracing::warn!(kind = %error.kind(), %error, "the consumers' lag cannot be read");
                watch.all.unknown(at)
            }
        };
        reported.shedding(decision.cause.map(crate::ShedCause::label));
        self.shed_gauge.set(&decision);
        if let Some(held) = self.ports.gate.in_memory() {
            GATE_CLAIMS.handle().set(held.claims as f64);
            GATE_CLAIM_BYTES.handle().set(held.bytes as f64);
        }
        if reported.mismatch.is_due(MISMATCH_EVERY)
            && let Ok(Ok(mismatch)) = timeout(PERIOD, self.ports.lag.mismatch()).await
        {
            reported.mismatched(mismatch);
        }
    }

    async fn read_stated(&self, reported: &mut Reported) {
        let read = async { tokio::try_join!(self.ports.accounts.accounts(), self.ports.accounts.halts()) };
        let late = |_| Err(StoreError::Unavailable(FailureCause::timeout("no answer within a second")));
        match timeout(PERIOD, read).await.unwrap_or_else(late) {
            Ok((accounts, halts)) => {
                *self.stated.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(Stated { accounts, halts });
                reported.accounts_unread = false;
            }
            // What was read before goes on counting: less is accounted for by it than is, never more.
            Err(error) => {
                if !std::mem::replace(&mut reported.accounts_unread, true) {
                    tracing::warn!(kind = %error.kind(), %error, "the accounts cannot be read; the last ones count until they can");
                }
            }
        }
    }
}

fn publish(judged: &Judged, drains_per_s: f64) {
    LAG_RECORDS.handle().set(judged.records as f64);
    LAG_AGE_SECONDS.handle().set(judged.age_ms as f64 / 1_000.0);
    LAG_DRAIN.handle().set(drains_per_s);
    for cause in Standstill::ALL {
        let partitions = judged.partitions.iter().filter(|one| one.standstill == Some(cause)).count();
        PARTITIONS_HALTED.with([("cause", cause.label())]).set(partitions as f64);
    }
}

/// What the log of this process says already, so that each thing is logged once; and when something was looked at last.
#[derive(Default)]
struct Reported {
    stated: Last,
    mismatch: Last,
    accounts_unread: bool,
    shedding: Option<&'static str>,
    standstills: Vec<(Partition, Standstill)>,
    mismatched: Option<String>,
}

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

impl Reported {
    fn shedding(&mut self, cause: Option<&'static str>) {
        match (self.shedding, cause) {
            (None, Some(cause)) => tracing::warn!(cause, "shedding begins"),
            (Some(_), None) => tracing::warn!("shedding ends"),
            _ => {}
        }
        self.shedding = cause;
    }

    fn standstills(&mut self, now: impl Iterator<Item = (Partition, Standstill)>) {
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

    fn mismatched(&mut self, now: Option<String>) {
        if let Some(how) = now.as_deref().filter(|how| self.mismatched.as_deref() != Some(how)) {
            tracing::error!(how, "the log is not as configured (docs/runbook.md, TidegateLogMismatched)");
        }
        LOG_MISMATCHED.handle().set(f64::from(u8::from(now.is_some())));
        self.mismatched = now;
    }
}
