//! Reads of AgentGate's rows: each bounded, each with the names of the organizations it is about.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde::de::DeserializeOwned;
use tidegate_agentgate::views::{self, BalanceRow, OpenShardRow, OrganizationRow};
use tidegate_agentgate::{Book, OrgId, Owner, Sealed};
use tidegate_kernel::command::{BookState, OwnerId, ViewKey};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{Books, Scan, ScanOrder, ViewRow};

use super::AgentGateRows;
use crate::fault::Fault;

/// Organizations of a page.
pub(super) const ORGANIZATIONS: usize = 50;

/// An organization with its credits as they are now.
pub(super) struct Listed {
    pub org: OrgId,
    pub row: OrganizationRow,
    /// `None`: its name cannot be read here.
    pub name: Option<String>,
    /// `None`: its row is still to come.
    pub balance: Option<BalanceRow>,
    /// `None`: nothing of it is queued, or it is suspended.
    pub queue: Option<OpenShardRow>,
}

/// Some organizations, and the last one's row if there may be more.
pub(super) struct Listing {
    pub organizations: Vec<Listed>,
    pub next: Option<String>,
}

/// Names of organizations.
pub(super) struct Names(BTreeMap<OrgId, String>);

impl Names {
    pub fn listed(listed: &[Listed]) -> Self {
        Names(listed.iter().filter_map(|one| Some((one.org, one.name.clone()?))).collect())
    }

    pub fn of(&self, org: OrgId) -> Option<&str> {
        self.0.get(&org).map(String::as_str)
    }
}

impl AgentGateRows {
    /// At most `limit` organizations in the order of their ids.
    pub(super) async fn organizations(
        &self,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Listing, Fault> {
        let page =
            self.scan(views::ORGANIZATIONS, SmolStr::new(views::ALL), after, ScanOrder::Ascending, limit).await?;
        let next = page.last().filter(|_| page.len() == limit).map(|row| row.row.to_string());
        let mut rows = Vec::new();
        for row in &page {
            if let Some(org) = OrgId::parse(&row.row) {
                rows.push((org, read::<OrganizationRow>("an organization", &row.doc)?));
            }
        }
        Ok(Listing { organizations: self.listed(rows, now).await?, next })
    }

    /// One organization.
    pub(super) async fn organization(&self, org: OrgId, now: Timestamp) -> Result<Option<Listed>, Fault> {
        let Some(row) = self.row("an organization", views::organization(org)).await? else { return Ok(None) };
        Ok(self.listed(vec![(org, row)], now).await?.pop())
    }

    async fn listed(&self, rows: Vec<(OrgId, OrganizationRow)>, now: Timestamp) -> Result<Vec<Listed>, Fault> {
        let orgs: Vec<OrgId> = rows.iter().map(|(org, _)| *org).collect();
        let balances: Vec<Option<BalanceRow>> =
            self.rows("a balance", orgs.iter().map(|org| views::balance(*org))).await?;
        let queues: Vec<Option<OpenShardRow>> =
            self.rows("a queue", orgs.iter().map(|org| views::open_shard(*org))).await?;
        let names = join_all(rows.iter().map(|(org, row)| self.name(*org, row.name.as_ref()))).await;
        let parts = rows.into_iter().zip(balances).zip(queues).zip(names);
        let listed = parts.map(|((((org, row), balance), queue), name)| Listed {
            org,
            row,
            name,
            balance: balance.map(|balance| balance.at(now)),
            queue,
        });
        Ok(listed.collect())
    }

    /// The names of some organizations, as far as they can be read.
    pub(super) async fn names(&self, orgs: impl Iterator<Item = OrgId>) -> Result<Names, Fault> {
        let orgs: Vec<OrgId> = orgs.collect();
        let rows: Vec<Option<OrganizationRow>> =
            self.rows("an organization", orgs.iter().map(|org| views::organization(*org))).await?;
        let names = join_all(orgs.iter().zip(&rows).map(|(org, row)| async move {
            let name = self.name(*org, row.as_ref().and_then(|row| row.name.as_ref())).await;
            name.map(|name| (*org, name))
        }));
        Ok(Names(names.await.into_iter().flatten().collect()))
    }

    /// A name that was erased, or that this process has no key for, is not shown.
    async fn name(&self, org: OrgId, sealed: Option<&Sealed>) -> Option<String> {
        let (sealer, sealed) = (self.sealer.as_ref()?, sealed?);
        let opened = sealer.open(Owner::Org(org).log_key(), sealed.as_str()).await.ok()?;
        serde_json::from_slice(&opened).ok()
    }

    /// The books of some organizations, without those that are not there yet.
    pub(super) async fn books(&self, books: &dyn Books, orgs: &[OrgId]) -> Result<Vec<(OrgId, Book)>, Fault> {
        let owners: Vec<_> = orgs.iter().map(|org| Owner::Org(*org).log_key()).collect();
        let stored = books.load(&owners).await?;
        let found = orgs.iter().zip(stored).filter_map(|(org, stored)| {
            let stored = stored?;
            // A book that a later release wrote is left out; the metrics of conservation report a damaged one.
            Some((*org, BookState::<Book>::decode(stored.decided_to, &stored.doc).ok()?.book))
        });
        Ok(found.collect())
    }

    pub(super) async fn scan(
        &self,
        view: &'static str,
        shard: SmolStr,
        after: Option<&str>,
        order: ScanOrder,
        limit: usize,
    ) -> Result<Vec<ViewRow>, Fault> {
        Ok(self.views.scan(&Scan { view, shard, after: after.map(SmolStr::new), order, limit }).await?)
    }

    async fn row<T: DeserializeOwned>(&self, what: &'static str, key: ViewKey) -> Result<Option<T>, Fault> {
        Ok(self.rows(what, [key].into_iter()).await?.pop().flatten())
    }

    pub(super) async fn rows<T: DeserializeOwned>(
        &self,
        what: &'static str,
        keys: impl Iterator<Item = ViewKey>,
    ) -> Result<Vec<Option<T>>, Fault> {
        let found = self.views.get(&keys.collect::<Vec<_>>()).await?;
        found.into_iter().map(|doc| doc.map(|doc| read(what, &doc)).transpose()).collect()
    }
}

pub(super) fn read<T: DeserializeOwned>(what: &'static str, doc: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(doc).map_err(|error| Fault::Unreadable(what, error))
}
