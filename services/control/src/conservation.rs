//! Conservation: accepted = stored + duplicate + conflict + dead + in flight, over the whole deployment. It is of no one
//! team, so it is shown on the operations port and published as metrics. The accounts are trusted for what is
//! stored, and a sample of it is looked up in the store.

mod draw;
mod sample;
mod sums;
mod verdict;
mod view;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::json;
use tidegate_agentping_ports::{NotedAccounts, StoredSummary};
use tidegate_metric::Gauge;
use tidegate_ports::{Clock, FailureCause, Ids, LogSpan, ReadLog, StoreError};
use tidegate_telemetry::JOB_FAILURES;
use tokio::time::{sleep, timeout};

use crate::metrics::{CONSERVATION_DIFFERENCE, CONSERVATION_RECORDS, LOG_END_OFFSET};
use sample::{Sample, Sampler};
pub use sums::{LogEnds, PartitionSums, Sums, Total};

/// How often the metrics are updated, and a sample is taken.
const PERIOD: Duration = Duration::from_secs(10);

const NO_LOG: &str = "this process was given no log to read: name the log's servers in its configuration";

/// Reads the accounts and the log's ends, and holds them against each other.
pub struct Conservation {
    accounts: Arc<dyn NotedAccounts>,
    log: Option<Arc<dyn ReadLog>>,
    clock: Arc<dyn Clock>,
    deadline: Duration,
    sampler: Option<Sampler>,
}

/// The sums, and why the log's ends are not among them where they are not.
pub(crate) struct Reading {
    pub sums: Sums,
    pub log_unknown: Option<String>,
    /// `None`: no samples are taken.
    pub sample: Option<Sample>,
}

impl Reading {
    /// Whether all is accounted for, and of the sample everything was found. `None`: that is not known.
    pub fn adds_up(&self) -> Option<bool> {
        let is_missing = self.sample.as_ref().is_some_and(|sample| !sample.missing.is_empty());
        if is_missing { Some(false) } else { self.sums.adds_up() }
    }
}

impl Conservation {
    /// How many records are looked up in each sample, unless set otherwise.
    pub const SAMPLE_RECORDS: u64 = 64;

    /// Without a `log`, what was accepted and what is in flight stay unknown. Each of store and log may take `deadline`
    /// for an answer.
    pub fn new(
        accounts: Arc<dyn NotedAccounts>,
        log: Option<Arc<dyn ReadLog>>,
        clock: Arc<dyn Clock>,
        deadline: Duration,
    ) -> Self {
        Conservation { accounts, log, clock, deadline, sampler: None }
    }

    /// Looks up at most `records` records a turn in the store. 0, or no log: none.
    #[must_use]
    pub fn with_samples(mut self, stored: Arc<dyn StoredSummary>, ids: Arc<dyn Ids>, records: u64) -> Self {
        let log = self.log.clone().filter(|_| records > 0);
        self.sampler = log.map(|log| Sampler {
            log,
            accounts: self.accounts.clone(),
            stored,
            ids,
            clock: self.clock.clone(),
            deadline: self.deadline,
            records,
            seen: Default::default(),
        });
        self
    }

    /// `GET /v1/conservation`.
    pub fn routes(self: Arc<Self>) -> Router {
        Router::new().route("/v1/conservation", get(show)).with_state(self)
    }

    /// Sets the metrics every ten seconds until `stop` resolves.
    pub async fn watch(self: Arc<Self>, stop: impl Future<Output = ()> + Send) {
        let failures = JOB_FAILURES.with([("task", "conservation")]);
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
        let failures = JOB_FAILURES.with([("task", "conservation_sample")]);
        sample::made();
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

    async fn spans(&self) -> Result<Vec<LogSpan>, String> {
        let Some(log) = &self.log else { return Err(NO_LOG.to_owned()) };
        match timeout(self.deadline, log.spans()).await {
            Ok(spans) => spans.map_err(|error| error.to_string()),
            Err(_) => Err(format!("the log did not answer within {:?}", self.deadline)),
        }
    }

    /// Sums that are not known now keep the values they had: a log that is out of reach for a while has lost nothing by
    /// it. Ends do not, because front doors continue without us: an old end would look like a log that lost its tail.
    fn publish(&self, reading: &Reading, ends: &mut Vec<Gauge>) {
        let Total { accepted, stored, duplicate, conflict, dead, in_flight, .. } = reading.sums.total();
        let known = [("stored", stored), ("duplicate", duplicate), ("conflict", conflict), ("dead", dead)];
        let of_the_log = [("accepted", accepted), ("in_flight", in_flight)];
        let of_the_log = of_the_log.into_iter().filter_map(|(state, records)| Some((state, records? as f64)));
        for (state, records) in known.into_iter().map(|(state, records)| (state, records as f64)).chain(of_the_log) {
            CONSERVATION_RECORDS.with([("state", state)]).set(records);
        }
        forget(ends);
        let out_of_reach = self.log.is_some() && reading.log_unknown.is_some();
        for row in &reading.sums.partitions {
            let labels = [("generation", row.generation.to_string()), ("partition", row.partition.to_string())];
            if !out_of_reach {
                CONSERVATION_DIFFERENCE.with(labels.clone()).set(row.difference() as f64);
            }
            if let Some(LogEnds { end, .. }) = row.log {
                let gauge = LOG_END_OFFSET.with(labels);
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

async fn show(State(conservation): State<Arc<Conservation>>) -> Response {
    match conservation.read().await {
        Ok(reading) => Json(view::View::of(&reading, conservation.clock.now())).into_response(),
        Err(error) => {
            let body = json!({ "error": "unavailable", "message": format!("The accounts cannot be read: {error}.") });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}
