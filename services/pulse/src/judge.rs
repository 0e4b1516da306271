//! The judge: it decides slots, watches runs, and opens incidents, as records are applied.
//!
//! A turn reads how far the log is applied, reads the feed up to there, and judges what can be judged by then. What it
//! finds is written first: messages, slots and incidents, then the state that has found it. A crash anywhere loses
//! nothing: the state before it finds the same again, with the same ids. So a second judge that is active for a moment is
//! harmless.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_ports::PulseFeed;
use tidegate_agentping_pulse::watermark::{PartitionId, PartitionProgress, PartitionReading};
use tidegate_agentping_pulse::{Doubt, DoubtReason, Watermark};
use tidegate_agentping_settings::TeamSettings;
use tidegate_agentping_verdicts::JudgedDoc;
use tidegate_kernel::Timestamp;
use tidegate_mirror::Mirror;
use tidegate_ports::{Accounts, Clock, DeadLetters, LogError, ReadLag, Rows, StoreError};

mod agents;
mod changes;
mod dead_letters;
mod doubts;
mod due;
mod feeding;
mod findings;
mod front_doors;
mod lease;
mod open_run;
mod outbox;
mod progress;
mod reading;
mod run_tree;
mod running;
mod saving;
mod seen;
mod state;
mod volumes;
mod watching;

pub use front_doors::DoorWatch;
pub use lease::{JudgeLease, LeaseDocuments};
pub use outbox::{Alert, NoRoutes, Outbox, RouteChoice, Routes};
pub use running::{JudgeRole, Standby};
pub use seen::RegistryAgents;
pub use state::{Head, JUDGE_STATE, SHARDS};
pub use volumes::MINUTE_VOLUMES;
pub use watching::Watching;

use agents::{Agents, Turn};
use changes::SETTLED_AFTER_MS;
use doubts::{DoubtSources, KeptDoubts};
use findings::Findings;
use progress::{LogProgress, PartitionTarget};
use saving::Saved;
use state::Cursors;

use crate::metrics::{AGENTS, IN_DOUBT, JUDGED_BEHIND_SECONDS, JUDGED_UNTIL_SECONDS, STALLED_PARTITIONS};

/// What a judge reads and writes.
#[derive(Clone)]
pub struct JudgePorts {
    pub lag: Arc<dyn ReadLag>,
    pub accounts: Arc<dyn Accounts>,
    pub feed: Arc<dyn PulseFeed>,
    pub dead_letters: Arc<dyn DeadLetters>,
    pub settings: Mirror<TeamSettings>,
    pub rows: Arc<dyn Rows>,
    pub seen: Arc<dyn SeenAgents>,
    pub outbox: Arc<dyn Outbox>,
    pub routes: Arc<dyn Routes>,
    pub clock: Arc<dyn Clock>,
}

/// Numbers of a judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgeOptions {
    /// The longest time, in milliseconds, from the stamp of a record's receipt to its acknowledgement by the log.
    pub hold_ms: i64,
    /// How often a state that has changed is saved, in milliseconds.
    pub save_every_ms: u64,
    /// Whether this process sends the canary: what does not arrive of it is then doubt.
    pub canary: bool,
}

impl Default for JudgeOptions {
    fn default() -> Self {
        JudgeOptions { hold_ms: 30_000, save_every_ms: 60_000, canary: false }
    }
}

/// Agents that had runs before the first judge.
#[async_trait]
pub trait SeenAgents: Send + Sync + 'static {
    /// All of them with their last openings. Asked once in the life of a deployment.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn seen(&self) -> Result<Vec<(TeamId, Slug, Timestamp)>, StoreError>;
}

/// How far a judge is after a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JudgedTo {
    /// Up to then everything that was appended is applied.
    pub watermark: Timestamp,
    /// Up to then slots are judged and written.
    pub slots: Timestamp,
}

/// Why a turn did not complete. What was judged in it is kept, and written by the next one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unjudged {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Log(#[from] LogError),
}

