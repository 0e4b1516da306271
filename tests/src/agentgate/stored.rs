//! What is stored of an organization, as its clients and operators are shown it.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use futures_util::stream::iter;
use serde_json::Value;

use super::account::Account;
use super::ledger::Ledger;

const READS_AT_ONCE: usize = 8;
const PAGE: usize = 100;

/// A run as it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredRun {
    pub status: String,
    /// The idempotency key that made it: the load names it as the tenant.
    pub key: String,
    pub iterations: u64,
    pub cost_cents: u64,
}

/// All of an organization.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// The runs that are listed, each as it is read.
    pub runs: BTreeMap<String, StoredRun>,
    /// Runs that a client was answered with and that cannot be read: what came instead.
    pub unreadable: BTreeMap<String, String>,
    /// The charges: run and cents.
    pub charges: Vec<(String, u64)>,
    /// The balance that clients are shown.
    pub balance_cents: u64,
    /// What operators are shown.
    pub available_cents: u64,
    pub held_cents: u64,
    pub open_runs: u64,
}

impl Stored {
    /// Reads everything.
    ///
    /// # Panics
    /// If a list, the balance or the operators' command has no answer.
    pub async fn read(account: &Account, ledger: &Ledger) -> Self {
        let mut stored = Stored::default();
        let mut runs: Vec<String> =
            pages(account, "/v1/runs", "data").await.iter().map(|run| text(run, "id")).collect();
        let listed = runs.len();
        runs.extend(ledger.accepted.values().flatten().cloned());
        let reads = iter(runs.into_iter().enumerate()).map(async |(at, run)| {
            let read = account.get(&format!("/v1/runs/{run}")).await;
            (at < listed, run, read)
        });
        let reads: Vec<_> = reads.buffered(READS_AT_ONCE).collect().await;
        for (is_listed, run, read) in reads {
            match read {
                Ok(body) if is_listed => drop(stored.runs.insert(run, stored_run(&body))),
                Ok(_) => {}
                Err(why) => drop(stored.unreadable.insert(run, why)),
            }
        }
        let charges = pages(account, "/v1/credits/usage?type=deduction", "transactions").await;
        stored.charges = charges.iter().map(|one| (text(one, "runId"), number(one, "amount"))).collect();
        let balance = account.get("/v1/credits").await.unwrap();
        let shown = account.shown().await;
        Stored {
            balance_cents: number(&balance, "totalCreditsCents"),
            available_cents: number(&shown, "availableCents"),
            held_cents: number(&shown, "heldCents"),
            open_runs: number(&shown, "openRuns"),
            ..stored
        }
    }
}

fn stored_run(body: &Value) -> StoredRun {
    StoredRun {
        status: text(body, "status"),
        key: body["tenantContext"]["tenantId"].as_str().unwrap_or_default().to_owned(),
        iterations: number(body, "iterations"),
        cost_cents: number(&body["cost"], "credits"),
    }
}

/// All items of a list.
async fn pages(account: &Account, path: &str, member: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let join = if path.contains('?') { '&' } else { '?' };
    loop {
        let page = account.get(&format!("{path}{join}limit={PAGE}&offset={}", all.len())).await.unwrap();
        let items = page[member].as_array().unwrap_or_else(|| panic!("no {member}: {page}"));
        all.extend(items.iter().cloned());
        if items.len() < PAGE {
            assert_eq!(number(&page, "total"), all.len() as u64, "{path}: the total is that of the items");
            return all;
        }
    }
}

fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_else(|| panic!("no {member}: {value}")).to_owned()
}

fn number(value: &Value, member: &str) -> u64 {
    value[member].as_u64().unwrap_or_else(|| panic!("no {member}: {value}"))
}
