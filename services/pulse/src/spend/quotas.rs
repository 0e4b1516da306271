//! Compares teams' events with their plans, a few teams at a time: a store may sum every run of a month for an answer.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use tidegate_agentping::TeamId;
use tidegate_agentping_ports::{Registry, RegistryError, RunQueries};
use tidegate_kernel::{Month, Timestamp};
use tidegate_ports::Clock;

use super::alert::{QUOTA_MARKS, SpendAlert, marks_reached, quota_key};

/// A team's events are compared again after this time at the soonest, in milliseconds.
const EVERY_MS: u64 = 3_000;
/// And after so many times what its last read took: the reads of one team take a twentieth of the time at most.
const TIMES_ITS_READ: u64 = 20;
/// How long one call goes on, in milliseconds. The next one goes on with the next team.
const ROUND_MS: u64 = 1_000;

/// A team and a month in which it has received events.
type OfMonth = (TeamId, Month);

/// Which teams' events are to be compared, and when.
pub(super) struct Quotas {
    queries: Arc<dyn RunQueries>,
    registry: Arc<dyn Registry>,
    clock: Arc<dyn Clock>,
    /// Whose events may have grown since they were compared.
    grown: BTreeSet<OfMonth>,
    /// Those of them that had grown as of the last mark.
    marked: BTreeSet<OfMonth>,
    /// Those that the last call has compared, until what it found is stored.
    compared: BTreeSet<OfMonth>,
    /// Until when, by steady time, none is asked again. What has passed is dropped.
    not_before: HashMap<OfMonth, Timestamp>,
    /// The one that was asked last.
    last: Option<OfMonth>,
}

impl Quotas {
    pub fn new(queries: Arc<dyn RunQueries>, registry: Arc<dyn Registry>, clock: Arc<dyn Clock>) -> Self {
        let (grown, marked, compared) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        Quotas { queries, registry, clock, grown, marked, compared, not_before: HashMap::new(), last: None }
    }

    pub fn grow(&mut self, active: &BTreeSet<OfMonth>) {
        self.grown.extend(active);
    }

    pub fn is_due(&self) -> bool {
        !self.grown.is_empty()
    }

    /// What the last call has found is stored.
    pub fn stored(&mut self) {
        for compared in std::mem::take(&mut self.compared) {
            self.grown.remove(&compared);
            self.marked.remove(&compared);
        }
    }

    /// Whether all are compared that had grown as of the last mark. If so, this is the next one.
    pub fn mark(&mut self) -> bool {
        let is_passed = self.marked.is_empty();
        if is_passed {
            self.marked.clone_from(&self.grown);
        }
        is_passed
    }

    /// Compares those that are due, for about a second. A team that cannot be read stays, and is asked again later.
    pub async fn compare(&mut self, found: &HashSet<(TeamId, String)>, now: Timestamp) -> Vec<SpendAlert> {
        self.compared.clear();
        let began = self.clock.steady();
        self.not_before.retain(|_, until| *until > began);
        let mut alerts = Vec::new();
        for (team, month) in self.in_turn() {
            if QUOTA_MARKS.iter().all(|percent| found.contains(&(team, quota_key(month, *percent)))) {
                self.compared.insert((team, month));
                continue;
            }
            if self.not_before.contains_key(&(team, month)) {
                continue;
            }
            let asked = self.clock.steady();
            match self.of_team(team, month, now).await {
                Ok(of_team) => {
                    alerts.extend(of_team);
                    self.compared.insert((team, month));
                }
                Err(error) => {
                    tracing::warn!(%team, %month, %error, "a quota cannot be compared; trying again later");
                }
            }
            let read = self.clock.steady();
            let wait_ms = (read.millis_since(asked) * TIMES_ITS_READ).max(EVERY_MS);
            self.not_before.insert((team, month), read.plus_millis(i64::try_from(wait_ms).unwrap_or(i64::MAX)));
            self.last = Some((team, month));
            if read.millis_since(began) >= ROUND_MS {
                break;
            }
        }
        alerts
    }

    /// All that have grown, the one after the last first.
    fn in_turn(&self) -> Vec<OfMonth> {
        let Some(last) = self.last else { return self.grown.iter().copied().collect() };
        let after = self.grown.range((Excluded(last), Unbounded));
        after.chain(self.grown.range(..=last)).copied().collect()
    }

    async fn of_team(&self, team: TeamId, month: Month, now: Timestamp) -> Result<Vec<SpendAlert>, RegistryError> {
        // A team that the registry does not have has no plan.
        let found = self.registry.team(team).await?;
        let Some(allowance) = found.and_then(|found| found.plan.limits().events_per_month) else {
            return Ok(Vec::new());
        };
        let events = self.queries.usage(team, month).await?;
        let marks = marks_reached(events, allowance).into_iter();
        Ok(marks.map(|percent| SpendAlert::Quota { team, month, percent, events, allowance, at: now }).collect())
    }
}
