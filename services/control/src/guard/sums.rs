//! The spend of teams that have guard rules, in memory: read again as far as it has changed, twice a second.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use tidegate_agentping::TeamId;
use tidegate_agentping_ports::SpendCursor;
use tidegate_agentping_ports::spend_rows::{
    SPEND_CHANGED, SPEND_DAYS, SPEND_TOTALS, changed, changed_shard, cursor_key, day_shard, total_shard, whole_shard,
};
use tidegate_agentping_pulse::spend::{SpendOf, SpendPage, SpendPeriod, SpendWindow, TeamSums, first_day, hour_of};
use tidegate_agentping_settings::{RuleDoc, TeamSettings};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_mirror::Mirror;
use tidegate_ports::{FailureCause, FailureKind, KeptRow, RowTable, Rows, StoreError};

use crate::metrics::GUARD_SUMS_AGE_SECONDS;

/// How often what changed is read.
const EVERY: Duration = Duration::from_millis(500);
/// How far back changes are read again: clocks of writers differ.
const OVERLAP_MS: i64 = 60_000;
/// After a longer pause everything is read again: changes are kept for a day.
const LONGEST_GAP_MS: i64 = 3_600_000;
const AT_ONCE: usize = 8;

/// The sums.
#[derive(Clone)]
pub(crate) struct SpendBoard {
    rows: Arc<dyn Rows>,
    settings: Mirror<TeamSettings>,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    /// Everything that was appended before is counted in the sums.
    as_of: Option<Timestamp>,
    /// Changes announced before this were read.
    read_at: Option<Timestamp>,
    teams: HashMap<TeamId, Arc<Mutex<TeamSums>>>,
    /// The last change of each day that was read.
    stamps: HashMap<(TeamId, i64), Vec<u8>>,
}

/// What a team's rules need.
struct Wanted {
    of: BTreeSet<SpendOf>,
    /// The days of the windows, tomorrow included: clocks of clients are ahead.
    days: std::ops::RangeInclusive<i64>,
    total: bool,
}

impl Wanted {
    fn of<'r>(rules: impl Iterator<Item = &'r RuleDoc> + Clone, now: Timestamp) -> Self {
        let windows = rules.clone().map(|rule| rule.window);
        let total = windows.clone().any(|window| window == SpendWindow::Total);
        let today = hour_of(now).div_euclid(24);
        Wanted { of: rules.map(|rule| rule.spend_of).collect(), days: first_day(windows, now)..=today + 1, total }
    }
}

impl SpendBoard {
    pub fn new(rows: Arc<dyn Rows>, settings: Mirror<TeamSettings>) -> Self {
        SpendBoard { rows, settings, shared: Arc::default() }
    }

    /// As of when the sums hold.
    pub fn as_of(&self) -> Option<Timestamp> {
        self.shared().as_of
    }

