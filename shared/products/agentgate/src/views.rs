//! The views that reads are answered from: their names, shards, rows and documents. `docs/agentgate/records.md` lists
//! them.

use tidegate_kernel::command::ViewKey;
use tidegate_kernel::{Month, SmolStr, Timestamp};

mod account;
mod message;
mod run;

pub use account::{
    BalanceRow, CredentialRow, OrganizationRow, TemplateRow, TransactionRow, TransactionType, WebhookRow,
};
pub use message::{Receiver, WebhookMessage};
pub use run::{OpenShardRow, OrderRow, QueueRow, RunListRow, RunRow, VerificationRow};

use crate::id::{KeyId, KeyedHash, OrgId, RunId, TransactionId, WebhookId};
use crate::owner::Owner;
use crate::template::TemplateId;

/// One shard; a row for each organization: [`OrganizationRow`].
pub const ORGANIZATIONS: &str = "organizations";
/// A shard for each organization, with one row: [`BalanceRow`].
pub const BALANCES: &str = "balances";
/// A shard for each hash of a credential, with one row: [`CredentialRow`].
pub const CREDENTIALS: &str = "credentials";
/// A shard for each owner; a row for each of its keys, revoked ones too: [`CredentialRow`].
pub const KEYS: &str = "keys";
/// A shard for each run, with three rows: [`OrderRow`], [`RunRow`], [`VerificationRow`].
pub const RUNS: &str = "runs";
/// A shard for each organization and month; a row for each run created in it, in the order of creation: [`RunListRow`].
pub const RUN_LIST: &str = "run_list";
/// A shard for each organization and month; a row for each transaction of it, in their order: [`TransactionRow`].
pub const TRANSACTIONS: &str = "transactions";
/// A shard for each organization; a row for each webhook: [`WebhookRow`].
pub const WEBHOOKS: &str = "webhooks";
/// A shard for each organization; a row for each template of its own: [`TemplateRow`].
pub const TEMPLATES: &str = "templates";
/// A shard for ten minutes of creation; a row for each queued run, in the order of creation: [`QueueRow`].
/// No service reads it: it is for tools that list what waits.
pub const QUEUE: &str = "queue";
/// One shard; a row for each organization with a queued run: [`OpenShardRow`].
pub const OPEN_SHARDS: &str = "open_shards";

/// The shard of a view that has only one.
pub const ALL: &str = "all";

fn key(view: &'static str, shard: impl AsRef<str>, row: impl AsRef<str>) -> ViewKey {
    ViewKey { view, shard: SmolStr::new(shard), row: SmolStr::new(row) }
}

/// 13 digits, so that texts are in the order of times, then an id.
fn timed(at: Timestamp, id: impl std::fmt::Display) -> String {
    format!("{:013}/{id}", at.as_millis().max(0))
}

pub fn organization(org: OrgId) -> ViewKey {
    key(ORGANIZATIONS, ALL, org.to_string())
}

pub fn balance(org: OrgId) -> ViewKey {
    key(BALANCES, org.to_string(), "balance")
}

pub fn credential(hash: KeyedHash) -> ViewKey {
    key(CREDENTIALS, hash.to_string(), "key")
}

pub fn key_of(owner: Owner, id: KeyId) -> ViewKey {
    key(KEYS, owner.to_string(), id.to_string())
}

pub fn order(run: RunId) -> ViewKey {
    key(RUNS, run.to_string(), "order")
}

pub fn run(run: RunId) -> ViewKey {
    key(RUNS, run.to_string(), "run")
}

/// The last verification of a run.
pub fn verification(run: RunId) -> ViewKey {
    key(RUNS, run.to_string(), "verification")
}

/// The shard of [`RUN_LIST`] and [`TRANSACTIONS`].
pub fn month_shard(org: OrgId, month: Month) -> SmolStr {
    SmolStr::new(format!("{org}/{month}"))
}

/// The months between two instants, the later one first.
pub fn months_back(from: Timestamp, to: Timestamp) -> impl Iterator<Item = Month> {
    (Month::of(from).number()..=Month::of(to).number()).rev().map(Month::from_number)
}

pub fn listed_run(org: OrgId, created_at: Timestamp, run: RunId) -> ViewKey {
    key(RUN_LIST, month_shard(org, Month::of(created_at)), timed(created_at, run))
}

/// The id of the run that a row of [`RUN_LIST`] is about.
pub fn run_of_row(row: &str) -> Option<RunId> {
    RunId::parse(row.split_once('/')?.1)
}

pub fn transaction(org: OrgId, at: Timestamp, id: TransactionId) -> ViewKey {
    key(TRANSACTIONS, month_shard(org, Month::of(at)), timed(at, id))
}

/// The id of the transaction that a row of [`TRANSACTIONS`] is about.
pub fn transaction_of_row(row: &str) -> Option<TransactionId> {
    TransactionId::parse(row.split_once('/')?.1)
}

pub fn webhook(org: OrgId, id: WebhookId) -> ViewKey {
    key(WEBHOOKS, org.to_string(), id.to_string())
}

pub fn template(org: OrgId, id: &TemplateId) -> ViewKey {
    key(TEMPLATES, org.to_string(), id.as_str())
}

/// The shard of [`QUEUE`]: ten minutes of creation, as the beginning of an instant's text.
pub fn queue_shard(created_at: Timestamp) -> SmolStr {
    // `2026-05-15T14:3`: the last digit of the minute is cut off.
    SmolStr::new(created_at.to_string().get(..15).unwrap_or_default())
}

pub fn queued(created_at: Timestamp, run: RunId) -> ViewKey {
    key(QUEUE, queue_shard(created_at), timed(created_at, run))
}

pub fn open_shard(org: OrgId) -> ViewKey {
    key(OPEN_SHARDS, ALL, org.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORG: OrgId = OrgId::from_bits(1);

    #[test]
    fn rows_are_in_the_order_of_creation_within_their_month() {
        let at = |text| Timestamp::parse(text).unwrap();
        let run = RunId::from_bits(2);
        let [first, second] =
            ["2026-05-15T14:32:01.123Z", "2026-05-31T23:59:59.999Z"].map(|text| listed_run(ORG, at(text), run));
        assert!(first.row < second.row && first.shard == second.shard);
        assert_eq!(first.shard, format!("{ORG}/2026-05"));
        assert_eq!(run_of_row(&first.row), Some(run));
        let later: Vec<String> = months_back(at("2026-11-30T00:00:00Z"), at("2027-01-01T00:00:00Z"))
            .map(|month| month.to_string())
            .collect();
        assert_eq!(later, ["2027-01", "2026-12", "2026-11"]);
    }

    #[test]
    fn a_queues_shard_is_ten_minutes() {
        let shard = |text| queue_shard(Timestamp::parse(text).unwrap());
        assert_eq!(shard("2026-05-15T14:32:01.123Z"), "2026-05-15T14:3");
        assert_eq!(shard("2026-05-15T14:39:59.999Z"), shard("2026-05-15T14:30:00Z"));
        assert!(shard("2026-05-15T14:40:00Z") > shard("2026-05-15T14:30:00Z"));
    }
}
