//! Judges what was counted: agents whose day is out of the ordinary, models without a rate, and quotas.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use tidegate_agentping::{Slug, TeamId};
use tidegate_agentping_ports::spend_rows::{SPEND_DAYS, day_shard, whole_shard};
use tidegate_agentping_ports::{Registry, RunQueries};
use tidegate_agentping_pulse::spend::{BASELINE_DAYS, SpendPage, SpendRule, anomaly, hour_of};
use tidegate_agentping_settings::TeamSettings;
use tidegate_kernel::{SmolStr, Timestamp, Usd};
use tidegate_mirror::Mirror;
use tidegate_ports::{Clock, Rows, StoreError};

use super::alert::SpendAlert;
use super::quotas::Quotas;
use super::round::SpendRound;
use super::stored_pages::broken;
use super::top::top_spenders;

const DAY_MS: i64 = 86_400_000;
/// Alerts that were found are remembered, so many at most.
const MOST_FOUND: usize = 100_000;
/// Teams whose days before the one that is judged are kept in memory at most.
const MOST_BASELINES: usize = 10_000;

/// Watches what a [keeper](super::SpendKeeper) counts.
pub struct SpendWatch {
    rows: Arc<dyn Rows>,
    queries: Arc<dyn RunQueries>,
    settings: Mirror<TeamSettings>,
    baselines: HashMap<TeamId, Baseline>,
    found: HashSet<(TeamId, String)>,
    quotas: Quotas,
}

/// A team's days before one that is judged.
struct Baseline {
    day: i64,
    /// By agent, the days that have spend.
    spent: HashMap<SmolStr, BTreeMap<i64, Usd>>,
    first_day: HashMap<SmolStr, i64>,
}

/// By agent and customer.
type DaySums = HashMap<SmolStr, BTreeMap<Option<SmolStr>, Usd>>;

impl SpendWatch {
    pub fn new(
        rows: Arc<dyn Rows>,
        queries: Arc<dyn RunQueries>,
        registry: Arc<dyn Registry>,
        settings: Mirror<TeamSettings>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (baselines, found) = (HashMap::new(), HashSet::new());
        let quotas = Quotas::new(queries.clone(), registry, clock);
        SpendWatch { rows, queries, settings, baselines, found, quotas }
    }

    /// Judges what a round counted: today's spend, and that of yesterday which was not judged before midnight. Alerts
    /// that were found before are not in the answer, unless this process has forgotten them.
    ///
    /// # Errors
    /// [`StoreError`]; call it again with the same round.
    pub async fn judge(&mut self, round: &SpendRound, now: Timestamp) -> Result<Vec<SpendAlert>, StoreError> {
        if self.found.len() > MOST_FOUND {
            self.found.clear();
        }
        if self.baselines.len() > MOST_BASELINES {
            self.baselines.clear();
        }
        let today = hour_of(now).div_euclid(24);
        // A day of the past that changed changes what today is compared with.
        for (team, _) in round.changed.iter().filter(|(_, day)| *day < today) {
            self.baselines.remove(team);
        }
        let of_yesterday = round.changed_today.iter().filter(|(_, day)| *day == today - 1);
        let of_today = round.changed.iter().filter(|(_, day)| *day == today);
        let judged: Vec<(TeamId, i64)> = of_yesterday.chain(of_today).copied().collect();
        let mut alerts = Vec::new();
        for (team, day) in judged {
            alerts.extend(self.anomalies(team, day, now).await?);
        }
        for ((team, month, provider, model), at) in &round.unpriced {
            let (provider, model) = (provider.clone(), model.clone());
            alerts.push(SpendAlert::UnpricedModel { team: *team, month: *month, provider, model, at: *at });
        }
        self.quotas.grow(&round.active);
        alerts.extend(self.quotas.compare(&self.found, now).await);
        alerts.retain(|alert| !self.found.contains(&(alert.team(), alert.key())));
        Ok(alerts)
    }

    /// These alerts, which the last call has found, are stored: they are not found again.
    pub fn stored(&mut self, alerts: &[SpendAlert]) {
        self.found.extend(alerts.iter().map(|alert| (alert.team(), alert.key())));
        self.quotas.stored();
    }

    /// Whether quotas are still to be compared, of rounds that are otherwise judged.
    pub fn is_due(&self) -> bool {
        self.quotas.is_due()
    }

