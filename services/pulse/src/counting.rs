//! What follows from the feed besides schedules, as a part of a process: sums of spend, alerts about them, and checks of
//! runs. Each turn goes up to what is settled; several processes that do so at once write and find the same.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tidegate_agentping_ports::{PulseFeed, Registry, RunQueries};
use tidegate_agentping_settings::TeamSettings;
use tidegate_agentping_verdicts::JudgedDoc;
use tidegate_kernel::Timestamp;
use tidegate_lifecycle::Stop;
use tidegate_mirror::Mirror;
use tidegate_ports::{Accounts, Clock, Rows, StoreError};
use tokio::time::sleep;

use crate::checks::{CheckEdge, CheckRunner, take_all};
use crate::spend::{SpendAlert, SpendKeeper, SpendRound, SpendWatch};

/// What the part reads and writes.
#[derive(Clone)]
pub struct CountingPorts {
    pub feed: Arc<dyn PulseFeed>,
    pub accounts: Arc<dyn Accounts>,
    pub queries: Arc<dyn RunQueries>,
    pub registry: Arc<dyn Registry>,
    pub rows: Arc<dyn Rows>,
    pub settings: Mirror<TeamSettings>,
    pub clock: Arc<dyn Clock>,
}

/// Takes what is found, for people to be alerted. The same may come again: whoever takes it goes by its key or id.
#[async_trait]
pub trait Findings: Send + Sync + 'static {
    /// # Errors
    /// [`StoreError`]: they come again.
    async fn spend(&self, alerts: &[SpendAlert]) -> Result<(), StoreError>;

    /// # Errors
    /// [`StoreError`]: they come again.
    async fn checks(&self, edges: &[CheckEdge]) -> Result<(), StoreError>;
}

/// The part.
pub struct CountingRole {
    ports: CountingPorts,
    findings: Arc<dyn Findings>,
    keeper: SpendKeeper,
    watch: SpendWatch,
    runner: CheckRunner,
    /// What was counted and not judged yet, because a store was down in between.
    unjudged: SpendRound,
    unsent: Vec<crate::checks::CheckEvent>,
}

impl CountingRole {
    /// Between the end of a turn and the next one.
    const EVERY: Duration = Duration::from_millis(500);

    pub fn new(ports: CountingPorts, findings: Arc<dyn Findings>) -> Self {
        let CountingPorts { feed, accounts, queries, registry, rows, settings, clock } = ports.clone();
        CountingRole {
            keeper: SpendKeeper::new(feed.clone(), accounts.clone(), rows.clone(), clock.clone()),
            watch: SpendWatch::new(rows.clone(), queries.clone(), registry, settings.clone()),
            runner: CheckRunner::new(feed, accounts, queries, rows, settings, clock),
            unjudged: SpendRound::default(),
            unsent: Vec::new(),
            ports,
            findings,
        }
    }

    /// Counts until stopped. What fails is tried again.
    pub async fn run(mut self, stop: Stop) {
        while !stop.is_stopping() {
            if let Err(error) = self.turn().await {
                tracing::warn!(kind = %error.kind(), %error, "spend and checks cannot be followed now; trying again");
            }
            tokio::select! {
                () = sleep(Self::EVERY) => {}
                () = stop.clone().stopped() => {}
            }
        }
    }

    /// One turn.
    ///
    /// # Errors
    /// [`StoreError`]; the next turn goes on from what this one has done.
    pub async fn turn(&mut self) -> Result<(), StoreError> {
        // Before the feed is read: what was appended before this instant is settled.
        let judged = JudgedDoc::read(&*self.ports.rows).await?;
        let as_of = judged.map_or(Timestamp::FIRST, |judged| judged.until);
        self.spend(as_of).await?;
        self.checks(as_of).await
    }

    async fn spend(&mut self, as_of: Timestamp) -> Result<(), StoreError> {
        let round = self.keeper.round(as_of).await?;
        self.unjudged.changed.extend(round.changed);
        self.unjudged.unpriced.extend(round.unpriced);
        let alerts = self.watch.judge(&self.unjudged, self.ports.clock.now()).await?;
        if !alerts.is_empty() {
            self.findings.spend(&alerts).await?;
            self.watch.stored(&alerts);
        }
        self.unjudged = SpendRound::default();
        Ok(())
    }

    async fn checks(&mut self, as_of: Timestamp) -> Result<(), StoreError> {
        let round = self.runner.round(as_of).await?;
        self.unsent.extend(round.events);
        if self.unsent.is_empty() {
            return Ok(());
        }
        let taken = take_all(&*self.ports.rows, &self.unsent).await?;
        if !taken.edges.is_empty() {
            self.findings.checks(&taken.edges).await?;
        }
        taken.store(&*self.ports.rows, self.ports.clock.now()).await?;
        self.unsent.clear();
        Ok(())
    }
}
