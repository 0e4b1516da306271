//! Guard's warnings as spend is counted: it may be that no job asks guard before a limit is reached.
//!
//! Only rules that spend alone can apply are looked at, and only warnings are found: a block has the check that it blocks, and
//! finds its alert there. A warning says what holds when it is found, so a window that is over by then has none.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use tidegate_agentping::TeamId;
use tidegate_agentping_ports::spend_rows::{SPEND_DAYS, SPEND_TOTALS, day_shard, total_shard, whole_shard};
use tidegate_agentping_pulse::spend::{
    SpendOf, SpendPage, SpendPeriod, SpendScope, SpendWindow, TeamSums, first_day, hour_of,
};
use tidegate_agentping_settings::guard::{by_rules, guard_event_id};
use tidegate_agentping_settings::{GuardCheck, GuardEvent, GuardEventKind, RuleDoc, TeamSettings};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_mirror::Mirror;
use tidegate_ports::{Rows, StoreError};

use super::stored_pages::broken;

/// Teams whose sums are kept in memory at most.
const MOST_TEAMS: usize = 10_000;
/// Warnings that were found are remembered, so many at most.
const MOST_FOUND: usize = 100_000;

/// Watches what a [keeper](super::SpendKeeper) counts, for the teams that have guard rules.
pub struct GuardWatch {
    rows: Arc<dyn Rows>,
    settings: Mirror<TeamSettings>,
    teams: HashMap<TeamId, TeamSums>,
    found: HashSet<(TeamId, u128)>,
}

impl GuardWatch {
    pub fn new(rows: Arc<dyn Rows>, settings: Mirror<TeamSettings>) -> Self {
        GuardWatch { rows, settings, teams: HashMap::new(), found: HashSet::new() }
    }

    /// The warnings that follow from what changed, but for those that were stored.
    ///
    /// # Errors
    /// [`StoreError`]; call it again with the same days.
    pub async fn judge(
        &mut self,
        changed: &BTreeSet<(TeamId, i64)>,
        now: Timestamp,
    ) -> Result<Vec<(TeamId, GuardEvent)>, StoreError> {
        if self.teams.len() > MOST_TEAMS {
            self.teams.clear();
        }
        if self.found.len() > MOST_FOUND {
            self.found.clear();
        }
        let mut warnings = Vec::new();
        let teams: BTreeSet<TeamId> = changed.iter().map(|(team, _)| *team).collect();
        for team in teams {
            let Some(settings) = self.settings.get(&team.to_string()) else { continue };
            let rules: Vec<(&SmolStr, &RuleDoc)> = settings.rules.iter().filter(|(_, rule)| is_watched(rule)).collect();
            if rules.is_empty() {
                self.teams.remove(&team);
                continue;
            }
            let days = changed.iter().filter(|(of, _)| *of == team).map(|(_, day)| *day).collect();
            let asked = self.read(team, &rules, &days, now).await?;
            let Some(sums) = self.teams.get(&team) else { continue };
            let names = &settings.names;
            for asked in asked {
                let check = asked.named(names);
                let spent = |scope: &SpendScope, window| sums.spent(&scope.clone().of_key(names), window, now);
                let verdict = by_rules(rules.iter().copied(), &check, now, spent);
                let found = verdict.events.into_iter().filter(|event| event.kind == GuardEventKind::Warning);
                warnings.extend(found.map(|event| (team, event.of_key(names))));
            }
        }
        warnings.retain(|(team, event)| !self.found.contains(&(*team, guard_event_id(*team, event))));
        let mut seen = HashSet::new();
        warnings.retain(|(team, event)| seen.insert((*team, guard_event_id(*team, event))));
        Ok(warnings)
    }

    /// These warnings are stored: they are not found again.
    pub fn stored(&mut self, warnings: &[(TeamId, GuardEvent)]) {
        self.found.extend(warnings.iter().map(|(team, event)| (*team, guard_event_id(*team, event))));
    }

    /// Reads what the rules need, and the days that changed again. Returns the agents and customers of these days, as their
    /// sums have them: by keys.
    async fn read(
        &mut self,
        team: TeamId,
        rules: &[(&SmolStr, &RuleDoc)],
        changed: &BTreeSet<i64>,
        now: Timestamp,
    ) -> Result<Vec<GuardCheck>, StoreError> {
        let windows = rules.iter().map(|(_, rule)| rule.window);
        let needs_total = windows.clone().any(|window| window == SpendWindow::Total);
        let (first, last) = (first_day(windows, now), hour_of(now).div_euclid(24) + 1);
        let mut sums = self.teams.remove(&team).unwrap_or_else(|| TeamSums::of(SpendOf::ALL.into_iter().collect()));
        let there: BTreeSet<i64> = sums.days().collect();
        let mut asked: BTreeSet<(SmolStr, Option<SmolStr>)> = BTreeSet::new();
        for day in (first..=last).filter(|day| changed.contains(day) || !there.contains(day)) {
            let pages = self.pages(team, SpendPeriod::Day(day)).await?;
            sums.set(SpendPeriod::Day(day), &pages);
            if changed.contains(&day) {
                let cells = pages.iter().flat_map(SpendPage::cells);
                asked.extend(cells.map(|(cell, _)| (cell.agent.clone(), cell.customer.clone())));
            }
        }
        if needs_total {
            sums.set(SpendPeriod::Total, &self.pages(team, SpendPeriod::Total).await?);
        }
        sums.forget_before(first);
        self.teams.insert(team, sums);
        let check = |(agent, customer_ref)| GuardCheck { agent: Some(agent), customer_ref, ..GuardCheck::default() };
        Ok(asked.into_iter().map(check).collect())
    }

    async fn pages(&self, team: TeamId, period: SpendPeriod) -> Result<Vec<SpendPage>, StoreError> {
        let (table, shard) = match period {
            SpendPeriod::Day(day) => (&SPEND_DAYS, day_shard(team, day)),
            SpendPeriod::Total => (&SPEND_TOTALS, total_shard(team)),
        };
        let rows = whole_shard(&*self.rows, table, shard).await?;
        rows.iter().map(|row| SpendPage::decode(&row.doc).map_err(|error| broken(&error))).collect()
    }
}

/// Whether spend alone says that a rule applies, and to whom.
fn is_watched(rule: &RuleDoc) -> bool {
    rule.enabled && rule.matches.function.is_none() && rule.matches.environment.is_none()
}
