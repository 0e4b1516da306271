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
use crate::metrics::{CHECKED_RUNS, PASSED_OVER, ROUND_FAILURES};
use crate::spend_follower::SpendFollower;

/// What follows the judge.
pub struct Rounds {
    pub spend: SpendFollower,
    pub checks: CheckRunner,
    pub check_alerts: CheckAlerts,
    /// Results of rounds before, which were not taken in then.
    pub untaken: Vec<CheckEvent>,
    pub agent_limits: AgentLimitWatch,
    pub clock: Arc<dyn Clock>,
    /// How far the judge is after each of its turns.
    pub judged: watch::Receiver<JudgedTo>,
    /// Where it is published, once sums and checks have followed, how far the judge was before they began.
    pub followed: watch::Sender<JudgedTo>,
}

impl Rounds {
    /// Goes on until stopped. What fails is tried again with the next move of the watermark.
    pub async fn run(mut self, stop: Stop) {
        // They stand at zero before anything is looked at.
        CHECKED_RUNS.handle().increment(0);
        PASSED_OVER.handle().increment(0);
        ["spend", "checks", "agent_limits"]
            .into_iter()
            .for_each(|what| ROUND_FAILURES.with([("what", what)]).increment(0));
        let following = async {
            // How far the judge was when the checks in progress began: they may take several rounds.
            let mut begun = None;
            while self.judged.changed().await.is_ok() {
                let judged = *self.judged.borrow_and_update();
                let checked_to = *begun.get_or_insert(judged);
                let as_of = judged.watermark;
                let (spend, checks) = (self.spend.round(as_of).await, self.check(as_of).await);
                if spend.is_ok() && checks.is_ok() {
                    let is_checked = self.untaken.is_empty() && self.checks.is_done();
                    if is_checked {
                        begun = None;
                        self.followed.send_replace(checked_to);
                    }
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

    async fn check(&mut self, as_of: Timestamp) -> Result<(), StoreError> {
        // What was judged before is taken in first: each call goes on for about a second, and sums go on in between.
        if self.untaken.is_empty() {
            let round = self.checks.round(as_of).await?;
            CHECKED_RUNS.handle().increment(round.judged as u64);
            self.untaken = round.events;
        }
        self.check_alerts.take(&mut self.untaken).await?;
        if !self.untaken.is_empty() {
            return Ok(());
        }
        self.checks.taken(as_of).await?;
        self.check_alerts.end(as_of).await
    }
}