/// What everyone is judged by, as of one turn.
#[derive(Default)]
struct Bench {
    settled_to: Timestamp,
    doubts: Vec<Doubt>,
    doubts_of_teams: HashMap<TeamId, Vec<Doubt>>,
    run_clocks: BTreeMap<PartitionId, Timestamp>,
    /// Up to where it is known whether runs were open in doubt of the volume.
    runs_known_to: Timestamp,
}

impl Bench {
    fn turn(&self, to: Timestamp, row_to: Timestamp) -> Turn<'_> {
        let Bench { settled_to, doubts, doubts_of_teams, run_clocks, runs_known_to } = self;
        let runs_to = row_to.min(*runs_known_to);
        Turn { to, settled_to: *settled_to, doubts, doubts_of_teams, run_clocks, runs_to, row_to }
    }
}

/// The judge of all agents.
pub struct Judge {
    ports: JudgePorts,
    options: JudgeOptions,
    watermark: Watermark,
    doubts: DoubtSources,
    /// Up to where it is known what front doors have said.
    known_to: Timestamp,
    agents: Agents,
    cursors: Cursors,
    saved: Saved,
    findings: Findings,
    bench: Bench,
    /// Greater than the rank of any standing so far.
    rank: u64,
}

impl Judge {
    /// Goes on from the state in the store; without one it begins at now.
    ///
    /// # Errors
    /// [`Unjudged`].
    pub async fn start(ports: JudgePorts, options: JudgeOptions) -> Result<Self, Unjudged> {
        ports.settings.catch_up().await?;
        match state::read_head(&*ports.rows).await? {
            Some(head) => Judge::resume(ports, options, head).await,
            None => Judge::begin(ports, options).await,
        }
    }

    async fn resume(ports: JudgePorts, options: JudgeOptions, head: Head) -> Result<Self, Unjudged> {
        let Head { watermark, judged_to, rank, doors, doubts } = head;
        let mut judge = Judge::empty(ports, options, watermark);
        judge.doubts = DoubtSources::new(doors, doubts, judge.canary_since());
        judge.doubts.read_volumes(&*judge.ports.rows, judge.watermark.now()).await?;
        judge.rank = rank;
        let shards = state::read_shards(&*judge.ports.rows).await?;
        judge.cursors = judge.saved.take(shards, judged_to, &mut judge.agents);
        judge.agents.follow(&judge.ports.settings);
        tracing::info!(agents = judge.agents.len(), watermark = %judge.watermark.now(), "the judge goes on");
        Ok(judge)
    }

    /// The first judge of a deployment: what was before is not judged.
    async fn begin(ports: JudgePorts, options: JudgeOptions) -> Result<Self, Unjudged> {
        let now = ports.clock.now();
        let mut judge = Judge::empty(ports, options, Watermark::new(now));
        let targets = judge.progress().read().await?;
        // Runs that were received before now are not read, so no slot before now is judged.
        judge.agents.begin_at(judge.ports.clock.now(), Vec::new());
        // What is dead by now is not looked at.
        judge.doubts.read_dead_letters(&*judge.ports.dead_letters, &targets, options.hold_ms).await?;
        judge.cursors = targets.iter().map(|target| (target.reading.id, target.settled)).collect();
        judge.agents.begin_with(judge.ports.seen.seen().await?, &judge.ports.settings);
        judge.save(true).await?;
        tracing::info!(agents = judge.agents.len(), "the judge begins at now");
        Ok(judge)
    }

    fn empty(ports: JudgePorts, options: JudgeOptions, watermark: Watermark) -> Self {
        let agents = Agents::new(ports.routes.clone());
        let canary_since = options.canary.then(|| ports.clock.now());
        Judge {
            ports,
            options,
            watermark,
            doubts: DoubtSources::new(DoorWatch::default(), KeptDoubts::default(), canary_since),
            known_to: Timestamp::FIRST,
            agents,
            cursors: Cursors::new(),
            saved: Saved::default(),
            findings: Findings::default(),
            bench: Bench::default(),
            rank: 0,
        }
    }

