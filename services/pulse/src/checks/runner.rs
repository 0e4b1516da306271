//! The runner: reads the feed, and judges each run 30 s after its end, and again for 10 minutes as its events come.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use tidegate_agentping::{FeedRow, RunKey, RunStatus, Slug, TeamId};
use tidegate_agentping_checks::rows::{RunChecks, cursor_key, failed_key, result_key, summary_key};
use tidegate_agentping_checks::{
    CheckDoc, CheckId, CheckOutcome, CheckResult, Evaluator, RunFacts, ToolCall, checks_passed,
};
use tidegate_agentping_ports::{EventRow, FeedRange, PulseFeed, RunQueries, SpendCursor, each_event, settled_page};
use tidegate_agentping_settings::TeamSettings;
use tidegate_kernel::{Month, Partition, SmolStr, Timestamp};
use tidegate_mirror::Mirror;
use tidegate_ports::{Accounts, Clock, FailureCause, FailureKind, RowWrite, Rows, StoreError};
use tokio::task::spawn_blocking;

use super::ROUND_MS;
use super::found::{CheckEvent, CheckRound};
use super::idle::IdleRuns;
use super::passing_over::PassingOver;
use super::pending::{Pending, PendingRun, TRAILING_MS};

/// Rows of the feed that are read at once.
const PAGE: usize = 500;
/// Pages of one partition in a round.
const PAGES_A_ROUND: usize = 20;
/// How long settings may take to be known here: the feed is read that far behind the watermark.
const SETTINGS_WITHIN_MS: i64 = 2_000;
/// Events of a run that are looked at.
const MOST_EVENTS: usize = 5_000;
/// Runs that wait at most. Beyond it the feed is read on once some are final.
const MOST_PENDING: usize = 200_000;
/// Compiled checks that are kept.
const MOST_COMPILED: usize = 10_000;
/// How often the cursor is stored while it moves. A restart reads the feed of this time again, and judges the same.
const STORE_EVERY_MS: u64 = 5_000;

/// Judges runs. Two that do so at once write the same.
pub struct CheckRunner {
    feed: Arc<dyn PulseFeed>,
    accounts: Arc<dyn Accounts>,
    queries: Arc<dyn RunQueries>,
    rows: Arc<dyn Rows>,
    settings: Mirror<TeamSettings>,
    clock: Arc<dyn Clock>,
    pending: Pending,
    /// Runs that were due at the watermark `due_as_of` and are not judged yet, as [`Pending::due`] returned them.
    due: VecDeque<(RunKey, PendingRun, bool)>,
    due_as_of: Timestamp,
    /// `None`: not read yet.
    idle: Option<IdleRuns>,
    next: Option<BTreeMap<(u16, Partition), i64>>,
    /// The cursor that is stored, as far as this process knows, and when it was.
    stored: Option<(StoredOffsets, Timestamp)>,
    compiled: HashMap<(SmolStr, u32), Arc<Evaluator>>,
    /// What was judged and no round has returned yet.
    found: CheckRound,
    passing_over: PassingOver,
}

/// Generation, partition and offset of each partition.
type StoredOffsets = Vec<(u16, Partition, i64)>;

/// The settings of the teams of one page.
type PageSettings = HashMap<TeamId, Option<Arc<TeamSettings>>>;

/// A check of an agent that judges a run.
struct Applying {
    id: SmolStr,
    doc: CheckDoc,
    evaluator: Arc<Evaluator>,
}

impl CheckRunner {
    pub fn new(
        feed: Arc<dyn PulseFeed>,
        accounts: Arc<dyn Accounts>,
        queries: Arc<dyn RunQueries>,
        rows: Arc<dyn Rows>,
        settings: Mirror<TeamSettings>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        CheckRunner {
            feed,
            accounts,
            queries,
            rows,
            settings,
            clock,
            pending: Pending::default(),
            due: VecDeque::new(),
            due_as_of: Timestamp::FIRST,
            idle: None,
            next: None,
            stored: None,
            compiled: HashMap::new(),
            found: CheckRound::default(),
            passing_over: PassingOver::default(),
        }
    }

