//! The roles of a process and its background jobs, each started on its ports, and how they are stopped.

use std::sync::Arc;
use std::time::Duration;

use tidegate_admission::Admission;
use tidegate_agentping_settings::TeamSettings;
use tidegate_conservation::Conservation;
use tidegate_consumer::Job;
use tidegate_control::conservation::{self, ShowConservation, Shown, StoredRuns};
use tidegate_control::{Authenticate, Control, Management};
use tidegate_dashboard::{KeyHolders, SignInLinks};
use tidegate_door::{LaterRoutes, ServeReport};
use tidegate_ingest::{DoorReports, Ingest};
use tidegate_lifecycle::{Health, Part, Parts, Stages, Stop, Unfinished};
use tidegate_mirror::Mirror;
use tidegate_operators::OperatorPages;
use tidegate_outbound::Outbound;
use tidegate_persister::{LogWatch, Persister, StopReport, feed_expiry, note_expiry, orphan_purge, watch_stalls};
use tidegate_ports::{Clock, Ids, Rows};
use tidegate_sqlite::OperatorInbox;
use tidegate_telemetry::Metrics;
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::agentgate::{self, AgentGateConservation, Door};
use crate::alerting::GuardMessages;
use crate::assemble::commands::{API, DeciderPorts};
use crate::assemble::{PersisterPorts, ReadPorts, SettingsPorts};
use crate::config::Config;
use crate::dashboard::{self, Common};

mod pulse;

const UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// How often settings and rows that have ended are deleted, and how many at once.
const EXPIRE_EVERY: Duration = Duration::from_secs(10);
const EXPIRED_AT_ONCE: usize = 2_000;

/// Time that a part gets on top of its own drain deadline.
pub const GRACE: Duration = Duration::from_secs(2);

