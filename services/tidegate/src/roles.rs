//! The roles of a process and its background jobs, each started on its ports, and how they are stopped.

use std::sync::Arc;
use std::time::Duration;

use tidegate_admission::{Admission, LOG_MISMATCHED};
use tidegate_agentping_ports::{NotedAccounts, Runs};
use tidegate_control::{Authenticate, Conservation, Control};
use tidegate_door::{LaterRoutes, ServeReport};
use tidegate_ingest::Ingest;
use tidegate_kernel::Timestamp;
use tidegate_lifecycle::{Health, Part, Parts, Stages, Stop};
use tidegate_persister::{LogWatch, Persister, Stalled, StopReport, forget_notes, purge_orphans};
use tidegate_ports::{Clock, Ids, ReadLag};
use tidegate_telemetry::{JOB_FAILURES, Metrics};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::assemble::archived_agents::ArchivedAgents;
use crate::assemble::{PersisterPorts, ReadPorts};
use crate::config::Config;
use crate::failure::Failure;
use crate::metrics::ORPHANS_PURGED;

const PURGE_EVERY: Duration = Duration::from_secs(300);
/// A change that a command makes takes effect within two seconds.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
const JUDGE_EVERY: Duration = Duration::from_secs(5);
/// A partition with records to commit that commits none for so long makes its persister not ready.
const STALLED_AFTER: Duration = Duration::from_secs(60);

/// Time that a part gets on top of its own drain deadline.
pub const GRACE: Duration = Duration::from_secs(2);

/// The running roles and jobs of a process.
pub struct Roles {
    config: Config,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    persister: Option<Part<StopReport>>,
    control: Option<Part<ServeReport>>,
    ingest: Option<Part<ServeReport>>,
    admission: Option<Arc<Admission>>,
    jobs: Vec<Part<()>>,
    /// Where a persister says what it cannot work with. In a process with a front door it is not read: the process goes
    /// on taking records in.
    health: Health,
}

impl Roles {
    pub fn new(config: Config, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        let health = Health::default();
        let jobs = Vec::new();
        Roles { config, clock, ids, persister: None, control: None, ingest: None, admission: None, jobs, health }
    }

    /// What is wrong with the log or the partitions makes this process not ready.
    #[must_use]
    pub fn with_health(self, health: Health) -> Self {
        Roles { health, ..self }
    }

    /// Folds the log into the store, and purges the runs that were never opened.
    pub fn start_persister(&mut self, parts: &Parts, ports: PersisterPorts) {
        let PersisterPorts { consume, runs, accounts, dead_letters, log, lag } = ports;
        let (clock, purged, noted) = (self.clock.clone(), runs.clone(), accounts.clone());
        let (watched, health) = (LogWatch::new(lag.clone(), accounts.clone()), self.health.clone());
        let persister = Persister::new(consume, runs, accounts, dead_letters, clock.clone(), self.config.persister)
            .with_ends(lag.clone());
        let persister = match log {
            Some(log) => persister.reading_again_from(log),
            None => persister,
        };
        let stalled = persister.stalled();
        self.jobs.push(parts.start("log watch", |stop| judge_log(watched, health, stop)));
        let health = self.health.clone();
        self.jobs.push(parts.start("stall watch", |stop| judge_stalls(stalled, health, stop)));
        self.persister = Some(parts.start("persister", |stop| persister.run(stop.stopped())));
        let forgetting = clock.clone();
        self.jobs.push(parts.start("orphan purge", |stop| purge(purged, lag, clock, stop)));
        self.jobs.push(parts.start("forgetting notes", |stop| forget(noted, forgetting, stop)));
    }

    /// Takes in what clients send, and watches how far the persisters are behind.
    pub fn start_ingest(&mut self, parts: &Parts, admission: Arc<Admission>, listener: TcpListener) {
        self.admission = Some(admission.clone());
        let watching = admission.clone();
        self.jobs.push(parts.start("lag watch", |stop| watching.watch_lag(stop.stopped())));
        let config = self.config.ingest.clone();
        let ingest = Arc::new(Ingest::new(config, admission, self.clock.clone(), self.ids.clone()));
        self.ingest = Some(parts.start("ingest", |stop| ingest.serve(listener, stop.stopped())));
    }

