//! Workers, as the leases of open runs have them: AgentGate keeps no list of workers.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use tidegate_agentgate::book::Lease;
use tidegate_agentgate::views::{self, CredentialRow};
use tidegate_agentgate::{Book, KeyedHash, OrgId, Owner, RunId};
use tidegate_dashboard::look::ago;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::ScanOrder;

use super::Column::{Number, Text};
use super::reads::{Names, read};
use super::{AgentGateRows, Column, PageQuery, organization, pager, table};
use crate::fault::Fault;
use crate::frame::{Here, framed};

/// Organizations looked at for a page.
const ORGANIZATIONS: usize = 200;
/// Leases listed.
const LEASES: usize = 200;
/// Keys of the fleet that are counted.
const KEYS: usize = 200;

const WORKERS: [Column; 4] = [Text("Worker"), Text("Last seen"), Number("Leases"), Number("Organizations")];
const OF_LEASES: [Column; 6] =
    [Text("Run"), Text("Organization"), Text("Worker"), Text("Leased until"), Number("Lease"), Text("Reported")];

/// A leased run.
struct Leased {
    org: OrgId,
    run: RunId,
    lease: Lease,
    grants: u32,
    max_grants: u32,
}

pub(super) async fn page(rows: &AgentGateRows, query: &PageQuery, now: Timestamp) -> Result<Markup, Fault> {
    let keys = fleet_keys(rows).await?;
    let Some(books) = &rows.books else {
        return Ok(framed(
            Here::Workers,
            html! {
                h1 { "Workers" }
                (keys)
                p.alert role="status" { "This process does not read leases: they are in the books, which deciders have. Open this page on the operations port of a decider (tidegate decide --api agentgate)." }
            },
        ));
    };
    let listing = rows.organizations(query.after(), ORGANIZATIONS, now).await?;
    let next = listing.next.as_ref().map(|after| format!("{}?after={after}", Here::Workers.path()));
    let is_open = |one: &&super::reads::Listed| one.balance.as_ref().is_none_or(|balance| balance.open_runs > 0);
    let open: Vec<OrgId> = listing.organizations.iter().filter(is_open).map(|one| one.org).collect();
    let mut leases: Vec<Leased> =
        rows.books(&**books, &open).await?.iter().flat_map(|(org, book)| leased(*org, book)).collect();
    leases.sort_by_key(|one| (one.lease.expires_at_ms, one.run));
    let names = Names::listed(&listing.organizations);
    let workers = workers(&leases, now);
    let shown: Vec<Vec<Markup>> = leases.iter().take(LEASES).map(|one| lease_cells(one, &names, now)).collect();
    Ok(framed(
        Here::Workers,
        html! {
            h1 { "Workers" }
            (keys)
            @if workers.is_empty() {
                p.empty { "No run is leased. A worker is seen here while it has a run." }
            } @else {
                (table("Workers", &WORKERS, &workers))
                section {
                    h2 { "Leases" }
                    (table("Leases", &OF_LEASES, &shown))
                    @if leases.len() > LEASES { p.note { "The " (LEASES) " that lapse first, of " (leases.len()) "." } }
                }
            }
            (pager(next.as_deref()))
            p.note { "Names of workers are stored as keyed hashes. Last seen is the last renewal of a lease." }
        },
    ))
}

/// How many keys serve every organization.
async fn fleet_keys(rows: &AgentGateRows) -> Result<Markup, Fault> {
    let shard = SmolStr::new(Owner::Fleet.to_string());
    let mut live = 0;
    let found = rows.scan(views::KEYS, shard, None, ScanOrder::Ascending, KEYS).await?;
    for row in &found {
        let key: CredentialRow = read("a key", &row.doc)?;
        live += usize::from(key.revoked_at_ms.is_none());
    }
    let more = if found.len() == KEYS { " or more" } else { "" };
    Ok(html! { dl.figures { div { dt { "Keys of the fleet" } dd { (live) (more) } } } })
}

fn leased(org: OrgId, book: &Book) -> Vec<Leased> {
    let lease = |(run, open): (&RunId, &tidegate_agentgate::book::OpenRun)| {
        let work = open.work.as_ref()?;
        Some(Leased { org, run: *run, lease: work.lease?, grants: work.grants, max_grants: work.max_grants })
    };
    book.runs.iter().filter_map(lease).collect()
}

impl Leased {
    /// When its worker got or last renewed the lease.
    fn renewed_at(&self) -> Timestamp {
        let Lease { lease_ms, expires_at_ms, .. } = self.lease;
        expires_at_ms.plus_millis(-i64::try_from(lease_ms).unwrap_or(i64::MAX))
    }
}

/// The rows of the workers, the one seen last first.
fn workers(leases: &[Leased], now: Timestamp) -> Vec<Vec<Markup>> {
    let mut by_worker: BTreeMap<String, (Timestamp, usize, BTreeSet<OrgId>)> = BTreeMap::new();
    for one in leases {
        let seen = one.renewed_at();
        let entry = by_worker.entry(one.lease.worker.to_string()).or_insert((seen, 0, BTreeSet::new()));
        entry.0 = entry.0.max(seen);
        entry.1 += 1;
        entry.2.insert(one.org);
    }
    let mut workers: Vec<_> = by_worker.into_iter().collect();
    workers.sort_by_key(|(_, (seen, ..))| std::cmp::Reverse(*seen));
    let cells = |(worker, (seen, leases, orgs)): (String, (Timestamp, usize, BTreeSet<OrgId>))| {
        vec![html! { span.id { (worker) } }, ago(seen, now), html! { (leases) }, html! { (orgs.len()) }]
    };
    workers.into_iter().map(cells).collect()
}

fn lease_cells(one: &Leased, names: &Names, now: Timestamp) -> Vec<Markup> {
    vec![
        html! { span.id { (one.run) } },
        organization(one.org, names.of(one.org)),
        html! { span.id { (short(one.lease.worker)) } },
        ago(one.lease.expires_at_ms, now),
        html! { (one.grants) " of " (one.max_grants) },
        html! { (if one.lease.reported { "yes" } else { "not yet" }) },
    ]
}

/// Enough of a hash to find it in the table above.
fn short(worker: KeyedHash) -> String {
    worker.to_string().chars().take(8).collect()
}