/// What is shown of an API's conservation, with its name.
pub type ShownApi = (&'static str, Arc<dyn ShowConservation>);

/// The running roles and jobs of a process.
pub struct Roles {
    config: Config,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    persister: Option<Part<StopReport>>,
    decider: Option<Part<StopReport>>,
    agentgate: Option<Part<ServeReport>>,
    control: Option<Part<ServeReport>>,
    ingest: Option<Part<ServeReport>>,
    admission: Option<Arc<Admission>>,
    jobs: Vec<Part<()>>,
    /// Where a persister says what it cannot work with. In a process with a front door it is not read: the process goes
    /// on taking records in.
    health: Health,
    /// Links that sign in to the dashboard of this process.
    links: SignInLinks,
}

impl Roles {
    pub fn new(config: Config, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        let health = Health::default();
        let jobs = Vec::new();
        Roles {
            config,
            clock,
            ids,
            persister: None,
            decider: None,
            agentgate: None,
            control: None,
            ingest: None,
            admission: None,
            jobs,
            health,
            links: SignInLinks::default(),
        }
    }

    /// Where links are made that sign in to this process's dashboard once.
    pub fn sign_in_links(&self) -> SignInLinks {
        self.links.clone()
    }

    /// What is wrong with the log or the partitions makes this process not ready.
    #[must_use]
    pub fn with_health(self, health: Health) -> Self {
        Roles { health, ..self }
    }

    /// Folds the log into the store, and purges the runs that were never opened.
    pub fn start_persister(&mut self, parts: &Parts, ports: PersisterPorts) {
        let PersisterPorts { consume, runs, accounts, feed, dead_letters, log, lag } = ports;
        let clock = self.clock.clone();
        let jobs = [
            orphan_purge(runs.clone(), lag.clone(), clock.clone()),
            note_expiry(accounts.clone(), clock.clone()),
            feed_expiry(feed, clock.clone()),
        ];
        let (log_watch, health) = (LogWatch::new(lag.clone(), accounts.clone()), self.health.clone());
        let persister = Persister::new(consume, runs, accounts, dead_letters, clock, self.config.persister)
            .with_ends(lag)
            .reading_again_from(log);
        let stalled = persister.stalled();
        self.jobs.push(parts.start("log watch", |stop| log_watch.watch(health, stop)));
        let health = self.health.clone();
        self.jobs.push(parts.start("stall watch", |stop| watch_stalls(stalled, health, stop)));
        self.persister = Some(parts.start("persister", |stop| persister.run(stop.stopped())));
        jobs.into_iter().for_each(|job| self.start_job(parts, job));
    }

    /// Decides AgentGate's commands, and sends webhooks.
    pub fn start_decider(&mut self, parts: &Parts, ports: DeciderPorts, webhooks: Option<Outbound>) {
        let log_watch = LogWatch::new(ports.commands.lag.clone(), ports.commands.accounts.clone());
        let sending = webhooks.and_then(|client| agentgate::webhooks::sending(client, &ports));
        let decider = agentgate::decider(ports, sending);
        let stalled = decider.stalled();
        let health = self.health.clone();
        self.jobs.push(parts.start("log watch of deciders", |stop| log_watch.watch(health, stop)));
        let health = self.health.clone();
        self.jobs.push(parts.start("stall watch of deciders", |stop| watch_stalls(stalled, health, stop)));
        self.decider = Some(parts.start("decider", |stop| decider.run(stop.stopped())));
    }

    /// Publishes whether all commands and credits are accounted for. Returns what is shown of it, with its name.
    pub fn start_commands_conservation(&mut self, parts: &Parts, ports: &DeciderPorts) -> ShownApi {
        let watched = AgentGateConservation::new(&self.config, ports, self.ids.clone());
        let (counting, sampling, credits) =
            (watched.commands.clone(), watched.commands.clone(), watched.credits.clone());
        self.jobs.push(parts.start("conservation of commands", |stop| counting.watch(stop.stopped())));
        self.jobs.push(parts.start("sample of commands", |stop| sampling.take_samples(stop.stopped())));
        self.jobs.push(parts.start("conservation of credits", |stop| credits.watch(stop.stopped())));
        (API, Arc::new(watched))
    }

    /// Appends the commands that operators' processes put into the inbox.
    pub fn start_inbox(&mut self, parts: &Parts, inbox: OperatorInbox, append: Arc<dyn tidegate_ports::Append>) {
        self.jobs.push(parts.start("inbox", |stop| agentgate::serve_inbox(inbox, append, stop)));
    }

    /// Takes in what AgentGate's clients and workers send, and watches how far the deciders are behind.
    pub fn start_agentgate(&mut self, parts: &Parts, door: Door, listener: TcpListener) {
        let Door { front_door, lag_watch, .. } = door;
        self.jobs.push(parts.start("lag watch of agentgate", |stop| async move {
            lag_watch.watch(stop.stopped()).await;
        }));
        self.agentgate = Some(parts.start("agentgate", |stop| front_door.serve(listener, stop.stopped())));
    }

    /// Takes in what clients send, watches how far the persisters are behind, and reports to `rows` when it is ready, by
    /// `health`.
    pub fn start_ingest(
        &mut self,
        parts: &Parts,
        admission: Arc<Admission>,
        (rows, health): (Arc<dyn Rows>, Health),
        listener: TcpListener,
    ) {
        self.admission = Some(admission.clone());
        let watching = admission.clone();
        self.jobs.push(parts.start("lag watch", |stop| watching.watch_lag(stop.stopped())));
        let config = self.config.ingest.clone();
        let ingest = Arc::new(Ingest::new(config, admission, self.clock.clone(), self.ids.clone()));
        let (openings, is_ready) = (ingest.openings(), move || health.readiness().ready);
        let reports = DoorReports::new(rows, self.clock.clone(), openings, is_ready, self.process_name())
            .with_credential_uses(ingest.credential_uses())
            .with_refused_agents(ingest.refused_agents());
        self.jobs.push(parts.start("reports of the front door", |stop| reports.run(stop.stopped())));
        self.ingest = Some(parts.start("ingest", |stop| ingest.serve(listener, stop.stopped())));
    }

    /// Answers readers, and publishes whether all records are accounted for.
    pub fn start_control(
        &mut self,
        parts: &Parts,
        ops: &LaterRoutes,
        (ports, managed): (ReadPorts, Management),
        callers: Arc<impl Authenticate + KeyHolders>,
        apis: Vec<ShownApi>,
        listener: TcpListener,
    ) {
        let ReadPorts { queries, stored, accounts, log } = ports;
        let outbox = managed.outbox.clone();
        let settings = managed.mirror.clone();
        let deadline = self.config.control.store_deadline;
        let conservation = Conservation::new(accounts.clone(), log.clone(), self.clock.clone(), deadline).with_samples(
            Arc::new(StoredRuns { accounts: accounts.clone(), stored, clock: self.clock.clone() }),
            self.ids.clone(),
            self.config.control.sample_records,
        );
        let conservation = Arc::new(conservation);
        ops.open(conservation::routes(Shown { agentping: Some(conservation.clone()), apis }));
        let sampling = conservation.clone();
        self.jobs.push(parts.start("conservation", |stop| conservation.watch(stop.stopped())));
        self.jobs.push(parts.start("conservation sample", |stop| sampling.take_samples(stop.stopped())));
        // Front doors of the deployment keep credentials, and names with them, for so long after a look-up, which takes so long.
        let admission = &self.config.admission;
        let kept = Duration::from_millis(admission.credentials.fresh_ms + admission.timeouts.store_ms);
        let rename_wait = Control::RENAME_WAIT.max(kept + Control::RENAME_WAIT / 10);
        let common = Common {
            config: &self.config.control,
            rename_wait,
            clock: &self.clock,
            ids: &self.ids,
            links: &self.links,
        };
        let pages = dashboard::pages(common, &queries, &accounts, &managed, callers.clone());
        let control = Control::new(queries, accounts, managed, callers, self.clock.clone(), self.ids.clone())
            .with_log(log)
            .with_rename_wait(rename_wait)
            .with_guard_events(Arc::new(GuardMessages(outbox)))
            .with_store_deadline(deadline)
            .with_answer_bytes(self.config.control.max_answer_bytes_in_flight)
            .with_pages(pages);
        let options = self.config.control.serve;
        self.start_following(parts, settings);
        self.control = Some(parts.start("control", |stop| control.serve(listener, options, stop.stopped())));
    }

    /// Follows what teams set.
    pub fn start_following(&mut self, parts: &Parts, settings: Mirror<TeamSettings>) {
        self.jobs.push(parts.start("settings", |stop| settings.follow(stop.stopped())));
    }

    /// Deletes settings and derived rows that have ended, where they do not end by themselves.
    pub fn start_expiry_of_settings(&mut self, parts: &Parts, settings: SettingsPorts) {
        let clock = self.clock.clone();
        self.jobs.push(parts.start("expiry of settings", |stop| expire(settings, clock, stop)));
    }

    /// Does one more job in the background.
    pub fn start_job(&mut self, parts: &Parts, job: Job) {
        self.jobs.push(parts.start(job.name(), |stop| job.run(stop)));
    }

    /// What every process does in the background.
    pub fn start_upkeep(&mut self, parts: &Parts, metrics: Metrics, operators: OperatorPages) {
        self.jobs.push(parts.start("metrics upkeep", |stop| upkeep(metrics, operators, stop)));
    }

    /// The stop, in order: the front doors and what they still confirm, the background jobs, decider and persister, the read
    /// API.
    pub fn stages(self) -> Stages {
        let config = &self.config;
        let mut stages = Stages::default();
        if let Some(ingest) = self.ingest {
            // The drain twice: for connections, and for what is still in progress after its client has left.
            let serve = config.ingest.serve;
            let deadline = serve.drain_grace + serve.drain_deadline * 2 + GRACE;
            stages.then("ingest", deadline, async { served(ingest.stop().await?) });
        }
        if let Some(agentgate) = self.agentgate {
            let serve = config.agentgate.api.serve;
            let deadline = serve.drain_grace + serve.drain_deadline * 2 + GRACE;
            stages.then("agentgate", deadline, async { served(agentgate.stop().await?) });
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
        if let Some(decider) = self.decider {
            stages.then("decider", config.persister.drain_deadline + GRACE, async {
                match decider.stop().await?.uncommitted {
                    0 => Ok(()),
                    records => {
                        Err(Unfinished::new(format!("{records} commands read and not committed; they are read again")))
                    }
                }
            });
        }
        if let Some(persister) = self.persister {
            stages.then("persister", config.persister.drain_deadline + GRACE, async {
                match persister.stop().await?.uncommitted {
                    0 => Ok(()),
                    records => {
                        Err(Unfinished::new(format!("{records} records read and not committed; they are read again")))
                    }
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

fn served(report: ServeReport) -> Result<(), Unfinished> {
    let what = match report {
        report if report.is_clean() => return Ok(()),
        ServeReport { cut, panicked: 0, .. } => format!("{cut} requests were cut off"),
        ServeReport { cut, panicked, .. } => format!("{cut} requests were cut off, {panicked} had panicked"),
    };
    Err(Unfinished::new(what))
}

async fn upkeep(metrics: Metrics, operators: OperatorPages, stop: Stop) {
    while !stop.is_stopping() {
        metrics.upkeep();
        operators.observe();
        rest(UPKEEP_EVERY, &stop).await;
    }
}

async fn expire(settings: SettingsPorts, clock: Arc<dyn Clock>, stop: Stop) {
    while !stop.is_stopping() {
        let now = clock.now();
        for deleted in [
            settings.documents.purge_documents(now, EXPIRED_AT_ONCE).await,
            settings.rows.purge_rows(now, EXPIRED_AT_ONCE).await,
        ] {
            if let Err(error) = deleted {
                tracing::warn!(kind = %error.kind(), %error, "settings that have ended cannot be deleted now");
            }
        }
        rest(EXPIRE_EVERY, &stop).await;
    }
}

/// Waits so long, or until the stop.
async fn rest(span: Duration, stop: &Stop) {
    tokio::select! {
        () = sleep(span) => {}
        () = stop.clone().stopped() => {}
    }
}