    /// Answers readers, and publishes whether all records are accounted for.
    pub fn start_control(
        &mut self,
        parts: &Parts,
        ops: &LaterRoutes,
        ports: ReadPorts,
        callers: Arc<dyn Authenticate>,
        listener: TcpListener,
    ) {
        let ReadPorts { queries, stored, accounts, log } = ports;
        let deadline = self.config.control.store_deadline;
        let conservation = Conservation::new(accounts.clone(), log.clone(), self.clock.clone(), deadline).with_samples(
            stored,
            self.ids.clone(),
            self.config.control.sample_records,
        );
        let conservation = Arc::new(conservation);
        ops.open(conservation.clone().routes());
        let sampling = conservation.clone();
        self.jobs.push(parts.start("conservation", |stop| conservation.watch(stop.stopped())));
        self.jobs.push(parts.start("conservation sample", |stop| sampling.take_samples(stop.stopped())));
        let control = Control::new(queries, accounts, callers, self.clock.clone(), self.ids.clone())
            .with_log(log)
            .with_store_deadline(deadline)
            .with_answer_bytes(self.config.control.max_answer_bytes_in_flight);
        let options = self.config.control.serve;
        self.control = Some(parts.start("control", |stop| control.serve(listener, options, stop.stopped())));
    }

    /// Follows what commands archive.
    pub fn start_following(&mut self, parts: &Parts, archived: ArchivedAgents) {
        self.jobs.push(parts.start("following archived agents", |stop| follow(archived, stop)));
    }

    /// What every process does in the background.
    pub fn start_upkeep(&mut self, parts: &Parts, metrics: Metrics) {
        self.jobs.push(parts.start("metrics upkeep", |stop| upkeep(metrics, stop)));
    }

    /// The stop, in order: the front door and what it still confirms, the background jobs, the persister, the read API.
    pub fn stages(self) -> Stages {
        let config = &self.config;
        let mut stages = Stages::default();
        if let Some(ingest) = self.ingest {
            // The drain twice: for connections, and for what is still under way after its client has left.
            let serve = config.ingest.serve;
            let deadline = serve.drain_grace + serve.drain_deadline * 2 + GRACE;
            stages.then("ingest", deadline, async { served(ingest.stop().await?) });
        }
        if let Some(admission) = self.admission {
            stages.then_or_cut("confirming claims", GRACE, async move {
                admission.all_confirmed().await;
                Ok(())
            });
        }
        for job in self.jobs {
            stages.then_or_cut(job.name(), GRACE, job.stop());
        }
        if let Some(persister) = self.persister {
            stages.then("persister", config.persister.drain_deadline + GRACE, async {
                match persister.stop().await?.uncommitted {
                    0 => Ok(()),
                    records => Err(format!("{records} records read and not committed; they are read again")),
                }
            });
        }
        if let Some(control) = self.control {
            let serve = config.control.serve;
            let deadline = serve.drain_grace + serve.drain_deadline + GRACE;
            stages.then("control", deadline, async { served(control.stop().await?) });
        }
        stages
    }
}

fn served(report: ServeReport) -> Result<(), String> {
    match report {
        report if report.is_clean() => Ok(()),
        ServeReport { cut, panicked: 0, .. } => Err(format!("{cut} requests were cut off")),
        ServeReport { cut, panicked, .. } => Err(format!("{cut} requests were cut off, {panicked} had panicked")),
    }
}

/// Judges now and then whether the log is the one that the accounts are of, and as configured.
async fn judge_log(mut watch: LogWatch, health: Health, stop: Stop) {
    const PART: &str = "log";
    let gauge = LOG_MISMATCHED.handle();
    let mut wrong = None;
    while !stop.is_stopping() {
        match watch.look().await {
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
            // The roles that need the servers report that they are away.
            Err(error) => tracing::debug!(error, "the log and its accounts could not be looked at"),
        }
        rest(JUDGE_EVERY, &stop).await;
    }
}

/// Reports the partitions that commit nothing for so long that an operator should look.
async fn judge_stalls(mut stalled: watch::Receiver<Vec<Stalled>>, health: Health, stop: Stop) {
    const PART: &str = "partitions";
    while !stop.is_stopping() {
        let reasons = stall_reasons(&stalled.borrow_and_update());
        match reasons {
            Some(reasons) => health.wrong(PART, reasons),
            None => health.right(PART),
        }
        tokio::select! {
            changed = stalled.changed() => if changed.is_err() {
                return stop.clone().stopped().await;
            },
            () = stop.clone().stopped() => {}
        }
    }
}