    /// Runs that are not final.
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Whether all runs are judged that were due when the feed was read last.
    pub fn is_done(&self) -> bool {
        self.due.is_empty()
    }

    /// Reads what is settled and judges what is due, for about a second: the next rounds judge the rest before they
    /// read on. `as_of` is the watermark, taken before the call. A restart finds what it returns again, until
    /// [`taken`](Self::taken). A run for which the store is broken is passed over, unless all of it seems to be.
    ///
    /// # Errors
    /// [`StoreError`]; the next round judges what this one has not, and returns what this one has judged.
    pub async fn round(&mut self, as_of: Timestamp) -> Result<CheckRound, StoreError> {
        if self.idle.is_none() {
            self.idle = Some(IdleRuns::read(&*self.rows).await?);
        }
        if self.due.is_empty() {
            self.read_on(as_of).await?;
            self.take_idle(as_of);
            (self.due, self.due_as_of) = (VecDeque::from(self.pending.due(as_of)), as_of);
        }
        let judged = self.judge_due().await;
        if judged.is_err() {
            // The next round finds what is left among all that is due then.
            self.due.clear();
        }
        judged?;
        Ok(std::mem::take(&mut self.found))
    }

    async fn judge_due(&mut self) -> Result<(), StoreError> {
        let (began, as_of) = (self.clock.steady(), self.due_as_of);
        while let Some((key, run, is_final)) = self.due.pop_front() {
            let is_done = match self.judge(key, &run, is_final, as_of).await {
                Ok(events) => {
                    if !events.is_empty() {
                        self.passing_over.succeeded();
                    }
                    self.found.events.extend(events);
                    true
                }
                Err(error) => self.passing_over.pass(&*self.rows, error, (key.team, &key.run.to_string())).await?,
            };
            if is_done {
                self.found.judged += 1;
                self.pending.judged(key, is_final);
                if is_final && let Some(idle) = &mut self.idle {
                    idle.forget(key);
                }
            }
            if self.clock.steady().millis_since(began) >= ROUND_MS {
                break;
            }
        }
        self.passing_over.end()
    }

    /// What the rounds have returned is taken in: a restart need not find it again.
    ///
    /// # Errors
    /// [`StoreError`]; then a restart finds it again, or the next call succeeds.
    pub async fn taken(&mut self, as_of: Timestamp) -> Result<(), StoreError> {
        self.store_idle(as_of).await?;
        self.store(as_of).await
    }

    /// Runs whose idle timeout the watermark has passed, with all that was appended before, are judged as ended then.
    fn take_idle(&mut self, as_of: Timestamp) {
        let ended = self.idle.as_ref().map(|idle| idle.ended_at(as_of.plus_millis(-TRAILING_MS)));
        for (key, run) in ended.unwrap_or_default() {
            self.pending.take_idle(key, run);
        }
    }

    async fn read_on(&mut self, as_of: Timestamp) -> Result<(), StoreError> {
        let mut next = match self.next.take() {
            Some(next) => next,
            None => self.stored_cursor().await?,
        };
        let read = self.read_from(&mut next, as_of.plus_millis(-SETTINGS_WITHIN_MS)).await;
        self.next = Some(next);
        read
    }