    /// A team's sums, if all that these rules need is there.
    pub fn sums<'r>(
        &self,
        team: TeamId,
        rules: impl Iterator<Item = &'r RuleDoc> + Clone,
        now: Timestamp,
    ) -> Option<Arc<Mutex<TeamSums>>> {
        let wanted = Wanted::of(rules, now);
        let sums = self.shared().teams.get(&team).cloned()?;
        let has_all = {
            let known = lock(&sums);
            known.has(&wanted.of) && known.days().next().is_some_and(|first| first <= *wanted.days.start())
        };
        has_all.then_some(sums)
    }

    /// Reads what a team's rules need, if it is not there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read_team(&self, team: TeamId, settings: &TeamSettings, now: Timestamp) -> Result<(), StoreError> {
        if self.as_of().is_none() {
            // Before the pages, so that they have counted all that it says.
            let as_of = self.stored_as_of().await?;
            self.shared().as_of = as_of;
        }
        let rules = settings.rules.values().filter(|rule| rule.enabled);
        self.fill(team, &Wanted::of(rules, now)).await
    }

    /// Follows the store for as long as it is polled.
    pub async fn follow(self, clock: Arc<dyn tidegate_ports::Clock>) {
        let age = GUARD_SUMS_AGE_SECONDS.handle();
        loop {
            if let Err(error) = self.refresh(clock.now()).await {
                tracing::warn!(kind = %error.kind(), %error, "sums of spend cannot be read now");
            }
            if let Some(as_of) = self.as_of() {
                age.set(clock.now().millis_since(as_of) as f64 / 1_000.0);
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Reads what changed, and what rules need that is not there yet.
    async fn refresh(&self, now: Timestamp) -> Result<(), StoreError> {
        let teams: Vec<(TeamId, Arc<TeamSettings>)> = self
            .settings
            .all()
            .into_iter()
            .filter(|(_, settings)| settings.rules.values().any(|rule| rule.enabled))
            .filter_map(|(space, settings)| Some((TeamId::parse(&space).ok()?, settings)))
            .collect();
        // In the reverse of the order in which they are written.
        let as_of = self.stored_as_of().await?;
        if teams.is_empty() {
            *self.shared() = Shared { as_of, ..Shared::default() };
            return Ok(());
        }
        let changed = self.changed(now).await?;
        let with_rules: BTreeSet<TeamId> = teams.iter().map(|(team, _)| *team).collect();
        {
            let mut shared = self.shared();
            shared.teams.retain(|team, _| with_rules.contains(team));
            if changed.is_none() {
                shared.teams.clear();
                shared.stamps.clear();
            }
        }
        let read = |(team, settings): (TeamId, Arc<TeamSettings>)| {
            let days: BTreeSet<i64> =
                changed.iter().flatten().filter(|((of, _), _)| *of == team).map(|((_, day), _)| *day).collect();
            async move {
                let wanted = Wanted::of(settings.rules.values().filter(|rule| rule.enabled), now);
                self.fill(team, &wanted).await?;
                self.read_again(team, &wanted, &days).await
            }
        };
        stream::iter(teams).map(read).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        let mut shared = self.shared();
        shared.stamps.extend(changed.into_iter().flatten());
        let oldest = hour_of(now).div_euclid(24) - 40;
        shared.stamps.retain(|(_, day), _| *day > oldest);
        shared.read_at = Some(now);
        shared.as_of = as_of.or(shared.as_of);
        Ok(())
    }

    async fn stored_as_of(&self) -> Result<Option<Timestamp>, StoreError> {
        let found = self.rows.get(&[cursor_key()]).await?.pop().flatten();
        let Some(bytes) = found else { return Ok(None) };
        let cursor: SpendCursor = serde_json::from_slice(&bytes).map_err(|error| broken(&error))?;
        Ok(cursor.as_of)
    }

    /// Which days of which teams changed, with their stamps; `None`: too long ago, anything may have.
    async fn changed(&self, now: Timestamp) -> Result<Option<HashMap<(TeamId, i64), Vec<u8>>>, StoreError> {
        let Some(read_at) = self.shared().read_at else { return Ok(None) };
        if now.millis_since(read_at) > LONGEST_GAP_MS.unsigned_abs() || read_at > now.plus_millis(OVERLAP_MS) {
            return Ok(None);
        }
        let mut found = HashMap::new();
        let mut at = read_at.plus_millis(-OVERLAP_MS);
        // One minute more: clocks of writers are ahead.
        while at <= now.plus_millis(OVERLAP_MS) {
            let rows = whole_shard(&*self.rows, &SPEND_CHANGED, changed_shard(at)).await?;
            let known = self.shared();
            for KeptRow { row, doc } in rows {
                let Some(day) = changed(&row) else { continue };
                if known.stamps.get(&day).is_none_or(|stamp| *stamp != doc) {
                    found.insert(day, doc);
                }
            }
            at = at.plus_millis(60_000);
        }
        Ok(Some(found))
    }

    /// Reads the days that are not there, all of them where other sums are wanted.
    async fn fill(&self, team: TeamId, wanted: &Wanted) -> Result<(), StoreError> {
        let known = self.shared().teams.get(&team).cloned();
        let known = known.filter(|sums| lock(sums).has(&wanted.of));
        let sums = known.clone().unwrap_or_else(|| Arc::new(Mutex::new(TeamSums::of(wanted.of.clone()))));
        let there: BTreeSet<i64> = lock(&sums).days().collect();
        for day in wanted.days.clone().filter(|day| !there.contains(day)) {
            self.read_period(&sums, team, SpendPeriod::Day(day)).await?;
        }
        if wanted.total && (known.is_none() || !lock(&sums).has_total()) {
            self.read_period(&sums, team, SpendPeriod::Total).await?;
        }
        lock(&sums).forget_before(*wanted.days.start());
        self.shared().teams.insert(team, sums);
        Ok(())
    }

    async fn read_again(&self, team: TeamId, wanted: &Wanted, days: &BTreeSet<i64>) -> Result<(), StoreError> {
        let Some(sums) = self.shared().teams.get(&team).cloned() else { return Ok(()) };
        for day in days.iter().filter(|day| wanted.days.contains(day)) {
            self.read_period(&sums, team, SpendPeriod::Day(*day)).await?;
        }
        if wanted.total && !days.is_empty() {
            self.read_period(&sums, team, SpendPeriod::Total).await?;
        }
        Ok(())
    }

    async fn read_period(&self, to: &Mutex<TeamSums>, team: TeamId, period: SpendPeriod) -> Result<(), StoreError> {
        let (table, shard): (&'static RowTable, SmolStr) = match period {
            SpendPeriod::Day(day) => (&SPEND_DAYS, day_shard(team, day)),
            SpendPeriod::Total => (&SPEND_TOTALS, total_shard(team)),
        };
        let pages = spend_pages(&*self.rows, table, shard).await?;
        lock(to).set(period, &pages);
        Ok(())
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        lock(&self.shared)
    }
}

/// All pages of one shard.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn spend_pages(
    rows: &dyn Rows,
    table: &'static RowTable,
    shard: SmolStr,
) -> Result<Vec<SpendPage>, StoreError> {
    let rows = whole_shard(rows, table, shard).await?;
    rows.iter().map(|row| SpendPage::decode(&row.doc).map_err(|error| broken(&error))).collect()
}

/// Each change is one assignment, so a poisoned state is still consistent.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn broken(error: &serde_json::Error) -> StoreError {
    StoreError::Broken(FailureCause::new(FailureKind::Broken, format!("a row of spend does not decode: {error}")))
}
