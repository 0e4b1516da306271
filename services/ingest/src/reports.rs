//! What a front door reports of itself to judges of schedules: when it was ready, and the minutes in which it refused
//! openings for reasons of ours. Also which credentials were used, and which new agents were refused. Written in the
//! background; what cannot be written now is written later.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tidegate_admission::{CredentialUses, RefusedAgents};
use tidegate_agentping_ports::front_doors::{DAY_MS, MINUTE_MS, ReadySpan, RefusedMinute};
use tidegate_kernel::Timestamp;
use tidegate_ports::{Clock, RowWrite, Rows};
use tokio::time::{Instant, sleep};

use crate::metrics::REPORTED_UNTIL_SECONDS;
use crate::openings::{OpeningCounts, Openings};

/// Reports until it is stopped.
pub struct DoorReports {
    rows: Arc<dyn Rows>,
    clock: Arc<dyn Clock>,
    openings: Arc<Openings>,
    is_ready: Box<dyn Fn() -> bool + Send + Sync>,
    door: String,
    /// How many spans were begun.
    number: u64,
    span: Option<ReadySpan>,
    /// Spans since the start, until the clock was moved for the first time.
    before_move: Option<Vec<(u64, ReadySpan)>>,
    minutes: BTreeMap<Timestamp, RefusedMinute>,
    /// Until when openings were counted.
    counted_at: Timestamp,
    /// What is not written yet.
    pending: Vec<RowWrite>,
    credential_uses: Arc<CredentialUses>,
    refused_agents: Arc<RefusedAgents>,
}

/// How often readiness is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often it is written: what a process that was killed has not written is a gap.
const WRITE_EVERY: Duration = Duration::from_secs(3);
/// A clock that is so much further than at the last look was moved.
const MOVED_MS: u64 = 2_000;
/// A request was received at most so long before it was refused.
const SLOWEST_ANSWER_MS: i64 = 30_000;
/// Minutes are counted on for so long.
const MINUTE_OPEN_MS: i64 = 5 * MINUTE_MS;
/// Rows that wait at most, while the store is down.
const MAX_PENDING: usize = 10_000;

impl DoorReports {
    /// `door` names this process, and no other one.
    pub fn new(
        rows: Arc<dyn Rows>,
        clock: Arc<dyn Clock>,
        openings: Arc<Openings>,
        is_ready: impl Fn() -> bool + Send + Sync + 'static,
        door: String,
    ) -> Self {
        DoorReports {
            rows,
            counted_at: clock.now(),
            clock,
            openings,
            is_ready: Box::new(is_ready),
            door,
            number: 0,
            span: None,
            before_move: Some(Vec::new()),
            minutes: BTreeMap::new(),
            pending: Vec::new(),
            credential_uses: Arc::default(),
            refused_agents: Arc::default(),
        }
    }

    /// The same with the uses of credentials.
    #[must_use]
    pub fn with_credential_uses(self, credential_uses: Arc<CredentialUses>) -> Self {
        DoorReports { credential_uses, ..self }
    }

    /// The same with the agents that were refused.
    #[must_use]
    pub fn with_refused_agents(self, refused_agents: Arc<RefusedAgents>) -> Self {
        DoorReports { refused_agents, ..self }
    }