    fn canary_since(&self) -> Option<Timestamp> {
        self.options.canary.then(|| self.ports.clock.now())
    }

    fn progress(&self) -> LogProgress {
        let JudgePorts { lag, accounts, clock, .. } = &self.ports;
        LogProgress { lag: lag.clone(), accounts: accounts.clone(), clock: clock.clone() }
    }

    /// The instant up to which everything is judged.
    pub fn watermark(&self) -> &Watermark {
        &self.watermark
    }

    /// How far everything is judged.
    pub fn judged_to(&self) -> JudgedTo {
        JudgedTo { watermark: self.watermark.now(), slots: self.agents.judged_to() }
    }

    /// An agent, if it is known.
    pub fn agent(&self, team: TeamId, slug: &Slug) -> Option<&Watching> {
        self.agents.get(tidegate_agentping_ports::registry::agent_id(team, slug))
    }

    /// One turn.
    ///
    /// # Errors
    /// [`Unjudged`]; the next turn goes on.
    pub async fn turn(&mut self) -> Result<(), Unjudged> {
        // What the turn before could not write is written before anything else is judged.
        self.write().await?;
        let wall = self.ports.clock.now();
        self.ports.settings.catch_up().await?;
        self.agents.follow(&self.ports.settings);
        // Nothing later than this can be judged in this turn.
        let furthest = wall.plus_millis(-Watermark::CLOCK_DIFFERENCE_MS - self.options.hold_ms);
        self.known_to = self.doubts.read_doors(&*self.ports.rows, furthest).await?.max(self.known_to);
        let mut targets = self.progress().read().await?;
        self.doubts.read_dead_letters(&*self.ports.dead_letters, &targets, self.options.hold_ms).await?;
        self.bench = self.bench(self.run_clocks_at(&targets));
        let (there, complete_to) = (targets.len(), self.complete_to(&targets));
        targets.extend(self.gone(&targets));
        let mut readings = self.read_feed(targets, complete_to).await?;
        readings.truncate(there);
        if self.saved.left(&self.cursors).is_empty() {
            self.agents.caught_up();
        }
        self.watermark.read(wall, &readings);
        let judged_until = self.watermark.judged_until(self.options.hold_ms);
        let judged_until = self.doubts.settle(judged_until);
        self.judge(judged_until.min(self.known_to));
        self.write().await?;
        self.save(false).await?;
        self.publish(wall);
        Ok(())
    }

    fn judge(&mut self, to: Timestamp) {
        let to = to.max(self.agents.judged_to());
        let clocks = self.run_clocks().into_iter().map(|(id, at)| (id, self.doubts.canary_known_to(at))).collect();
        self.bench = self.bench(clocks);
        self.agents.advance(&self.bench.turn(to, Timestamp::LAST), &mut self.findings);
        let watermark = self.watermark.now();
        self.rank = u64::try_from(watermark.as_millis()).unwrap_or(0).max(self.rank + 1);
        self.agents.show(to, self.rank, &mut self.findings);
        self.agents.forget(to);
        self.findings.row(JudgedDoc { until: watermark }.row());
    }

    fn bench(&self, run_clocks: BTreeMap<PartitionId, Timestamp>) -> Bench {
        let doubts = self.doubts_of_all(Timestamp::FIRST);
        let run_clocks = run_clocks.into_iter().map(|(id, at)| (id, at.min(self.known_to))).collect();
        let settled_to = self.ports.clock.now().plus_millis(-SETTLED_AFTER_MS);
        let (doubts_of_teams, runs_known_to) = (self.doubts.of_teams(), self.doubts.runs_known_to());
        Bench { settled_to, doubts, doubts_of_teams, run_clocks, runs_known_to }
    }

    /// Doubt that concerns all teams. What goes on lasts until slots can be judged, or until `to` if that is later.
    fn doubts_of_all(&self, to: Timestamp) -> Vec<Doubt> {
        let mut doubts = self.watermark.doubts(self.options.hold_ms);
        doubts.extend(self.doubts.of_all(self.watermark.judged_until(self.options.hold_ms).max(to)));
        doubts
    }

