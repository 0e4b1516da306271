//! What follows the judge: sums of spend, checks of runs and alerts about refused agents, a round each time the
//! watermark has moved.
//!
//! They have a task of their own, so that a run with much to check delays no schedule. In a process whose judge has not the
//! lease the watermark does not move, and nothing is done.

use std::sync::Arc;

use tidegate_kernel::Timestamp;
use tidegate_lifecycle::Stop;
use tidegate_ports::{Clock, StoreError};
use tokio::sync::watch;

use crate::agent_limits::AgentLimitWatch;
use crate::checks::{CheckAlerts, CheckEvent, CheckRunner};
use crate::judge::JudgedTo;
use crate::messages::SpendMessages;
use crate::metrics::{CHECKED_RUNS, ROUND_FAILURES};
use crate::spend::{GuardWatch, SpendKeeper, SpendRound, SpendWatch};

/// What follows the judge.
pub struct Rounds {
    pub spend: SpendKeeper,
    pub spend_watch: SpendWatch,
    pub guard_watch: GuardWatch,
    pub spend_messages: SpendMessages,
    pub clock: Arc<dyn Clock>,
    /// What was counted and could not be judged then.
    pub unjudged: SpendRound,
    pub checks: CheckRunner,
    pub check_alerts: CheckAlerts,
    /// Results of rounds before, which could not be taken in then.
    pub untaken: Vec<CheckEvent>,
    pub agent_limits: AgentLimitWatch,
    /// How far the judge is after each of its turns.
    pub judged: watch::Receiver<JudgedTo>,
    /// Where it is published after each round that completed how far the judge was before it.
    pub followed: watch::Sender<JudgedTo>,
}

impl Rounds {
    /// Goes on until stopped. What fails is tried again with the next move of the watermark.
    pub async fn run(mut self, stop: Stop) {
        // They stand at zero before anything is looked at.
        CHECKED_RUNS.handle().increment(0);
        ["spend", "checks", "agent_limits"]
            .into_iter()
            .for_each(|what| ROUND_FAILURES.with([("what", what)]).increment(0));
        let following = async {
            while self.judged.changed().await.is_ok() {
                let judged = *self.judged.borrow_and_update();
                let as_of = judged.watermark;
                let (spend, checks) = (self.sum(as_of).await, self.check(as_of).await);
                if spend.is_ok() && checks.is_ok() {
                    self.followed.send_replace(judged);
                }
                let agent_limits = self.agent_limits.round(self.clock.now()).await;
                for (what, done) in [("spend", spend), ("checks", checks), ("agent_limits", agent_limits)] {
                    if let Err(error) = done {
                        tracing::warn!(what, kind = %error.kind(), %error, "a round did not complete; trying again");
                        ROUND_FAILURES.with([("what", what)]).increment(1);
                    }
                }
            }
        };
        tokio::select! {
            () = following => {}
            () = stop.stopped() => {}
        }
    }

    async fn sum(&mut self, as_of: Timestamp) -> Result<(), StoreError> {
        let round = self.spend.round(as_of).await?;
        self.unjudged.changed.extend(round.changed);
        self.unjudged.unpriced.extend(round.unpriced);
        let alerts = self.spend_watch.judge(&self.unjudged, self.clock.now()).await?;
        if !alerts.is_empty() {
            self.spend_messages.put(&alerts).await?;
            self.spend_watch.stored(&alerts);
        }
        let warnings = self.guard_watch.judge(&self.unjudged.changed, self.clock.now()).await?;
        if !warnings.is_empty() {
            self.spend_messages.warn(&warnings).await?;
            self.guard_watch.stored(&warnings);
        }
        self.unjudged = SpendRound::default();
        Ok(())
    }

    async fn check(&mut self, as_of: Timestamp) -> Result<(), StoreError> {
        let round = self.checks.round(as_of).await?;
        CHECKED_RUNS.handle().increment(round.judged as u64);
        self.untaken.extend(round.events);
        self.check_alerts.take(self.untaken.clone()).await?;
        self.untaken.clear();
        self.checks.taken(as_of).await?;
        self.check_alerts.end(as_of).await
    }
}