/// `None`: no partition has stalled for long.
fn stall_reasons(stalled: &[Stalled]) -> Option<String> {
    let long = stalled.iter().filter(|one| one.since >= STALLED_AFTER);
    let reasons: Vec<String> = long
        .map(|one| format!("partition {} has committed nothing for {} s", one.partition, one.since.as_secs()))
        .collect();
    (!reasons.is_empty()).then(|| reasons.join(", "))
}

/// Purges orphans now and then. A failure waits for the next time.
async fn purge(runs: Arc<dyn Runs>, lag: Arc<dyn ReadLag>, clock: Arc<dyn Clock>, stop: Stop) {
    // Made before anything is counted, so that a scrape finds them at zero.
    let orphans = ORPHANS_PURGED.handle();
    let failures = JOB_FAILURES.with([("task", "orphan_purge")]);
    while !stop.is_stopping() {
        match purge_once(&*runs, &*lag, clock.now()).await {
            Ok(0) => {}
            Ok(purged) => {
                tracing::info!(purged, "purged runs that were never opened");
                orphans.increment(purged as u64);
            }
            Err(error) => {
                tracing::warn!(error = error.to_string(), "could not purge orphans; trying again later");
                failures.increment(1);
            }
        }
        rest(PURGE_EVERY, &stop).await;
    }
}

/// Forgets old notes now and then. A failure waits for the next time.
async fn forget(accounts: Arc<dyn NotedAccounts>, clock: Arc<dyn Clock>, stop: Stop) {
    let failures = JOB_FAILURES.with([("task", "forget_notes")]);
    while !stop.is_stopping() {
        match forget_notes(&*accounts, clock.now()).await {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(forgotten, "forgot notes of records that nobody may ask for any more"),
            Err(error) => {
                tracing::warn!(kind = %error.kind(), %error, "could not forget old notes; trying again later");
                failures.increment(1);
            }
        }
        rest(PURGE_EVERY, &stop).await;
    }
}

/// Gives the slots of archived agents back. A failure waits for the next time, and is logged once.
async fn follow(mut archived: ArchivedAgents, stop: Stop) {
    let failures = JOB_FAILURES.with([("task", "archived_agents")]);
    let mut failing = false;
    while !stop.is_stopping() {
        let followed = archived.forget().await;
        if let Err(error) = &followed {
            failures.increment(1);
            if !failing {
                tracing::warn!(
                    error = error.to_string(),
                    "could not read which agents are archived; trying again every second"
                );
            }
        }
        failing = followed.is_err();
        rest(FOLLOW_EVERY, &stop).await;
    }
}

/// The opening that a run waits for may still wait on the log: what counts is the time up to which all is applied.
async fn purge_once(runs: &dyn Runs, lag: &dyn ReadLag, now: Timestamp) -> Result<usize, Failure> {
    let reading = lag.read().await?;
    let applied_up_to = reading.oldest_appended_at.map_or(now, |oldest| oldest.min(now));
    Ok(purge_orphans(runs, applied_up_to).await?)
}

async fn upkeep(metrics: Metrics, stop: Stop) {
    while !stop.is_stopping() {
        metrics.upkeep();
        rest(UPKEEP_EVERY, &stop).await;
    }
}

/// Waits so long, or until the stop.
async fn rest(span: Duration, stop: &Stop) {
    tokio::select! {
        () = sleep(span) => {}
        () = stop.clone().stopped() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn partitions_that_stall_for_long_are_a_reason_until_they_go_on() {
        let (sender, stalled) = watch::channel(Vec::new());
        let (health, parts) = (Health::default(), Parts::default());
        health.started();
        let judged = health.clone();
        let judging = parts.start("stall watch", |stop| judge_stalls(stalled, judged, stop));
        let says = |partition, seconds| Stalled { partition, since: Duration::from_secs(seconds) };
        let reads = async |reasons: &[&str]| {
            while health.readiness().reasons != reasons {
                tokio::task::yield_now().await;
            }
        };
        sender.send_replace(vec![says(3, 59), says(4, 60), says(9, 3_600)]);
        let reason =
            "partitions: partition 4 has committed nothing for 60 s, partition 9 has committed nothing for 3600 s";
        reads(&[reason]).await;
        sender.send_replace(vec![says(3, 2)]);
        reads(&[]).await;
        assert_eq!(judging.stop().await, Ok(()));
    }
}