    /// Reports until `shutdown` completes, and then once more.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        REPORTED_UNTIL_SECONDS.handle().set(0.0);
        let mut shutdown = std::pin::pin!(shutdown);
        let mut write_at = Instant::now();
        loop {
            let changed = self.look();
            if changed || Instant::now() >= write_at {
                self.count();
                self.write().await;
                write_at = Instant::now() + WRITE_EVERY;
            }
            tokio::select! {
                () = sleep(LOOK_EVERY) => {}
                () = &mut shutdown => break,
            }
        }
        self.look();
        self.count();
        self.write().await;
    }

    /// Notes whether it is ready. Returns whether that has changed, or the clock was moved.
    fn look(&mut self) -> bool {
        let moved_first = self.clock.first_moved_to().filter(|_| self.before_move.is_some());
        let now = self.clock.now();
        if let Some(started_at) = moved_first {
            // A test says at what time the process has started.
            let spans = self.before_move.take().unwrap_or_default();
            spans.iter().for_each(|(number, span)| self.pending.push(span.removal(&self.door, *number, now)));
            self.span = None;
            if (self.is_ready)() {
                self.begin(started_at.min(now));
            }
        }
        if !(self.is_ready)() {
            return self.span.take().is_some();
        }
        if self.span.is_none_or(|span| now < span.to) {
            self.begin(now);
        }
        let before = self.span.map_or(now, |span| span.to);
        let is_new = self.span.is_some_and(|span| span.from == span.to);
        self.extend(now);
        is_new || now.millis_since(before) > MOVED_MS
    }

    fn begin(&mut self, now: Timestamp) {
        self.number += 1;
        self.span = Some(ReadySpan { from: now, to: now });
    }

    /// It was ready until now. A span lies within a day.
    fn extend(&mut self, now: Timestamp) {
        while let Some(span) = self.span {
            let next_day = (span.from.as_millis().div_euclid(DAY_MS) + 1) * DAY_MS;
            let to = now.min(Timestamp::from_millis(next_day - 1));
            self.put(ReadySpan { to, ..span });
            if to == now {
                return;
            }
            self.begin(Timestamp::from_millis(next_day));
        }
    }

    fn put(&mut self, span: ReadySpan) {
        self.span = Some(span);
        if let Some(before) = &mut self.before_move {
            before.retain(|(number, _)| *number != self.number);
            before.push((self.number, span));
        }
        self.keep(span.row(&self.door, self.number));
    }

    /// Counts openings in each minute in which they may have been received: one that was refused right after a slot's deadline
    /// may have come before it.
    fn count(&mut self) {
        let counted = self.openings.take();
        let now = self.clock.now();
        let since = std::mem::replace(&mut self.counted_at, now);
        let minutes: BTreeSet<Timestamp> =
            [since.plus_millis(-SLOWEST_ANSWER_MS), since, now].map(minute_of).into_iter().collect();
        minutes.into_iter().for_each(|minute| self.count_in(minute, &counted));
        self.minutes.retain(|minute, _| minute.as_millis() + MINUTE_OPEN_MS > now.as_millis());
    }

    fn count_in(&mut self, minute: Timestamp, counted: &OpeningCounts) {
        let OpeningCounts { accepted, refused, refused_of_teams } = counted;
        let counts = self.minutes.entry(minute).or_default();
        counts.openings += accepted + refused;
        counts.refused += refused;
        for (team, times) in refused_of_teams {
            match counts.of_teams.iter_mut().find(|(of, _)| of == team) {
                Some((_, known)) => *known += times,
                None => counts.of_teams.push((*team, *times)),
            }
        }
        let row = (counts.refused > 0).then(|| counts.row(&self.door, minute));
        row.into_iter().for_each(|row| self.keep(row));
    }

    /// A later write of a row replaces an earlier one.
    fn keep(&mut self, row: RowWrite) {
        self.pending.retain(|pending| pending.key != row.key);
        if self.pending.len() < MAX_PENDING {
            self.pending.push(row);
        }
    }

    /// Writes which credentials were used. What cannot be written is left out: the next use is written.
    async fn write_credential_uses(&self) {
        let rows = self.credential_uses.take();
        if rows.is_empty() {
            return;
        }
        if let Err(error) = self.rows.put(Arc::new(rows), self.clock.now()).await {
            tracing::warn!(kind = %error.kind(), %error, "when tokens and keys were used cannot be written now");
        }
    }

    /// What judges wait for comes first.
    async fn write(&mut self) {
        self.write_pending().await;
        self.write_credential_uses().await;
        self.refused_agents.write(&*self.rows, self.clock.now()).await;
    }

    async fn write_pending(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let rows = Arc::new(std::mem::take(&mut self.pending));
        match self.rows.put(rows.clone(), self.clock.now()).await {
            Ok(()) => {
                if let Some(span) = self.span {
                    REPORTED_UNTIL_SECONDS.handle().set(span.to.as_millis() as f64 / 1_000.0);
                }
            }
            Err(error) => {
                tracing::warn!(kind = %error.kind(), %error, "whether this front door is ready cannot be written now");
                self.pending = Arc::unwrap_or_clone(rows);
            }
        }
    }
}

fn minute_of(at: Timestamp) -> Timestamp {
    at.plus_millis(-at.as_millis().rem_euclid(MINUTE_MS))
}