    /// The same once the feed is read up to these targets.
    fn run_clocks_at(&self, targets: &[PartitionTarget]) -> BTreeMap<PartitionId, Timestamp> {
        let hold_ms = self.options.hold_ms;
        let clock = |target: &PartitionTarget| {
            let PartitionReading { id, progress, .. } = target.reading;
            let applied_to = match progress {
                PartitionProgress::CaughtUp { asked_at } => Some(asked_at),
                PartitionProgress::Behind { oldest_appended_at } => Some(oldest_appended_at),
                PartitionProgress::Unreadable | PartitionProgress::Torn => None,
            };
            let at = applied_to.map(|at| at.plus_millis(-Watermark::CLOCK_DIFFERENCE_MS));
            Some((id, at.or_else(|| self.watermark.clock(id))?.plus_millis(-hold_ms)))
        };
        targets.iter().filter_map(clock).collect()
    }

    /// Up to where all that was received is known once the feed is read up to these targets: the slowest partition's
    /// clock, but for those that the watermark goes on without. `None`: one of them has none.
    fn complete_to(&self, targets: &[PartitionTarget]) -> Option<Timestamp> {
        let stalled: Vec<PartitionId> = self.watermark.stalled().collect();
        let waited_for = targets.iter().map(|target| target.reading.id).filter(|id| !stalled.contains(id));
        waited_for.map(|id| self.bench.run_clocks.get(&id).copied()).min().flatten()
    }

    /// Up to where what happened to the runs of each partition is known.
    fn run_clocks(&self) -> BTreeMap<PartitionId, Timestamp> {
        let hold_ms = self.options.hold_ms;
        let clock = |id: &PartitionId| Some((*id, self.watermark.clock(*id)?.plus_millis(-hold_ms)));
        self.cursors.keys().filter_map(clock).collect()
    }

    async fn write(&mut self) -> Result<(), StoreError> {
        let JudgePorts { rows, outbox, clock, .. } = &self.ports;
        self.findings.write(&**rows, &**outbox, self.agents.judged_to(), clock.now()).await
    }

    /// Saves the shards that are due, or all.
    async fn save(&mut self, all: bool) -> Result<(), StoreError> {
        debug_assert!(self.findings.is_empty(), "what was found is written before the state that has found it");
        let (rank, now) = (self.rank, self.ports.clock.now());
        self.doubts.write_volumes(&*self.ports.rows, rank, now).await?;
        let (doors, doubts) = self.doubts.kept();
        let (watermark, judged_to) = (self.watermark.clone(), self.agents.judged_to());
        let head = Head { watermark, judged_to, rank, doors, doubts };
        let every_ms = if all { 0 } else { self.options.save_every_ms };
        self.saved.save(&*self.ports.rows, head, &mut self.agents, &self.cursors, every_ms, &*self.ports.clock).await
    }

    /// Saves everything that has changed, before the judge stops.
    ///
    /// # Errors
    /// [`Unjudged`]; the next judge finds the same again.
    pub async fn finish(&mut self) -> Result<(), Unjudged> {
        self.write().await?;
        Ok(self.save(true).await?)
    }

    fn publish(&self, wall: Timestamp) {
        let watermark = self.watermark.now();
        JUDGED_UNTIL_SECONDS.handle().set(watermark.as_millis() as f64 / 1_000.0);
        JUDGED_BEHIND_SECONDS.handle().set(wall.millis_since(watermark) as f64 / 1_000.0);
        STALLED_PARTITIONS.handle().set(self.watermark.stalled().count() as f64);
        AGENTS.handle().set(self.agents.len() as f64);
        for reason in DoubtReason::ALL {
            let is_in = |doubt: &Doubt| doubt.reason == reason && doubt.until >= self.agents.judged_to();
            let is_in_doubt = self.bench.doubts.iter().any(is_in);
            IN_DOUBT.with([("reason", reason.as_str())]).set(f64::from(u8::from(is_in_doubt)));
        }
    }
}