    async fn read_from(
        &mut self,
        next: &mut BTreeMap<(u16, Partition), i64>,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        for account in self.accounts.accounts().await? {
            let (generation, partition) = (account.generation, account.partition);
            let owner = (generation, partition);
            // What ended before anyone judged is not judged: there were no checks.
            let mut from = next.get(&owner).copied().unwrap_or(account.from_offset);
            for _ in 0..PAGES_A_ROUND {
                if from >= account.next_offset || self.pending.len() >= MOST_PENDING {
                    break;
                }
                let range = FeedRange { generation, partition, from, until: account.next_offset };
                let page = settled_page(&*self.feed, &*self.accounts, range, PAGE).await?.unwrap_or_default();
                if page.next_offset <= from {
                    break;
                }
                let young = page.entries.iter().find(|entry| entry.row.appended_at > until);
                let end = young.map(|entry| entry.position.offset);
                let mut settings = PageSettings::new();
                for entry in page.entries.iter().filter(|entry| end.is_none_or(|end| entry.position.offset < end)) {
                    if self.is_checked(entry.row.team, &entry.row.agent, &mut settings) {
                        self.take(&entry.row, (generation, partition, entry.position.offset));
                    }
                }
                from = end.unwrap_or(page.next_offset);
                next.insert(owner, from);
                if end.is_some() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// A row of an agent with checks.
    fn take(&mut self, row: &FeedRow, place: (u16, Partition, i64)) {
        let key = RunKey { team: row.team, run: row.run };
        if row.status == RunStatus::Running {
            self.pending.goes_on(key);
        }
        if let Some(idle) = &mut self.idle {
            idle.take(row);
        }
        if row.did.ended || row.did.after_end {
            self.pending.take(row, place);
        }
    }

    fn is_checked(&self, team: TeamId, agent: &Slug, known: &mut PageSettings) -> bool {
        let settings = known.entry(team).or_insert_with(|| self.settings.get(&team.to_string()));
        let Some(settings) = settings.as_ref().filter(|settings| !settings.checks.is_empty()) else { return false };
        let name = Some(settings.names.name(agent).as_str());
        settings.checks.values().any(|doc| doc.get("agent").and_then(serde_json::Value::as_str) == name)
    }

    /// The checks that judge a run: those of its agent, as they were when it ended.
    fn applying(&mut self, team: TeamId, run: &PendingRun) -> Vec<Applying> {
        let Some(settings) = self.settings.get(&team.to_string()) else { return Vec::new() };
        if self.compiled.len() > MOST_COMPILED {
            self.compiled.clear();
        }
        let mut applying = Vec::new();
        for (id, stored) in &settings.checks {
            let Ok(doc) = serde_json::from_value::<CheckDoc>(stored.clone()) else { continue };
            let Ok(check) = CheckId::parse(id) else { continue };
            if doc.agent != settings.names.name(&run.agent).as_str() || !doc.enabled || doc.since > run.ended_at {
                continue;
            }
            let compiled = self.compiled.entry((id.clone(), doc.version));
            let evaluator = compiled.or_insert_with(|| Arc::new(Evaluator::of(check, &doc))).clone();
            applying.push(Applying { id: id.clone(), doc, evaluator });
        }
        applying
    }

    async fn judge(
        &mut self,
        key: RunKey,
        run: &PendingRun,
        is_final: bool,
        as_of: Timestamp,
    ) -> Result<Vec<CheckEvent>, StoreError> {
        let applying = self.applying(key.team, run);
        if applying.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        let Some(stored) = self.queries.run(key).await? else { return Ok(Vec::new()) };
        let (mut calls, mut are_all) = (Vec::new(), true);
        if applying.iter().any(|check| check.evaluator.reads_events()) {
            // The last judgement sees what all others would have seen.
            let until = run.final_at();
            let see = |row: &EventRow| {
                calls.extend(ToolCall::of(&row.event).filter(|_| row.received_at < until));
            };
            are_all = each_event(&*self.queries, key, MOST_EVENTS, see).await?;
        }
        let facts = RunFacts::of(&stored, are_all.then_some(calls), now);
        let is_success = facts.status == RunStatus::Success;
        let evaluators: Vec<Arc<Evaluator>> = applying.iter().map(|check| check.evaluator.clone()).collect();
        // It takes up to some milliseconds of a processor.
        let judging = spawn_blocking(move || {
            let began = Instant::now();
            let judge = |evaluator: &Arc<Evaluator>| evaluator.judge(key, &facts, now, || began.elapsed());
            evaluators.iter().map(judge).collect::<Vec<CheckResult>>()
        });
        let results = judging.await.map_err(|error| broken(&error))?;
        self.keep(key, run, (&results, is_final, is_success), as_of).await?;
        let event = |(check, result): (Applying, &CheckResult)| CheckEvent {
            team: key.team,
            agent: run.agent.clone(),
            run: key,
            check: check.id,
            check_name: check.doc.name,
            alert_after: check.doc.alert_after,
            ended_at: run.ended_at,
            outcome: result.outcome,
        };
        let events = applying.into_iter().zip(&results).map(event);
        Ok(events.filter(|event| event.outcome != CheckOutcome::Skipped).collect())
    }

    async fn keep(
        &self,
        key: RunKey,
        run: &PendingRun,
        (results, is_final, is_success): (&[CheckResult], bool, bool),
        as_of: Timestamp,
    ) -> Result<(), StoreError> {
        let rank = u64::try_from(as_of.as_millis()).unwrap_or_default();
        let passed = checks_passed(results.iter().map(|result| result.outcome));
        let mut writes = Vec::new();
        for result in results {
            let doc = serde_json::to_vec(result).map_err(|error| broken(&error))?;
            writes.push(RowWrite { key: result_key(key, &result.check), rank, doc: Some(doc) });
        }
        let summary = serde_json::to_vec(&RunChecks { passed, is_final }).map_err(|error| broken(&error))?;
        writes.push(RowWrite { key: summary_key(key), rank, doc: Some(summary) });
        let is_counted = is_success && passed == Some(false);
        let failed = failed_key(key, Month::of(run.listed_at));
        writes.push(RowWrite { key: failed, rank, doc: is_counted.then(|| b"{}".to_vec()) });
        self.rows.put(Arc::new(writes), self.clock.now()).await
    }

    async fn stored_cursor(&self) -> Result<BTreeMap<(u16, Partition), i64>, StoreError> {
        let found = self.rows.get(&[cursor_key()]).await?.pop().flatten();
        let Some(bytes) = found else { return Ok(BTreeMap::new()) };
        let cursor: SpendCursor = serde_json::from_slice(&bytes).map_err(|error| broken(&error))?;
        Ok(cursor.next.into_iter().map(|(generation, partition, next)| ((generation, partition), next)).collect())
    }

    /// Before the cursor: rows of the feed below it are not read again.
    async fn store_idle(&mut self, as_of: Timestamp) -> Result<(), StoreError> {
        let (now, rank) = (self.clock.now(), u64::try_from(as_of.as_millis()).unwrap_or_default());
        match &mut self.idle {
            Some(idle) => idle.store(&*self.rows, rank, now).await,
            None => Ok(()),
        }
    }

    /// Stores from where a restart reads: the ends of runs that are not final are read again. A cursor that has not moved is
    /// not stored again, and one that moves is not in each round: an older one is as good.
    async fn store(&mut self, as_of: Timestamp) -> Result<(), StoreError> {
        let now = self.clock.now();
        let is_recent = |at: Timestamp| now >= at && now.millis_since(at) < STORE_EVERY_MS;
        if self.stored.as_ref().is_some_and(|(_, at)| is_recent(*at)) {
            return Ok(());
        }
        let mut next = self.next.clone().unwrap_or_default();
        for (owner, oldest) in self.pending.oldest() {
            let from = next.entry(owner).or_insert(oldest);
            *from = oldest.min(*from);
        }
        let next: StoredOffsets =
            next.into_iter().map(|((generation, partition), next)| (generation, partition, next)).collect();
        if self.stored.as_ref().is_some_and(|(stored, _)| *stored == next) {
            return Ok(());
        }
        let cursor = SpendCursor { as_of: Some(as_of), next, ..SpendCursor::default() };
        let doc = serde_json::to_vec(&cursor).map_err(|error| broken(&error))?;
        let rank = u64::try_from(now.as_millis()).unwrap_or_default();
        self.rows.put(Arc::new(vec![RowWrite { key: cursor_key(), rank, doc: Some(doc) }]), now).await?;
        self.stored = Some((cursor.next, now));
        Ok(())
    }
}

fn broken(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Broken(FailureCause::new(FailureKind::Broken, format!("a row of checks: {error}")))
}
