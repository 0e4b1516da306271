//! The judge as a part of a process: a turn every second, while the process has the lease.

use std::time::Duration;

use tidegate_agentping_pulse::{DoubtReason, SlotOutcome};
use tidegate_lifecycle::Stop;
use tokio::sync::watch;
use tokio::time::sleep;

use super::{Judge, JudgeLease, JudgeOptions, JudgePorts, JudgedTo};
use crate::metrics::{
    AGENTS, ALERTS, FEED_ROWS, IN_DOUBT, IS_ACTIVE, JUDGED_BEHIND_SECONDS, SLOTS, STALLED_PARTITIONS, TURN_FAILURES,
};

/// How a process comes to judge.
pub enum Standby {
    /// It is the only one.
    Alone,
    /// It waits for the lease.
    Leased(Box<JudgeLease>),
}

/// The judge's part.
pub struct JudgeRole {
    pub ports: JudgePorts,
    pub options: JudgeOptions,
    /// Between the end of a turn and the next one.
    pub every: Duration,
    pub standby: Standby,
    /// Where it is published after each turn how far everything is judged.
    pub judged: watch::Sender<JudgedTo>,
}

impl JudgeRole {
    /// The pause between turns of a release.
    pub const EVERY: Duration = Duration::from_millis(500);

    /// Judges until stopped. What fails is tried again.
    pub async fn run(self, stop: Stop) {
        let JudgeRole { ports, options, every, mut standby, judged } = self;
        let (failures, active) = (TURN_FAILURES.handle(), IS_ACTIVE.handle());
        // They stand at zero before anything is judged.
        [&FEED_ROWS, &ALERTS, &TURN_FAILURES].into_iter().for_each(|counter| counter.handle().increment(0));
        SlotOutcome::ALL.iter().for_each(|outcome| SLOTS.with([("outcome", outcome.as_str())]).increment(0));
        show_no_doubt();
        let mut judge = None;
        while !stop.is_stopping() {
            let is_ours = standby.is_ours().await;
            active.set(f64::from(u8::from(is_ours)));
            if is_ours {
                match turn(&mut judge, &ports, options).await {
                    Ok(judged_to) => _ = judged.send_replace(judged_to),
                    Err(error) => {
                        tracing::warn!(%error, "nothing can be judged now; trying again");
                        failures.increment(1);
                    }
                }
            } else if judge.take().is_some() {
                show_nothing();
            }
            tokio::select! {
                () = sleep(every) => {}
                () = stop.clone().stopped() => {}
            }
        }
        active.set(0.0);
        if let Some(mut judge) = judge
            && let Err(error) = judge.finish().await
        {
            tracing::warn!(%error, "the judge's state could not be saved; the next one finds the same again");
        }
        standby.release().await;
    }
}

/// Another process judges, and shows these.
fn show_nothing() {
    for gauge in [&JUDGED_BEHIND_SECONDS, &STALLED_PARTITIONS, &AGENTS] {
        gauge.handle().set(0.0);
    }
    show_no_doubt();
}

fn show_no_doubt() {
    DoubtReason::ALL.iter().for_each(|reason| IN_DOUBT.with([("reason", reason.as_str())]).set(0.0));
}

/// One turn; returns how far everything is judged after it.
async fn turn(
    judge: &mut Option<Judge>,
    ports: &JudgePorts,
    options: JudgeOptions,
) -> Result<JudgedTo, super::Unjudged> {
    let judge = match judge {
        Some(judge) => judge,
        None => judge.insert(Judge::start(ports.clone(), options).await?),
    };
    judge.turn().await?;
    Ok(judge.judged_to())
}

impl Standby {
    /// Whether this process may work now.
    pub(crate) async fn is_ours(&mut self) -> bool {
        match self {
            Standby::Alone => true,
            Standby::Leased(lease) => match lease.hold().await {
                Ok(is_ours) => is_ours,
                Err(error) => {
                    tracing::warn!(%error, "a lease cannot be read now");
                    lease.is_held()
                }
            },
        }
    }

    /// Lets another process work.
    pub(crate) async fn release(&mut self) {
        if let Standby::Leased(lease) = self
            && let Err(error) = lease.release().await
        {
            tracing::warn!(%error, "a lease could not be given back; it ends by itself");
        }
    }
}