    /// Whether quotas are compared of all that was judged before the last mark. If so, this is the next mark.
    pub fn mark(&mut self) -> bool {
        self.quotas.mark()
    }

    async fn anomalies(&mut self, team: TeamId, judged: i64, now: Timestamp) -> Result<Vec<SpendAlert>, StoreError> {
        if self.baselines.get(&team).is_none_or(|baseline| baseline.day != judged) {
            let baseline = self.baseline(team, judged).await?;
            self.baselines.insert(team, baseline);
        }
        let rule = self.rule(team);
        let (day, sums) = (first_instant(judged), self.day(team, judged).await?);
        let Some(baseline) = self.baselines.get(&team) else { return Ok(Vec::new()) };
        let mut alerts = Vec::new();
        for (name, by_customer) in sums {
            let spent: Usd = by_customer.values().copied().sum();
            let Some(anomaly) = anomaly(&rule, spent, &baseline.before(&name)) else { continue };
            let Ok(agent) = Slug::parse(&name) else { continue };
            let none = SpendAlert::Anomaly { team, agent, day, anomaly, top: Default::default(), at: now };
            if self.found.contains(&(team, none.key())) {
                continue;
            }
            let SpendAlert::Anomaly { agent, .. } = none else { continue };
            let top = top_spenders(&*self.queries, (team, &agent, day), by_customer, now).await?;
            alerts.push(SpendAlert::Anomaly { team, agent, day, anomaly, top, at: now });
        }
        Ok(alerts)
    }

    fn rule(&self, team: TeamId) -> SpendRule {
        let Some(settings) = self.settings.get(&team.to_string()) else { return SpendRule::default() };
        let thousandths = (settings.team.sigma * 1_000.0).round();
        // The cast saturates.
        SpendRule { sigma_thousandths: thousandths as u32, min_usd: settings.team.min_spend() }
    }

    async fn baseline(&self, team: TeamId, judged: i64) -> Result<Baseline, StoreError> {
        let mut spent: HashMap<SmolStr, BTreeMap<i64, Usd>> = HashMap::new();
        for day in judged - BASELINE_DAYS as i64..judged {
            for (agent, by_customer) in self.day(team, day).await? {
                spent.entry(agent).or_default().insert(day, by_customer.values().copied().sum());
            }
        }
        let agents = self.queries.agents(team).await?;
        let first_day =
            agents.into_iter().map(|row| (row.slug.as_str().into(), hour_of(row.first_seen).div_euclid(24)));
        Ok(Baseline { day: judged, spent, first_day: first_day.collect() })
    }

    async fn day(&self, team: TeamId, day: i64) -> Result<DaySums, StoreError> {
        let rows = whole_shard(&*self.rows, &SPEND_DAYS, day_shard(team, day)).await?;
        let mut nanos: HashMap<SmolStr, BTreeMap<Option<SmolStr>, i64>> = HashMap::new();
        for row in rows {
            let page = SpendPage::decode(&row.doc).map_err(|error| broken(&error))?;
            for (cell, amount) in page.cells() {
                let sum = nanos.entry(cell.agent.clone()).or_default().entry(cell.customer.clone()).or_default();
                *sum = sum.saturating_add(amount);
            }
        }
        let usd = |nanos: i64| Usd::from_nanos(u64::try_from(nanos).unwrap_or_default());
        let sums = nanos.into_iter().map(|(agent, by_customer)| {
            (agent, by_customer.into_iter().map(|(customer, nanos)| (customer, usd(nanos))).collect())
        });
        Ok(sums.collect())
    }
}

/// The first instant of a day, counted from 1970 on.
const fn first_instant(day: i64) -> Timestamp {
    Timestamp::from_millis(day * DAY_MS)
}

impl Baseline {
    /// An agent's days before it, since its first run.
    fn before(&self, agent: &SmolStr) -> Vec<Usd> {
        let Some(first) = self.first_day.get(agent) else { return Vec::new() };
        let spent = self.spent.get(agent);
        let from = (*first).max(self.day - BASELINE_DAYS as i64);
        (from..self.day).map(|day| spent.and_then(|days| days.get(&day)).copied().unwrap_or(Usd::ZERO)).collect()
    }
}
