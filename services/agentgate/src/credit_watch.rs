//! Conservation of credits, as a rolling scan: some organizations at a time, in the order of their ids, round after round.
//! Of each the book is read, and its balance row.

mod seen;

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_agentgate::{Book, OrgId, Owner, views};
use tidegate_kernel::command::{BookState, OwnerId};
use tidegate_kernel::{LogKey, SmolStr};
use tidegate_ports::{Books, Clock, FailureCause, Scan, ScanOrder, StoreError, StoredBook, Views};
use tidegate_telemetry::JOB_FAILURES;
use tokio::time::{sleep, timeout};

use crate::metrics::{CREDITS_CHECKED, CREDITS_OFF};
use seen::{Finding, Seen};

/// Between two turns.
const PERIOD: Duration = Duration::from_secs(10);
/// Organizations of one turn, apart from those that are looked at again.
const PAGE: usize = 100;

/// Checks the credits of organizations.
pub struct CreditWatch {
    books: Arc<dyn Books>,
    views: Arc<dyn Views>,
    clock: Arc<dyn Clock>,
    /// Of each question to the store.
    deadline: Duration,
    seen: Mutex<Seen>,
}

impl CreditWatch {
    pub fn new(books: Arc<dyn Books>, views: Arc<dyn Views>, clock: Arc<dyn Clock>, deadline: Duration) -> Self {
        CreditWatch { books, views, clock, deadline, seen: Mutex::default() }
    }

    /// Checks some organizations every ten seconds until `stop` resolves.
    pub async fn watch(self: Arc<Self>, stop: impl Future<Output = ()> + Send) {
        let failures = JOB_FAILURES.with([("task", "credits")]);
        CREDITS_CHECKED.handle().increment(0);
        CREDITS_OFF.handle().set(0);
        let mut stop = pin!(stop);
        loop {
            let turn = tokio::select! {
                () = &mut stop => return,
                turn = self.turn() => turn,
            };
            if let Err(error) = turn {
                tracing::warn!(kind = %error.kind(), %error, "credits cannot be checked; trying again");
                failures.increment(1);
            }
            tokio::select! {
                () = &mut stop => return,
                () = sleep(PERIOD) => {}
            }
        }
    }

    /// Whether some organization's credits do not add up, by the last looks.
    pub fn is_off(&self) -> bool {
        !self.kept().off.is_empty()
    }

    /// What the last turns found, as one JSON object.
    pub fn shown(&self) -> Value {
        let seen = self.kept();
        let off = |(org, why): (&OrgId, &String)| json!({ "organization": org, "why": why });
        json!({
            "checked_at": seen.checked_at.map(|at| at.to_string()),
            "organizations_in_last_round": seen.last_round,
            "off": seen.off.iter().map(off).collect::<Vec<_>>(),
        })
    }

    /// One turn: the next organizations, and those that did not add up before.
    ///
    /// # Errors
    /// The store did not answer; what is known stays as it was.
    pub async fn turn(&self) -> Result<(), StoreError> {
        let (after, again) = {
            let seen = self.kept();
            (seen.after.clone(), seen.again())
        };
        let scan = Scan {
            view: views::ORGANIZATIONS,
            shard: SmolStr::new(views::ALL),
            after,
            order: ScanOrder::Ascending,
            limit: PAGE,
        };
        let page = self.ask(self.views.scan(&scan)).await?;
        let named = page.iter().filter_map(|row| OrgId::parse(&row.row));
        let orgs: Vec<OrgId> = named.chain(again).collect::<BTreeSet<_>>().into_iter().collect();
        let owners: Vec<LogKey> = orgs.iter().map(|org| Owner::Org(*org).log_key()).collect();
        let books = self.ask(self.books.load(&owners)).await?;
        let keys: Vec<_> = orgs.iter().map(|org| views::balance(*org)).collect();
        let rows = self.ask(self.views.get(&keys)).await?;
        let found: Vec<(OrgId, Finding)> = orgs
            .into_iter()
            .zip(books.into_iter().zip(rows))
            .map(|(org, (book, row))| (org, finding(book, row)))
            .collect();
        CREDITS_CHECKED.handle().increment(found.len() as u64);
        let last = page.last().filter(|_| page.len() == PAGE).map(|row| row.row.clone());
        let mut seen = self.kept();
        let before: BTreeSet<OrgId> = seen.off.keys().copied().collect();
        seen.take(found, (page.len() as u64, last), self.clock.now());
        for (org, why) in seen.off.iter().filter(|(org, _)| !before.contains(org)) {
            tracing::error!(%org, why, "the credits of an organization do not add up");
        }
        CREDITS_OFF.handle().set(seen.off.len() as f64);
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, Seen> {
        // Nothing under the lock panics.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask<T>(&self, question: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let late = |_| {
            let cause = format!("no answer within {:?}", self.deadline);
            Err(StoreError::Unavailable(FailureCause::timeout(cause)))
        };
        timeout(self.deadline, question).await.unwrap_or_else(late)
    }
}

fn finding(stored: Option<StoredBook>, row: Option<Vec<u8>>) -> Finding {
    // A row may be there before its book, and be of a later command than it: both are asked for once more.
    let doubtful = |why: &str, stored: Option<StoredBook>, row| Finding::Doubtful {
        why: why.to_owned(),
        of: (stored.map(|stored| stored.decided_to), row),
    };
    let Some(stored) = stored else { return doubtful("there is no book", None, row) };
    let book = match BookState::<Book>::decode(stored.decided_to, &stored.doc) {
        Ok(state) => state.book,
        Err(error) => return Finding::Off(error.to_string()),
    };
    if let Some(imbalance) = book.imbalance() {
        return Finding::Off(imbalance.to_string());
    }
    match row.as_deref().map(serde_json::from_slice) {
        Some(Ok(balance)) if book.has_balance(&balance) => Finding::AddsUp,
        _ => doubtful("the balance row is not that of the book", Some(stored), row),
    }
}

#[cfg(test)]
mod tests;
