//! The sums of the whole deployment, read and published every ten seconds.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tidegate_metric::Gauge;
use tidegate_ports::{Accounts, Clock, FailureCause, Ids, LogSpan, ReadLog, StoreError};
use tidegate_telemetry::JOB_FAILURES;
use tokio::time::{sleep, timeout};

use crate::look_up::LookUp;
use crate::metrics::LogMetrics;
use crate::sample::Sampler;
use crate::sums::{LogEnds, Sums, Total};
use crate::view::{Reading, View};

/// How often the metrics are updated, and a sample is taken.
const PERIOD: Duration = Duration::from_secs(10);

const NO_LOG: &str = "this process was given no log to read: name the log's servers in its configuration";

/// Reads the accounts and the log's ends, and holds them against each other.
pub struct Conservation {
    metrics: LogMetrics,
    accounts: Arc<dyn Accounts>,
    log: Option<Arc<dyn ReadLog>>,
    clock: Arc<dyn Clock>,
    deadline: Duration,
    sampler: Option<Sampler>,
}

impl Conservation {
    /// How many records are looked up in each sample, unless set otherwise.
    pub const SAMPLE_RECORDS: u64 = 64;

    /// Without a `log`, what was accepted and what is in flight stay unknown. Each of store and log may take `deadline`
    /// for an answer.
    pub fn new(
        accounts: Arc<dyn Accounts>,
        log: Option<Arc<dyn ReadLog>>,
        clock: Arc<dyn Clock>,
        deadline: Duration,
    ) -> Self {
        Conservation { metrics: LogMetrics(None), accounts, log, clock, deadline, sampler: None }
    }

    /// Of the commands of an API, which its metrics name.
    #[must_use]
    pub fn of_api(mut self, api: &'static str) -> Self {
        self.metrics = LogMetrics(Some(api));
        self.sampler = self.sampler.map(|sampler| Sampler { metrics: self.metrics, ..sampler });
        self
    }

    /// Looks up at most `records` records a turn in the store. 0, or no log: none.
    #[must_use]
    pub fn with_samples(mut self, look_up: Arc<dyn LookUp>, ids: Arc<dyn Ids>, records: u64) -> Self {
        let log = self.log.clone().filter(|_| records > 0);
        self.sampler = log.map(|log| Sampler {
            metrics: self.metrics,
            log,
            accounts: self.accounts.clone(),
            look_up,
            ids,
            clock: self.clock.clone(),
            deadline: self.deadline,
            records,
            seen: Default::default(),
        });
        self
    }

    /// What is known now, as one JSON object.
    ///
    /// # Errors
    /// The accounts cannot be read.
    pub async fn shown(&self) -> Result<Value, StoreError> {
        let reading = self.read().await?;
        serde_json::to_value(View::of(&reading, self.clock.now()))
            .map_err(|error| StoreError::Broken(FailureCause::from(error.to_string()).caused_by(error)))
    }

    /// Sets the metrics every ten seconds until `stop` resolves.
    pub async fn watch(self: Arc<Self>, stop: impl Future<Output = ()> + Send) {
        let failures = JOB_FAILURES.with([("task", self.task("conservation", "commands_conservation"))]);
        let mut stop = pin!(stop);
        let mut ends = Vec::new();
        loop {
            let reading = tokio::select! {
                () = &mut stop => return,
                reading = self.read() => reading,
            };
            match reading {
                Ok(reading) => {
                    self.publish(&reading, &mut ends);
                    if let Some(why) = reading.log_unknown.filter(|_| self.log.is_some()) {
                        tracing::warn!(why, "the log's ends cannot be read; trying again");
                        failures.increment(1);
                    }
                }
                Err(error) => {
                    forget(&mut ends);
                    tracing::warn!(kind = %error.kind(), %error, "the accounts cannot be read; trying again");
                    failures.increment(1);
                }
            }
            tokio::select! {
                () = &mut stop => return,
                () = sleep(PERIOD) => {}
            }
        }
    }

    /// Takes a sample every ten seconds until `stop` resolves.
    pub async fn take_samples(self: Arc<Self>, stop: impl Future<Output = ()> + Send) {
        let mut stop = pin!(stop);
        let Some(sampler) = &self.sampler else { return stop.await };
        let failures = JOB_FAILURES.with([("task", self.task("conservation_sample", "commands_conservation_sample"))]);
        sampler.register();
        loop {
            let turn = tokio::select! {
                () = &mut stop => return,
                turn = sampler.turn() => turn,
            };
            if let Err(error) = turn {
                tracing::warn!(error, "no records can be looked up in the store; trying again");
                failures.increment(1);
            }
            tokio::select! {
                () = &mut stop => return,
                () = sleep(PERIOD) => {}
            }
        }
    }

    /// The accounts first: an end read before them could lie before what they have settled meanwhile.
    async fn read(&self) -> Result<Reading, StoreError> {
        let late =
            |_| Err(StoreError::Unavailable(FailureCause::timeout(format!("no answer within {:?}", self.deadline))));
        let accounts = timeout(self.deadline, self.accounts.accounts()).await.unwrap_or_else(late)?;
        let spans = self.spans().await;
        let sums = Sums::of(&accounts, spans.as_deref().ok());
        Ok(Reading { sums, log_unknown: spans.err(), sample: self.sampler.as_ref().map(Sampler::seen) })
    }

    /// The job's name: of the one log without an API, or of commands.
    const fn task(&self, plain: &'static str, of_commands: &'static str) -> &'static str {
        match self.metrics.0 {
            None => plain,
            Some(_) => of_commands,
        }
    }

    async fn spans(&self) -> Result<Vec<LogSpan>, String> {
        let Some(log) = &self.log else { return Err(NO_LOG.to_owned()) };
        match timeout(self.deadline, log.spans()).await {
            Ok(spans) => spans.map_err(|error| error.to_string()),
            Err(_) => Err(format!("the log did not answer within {:?}", self.deadline)),
        }
    }

    /// Sums that are not known now keep the values they had: a log that is out of reach for a while has lost nothing by
    /// it. Ends do not, because front doors go on without us: an old end would look like a log that lost its tail.
    fn publish(&self, reading: &Reading, ends: &mut Vec<Gauge>) {
        let Total { accepted, stored, duplicate, conflict, dead, in_flight, .. } = reading.sums.total();
        let known = [("stored", stored), ("duplicate", duplicate), ("conflict", conflict), ("dead", dead)];
        let of_the_log = [("accepted", accepted), ("in_flight", in_flight)];
        let of_the_log = of_the_log.into_iter().filter_map(|(state, records)| Some((state, records? as f64)));
        for (state, records) in known.into_iter().map(|(state, records)| (state, records as f64)).chain(of_the_log) {
            self.metrics.records(state).set(records);
        }
        forget(ends);
        let out_of_reach = self.log.is_some() && reading.log_unknown.is_some();
        for row in &reading.sums.partitions {
            if !out_of_reach {
                self.metrics.difference(row.generation, row.partition).set(row.difference() as f64);
            }
            if let Some(LogEnds { end, .. }) = row.log
                && let Some(gauge) = self.metrics.end(row.generation, row.partition)
            {
                gauge.set(end as f64);
                ends.push(gauge);
            }
        }
    }
}

/// Sets the gauges to NaN. A comparison with NaN never holds, so no alert fires on an end that is not known any more.
fn forget(ends: &mut Vec<Gauge>) {
    ends.drain(..).for_each(|gauge| gauge.set(f64::NAN));
}
