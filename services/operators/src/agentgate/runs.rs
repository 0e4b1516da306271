//! Runs by state: of one organization, page by page, or the latest of several.

use maud::{Markup, html};
use tidegate_agentgate::views::{self, RunListRow, RunRow};
use tidegate_agentgate::{OrgId, RunId, RunStatus};
use tidegate_dashboard::look::{ago, stamped};
use tidegate_kernel::{Month, SmolStr, Timestamp};
use tidegate_ports::ScanOrder;

use super::Column::{Number, Text};
use super::reads::{Names, ORGANIZATIONS, read};
use super::{AgentGateRows, Column, PageQuery, dollars, organization, pager, table};
use crate::fault::Fault;
use crate::frame::{Here, framed};

/// Runs of a page.
const RUNS: usize = 50;
/// Rows that are looked at for one page; a rare state may need several pages of them.
const LOOKED_AT: usize = 2_000;
/// Rows read at once.
const BATCH: usize = 500;
/// The log's clock may be a little ahead of ours, over the end of a month.
const AHEAD_MS: i64 = 60_000;

const COLUMNS: [Column; 9] = [
    Text("Run"),
    Text("Organization"),
    Text("State"),
    Text("Error"),
    Text("Created"),
    Text("Started"),
    Text("Ended"),
    Number("Iterations"),
    Number("Cost"),
];

/// A run of a list.
struct Found {
    row: SmolStr,
    org: OrgId,
    run: RunId,
    listed: RunListRow,
}

/// Where runs are listed.
pub(super) fn path(org: Option<OrgId>, status: Option<RunStatus>, after: Option<&str>) -> String {
    let org = org.map(|org| format!("org={org}"));
    let status = status.map(|status| format!("status={}", status.as_str()));
    let after = after.map(|after| format!("after={}", after.replace('/', "%2F")));
    let query: Vec<String> = [org, status, after].into_iter().flatten().collect();
    match query.as_slice() {
        [] => Here::Runs.path().to_owned(),
        query => format!("{}?{}", Here::Runs.path(), query.join("&")),
    }
}

pub(super) async fn page(rows: &AgentGateRows, query: &PageQuery, now: Timestamp) -> Result<Markup, Fault> {
    let status = status(query)?;
    let org = query.org()?;
    let (found, next, names, about) = match org {
        Some(org) => of_one(rows, org, status, query.after(), now).await?,
        None => of_several(rows, status, query.after(), now).await?,
    };
    let keys = found.iter().map(|one| views::run(one.run));
    let details: Vec<Option<RunRow>> = rows.rows("a run", keys).await?;
    let cells: Vec<Vec<Markup>> =
        found.iter().zip(&details).map(|(one, detail)| cells(one, detail.as_ref(), &names, now)).collect();
    Ok(framed(
        Here::Runs,
        html! {
            h1 { "Runs" }
            (filter(org, status))
            (about)
            @if cells.is_empty() { p.empty { "No run fits." } } @else { (table("Runs", &COLUMNS, &cells)) }
            (pager(next.as_deref()))
        },
    ))
}

fn status(query: &PageQuery) -> Result<Option<RunStatus>, Fault> {
    let Some(text) = PageQuery::given(query.status.as_ref()) else { return Ok(None) };
    let allowed = "pending, running, succeeded, failed or cancelled";
    RunStatus::parse(text).map(Some).ok_or_else(|| Fault::Unknown("status", text.to_owned(), allowed))
}

/// What is found, the next page, the names of organizations, and what is said of it all.
type FoundRuns = (Vec<Found>, Option<String>, Names, Markup);

/// The runs of one organization, the newest first.
async fn of_one(
    rows: &AgentGateRows,
    org: OrgId,
    status: Option<RunStatus>,
    after: Option<&str>,
    now: Timestamp,
) -> Result<FoundRuns, Fault> {
    let unknown = || Fault::Unknown("org", org.to_string(), "the id of an organization that is here");
    let listed = rows.organization(org, now).await?.ok_or_else(unknown)?;
    let first = listed.row.created_at_ms.plus_millis(-AHEAD_MS);
    let last = after.and_then(created_at).unwrap_or_else(|| now.plus_millis(AHEAD_MS));
    let (mut found, mut looked_at, mut last_row) = (Vec::new(), 0, None);
    let mut after = after.map(str::to_owned);
    let mut is_more = false;
    'months: for month in views::months_back(first, last) {
        loop {
            let shard = views::month_shard(org, month);
            let batch = rows.scan(views::RUN_LIST, shard, after.as_deref(), ScanOrder::Descending, BATCH).await?;
            let is_end = batch.len() < BATCH;
            after = batch.last().map(|row| row.row.to_string());
            for row in batch {
                if found.len() == RUNS || looked_at == LOOKED_AT {
                    is_more = true;
                    break 'months;
                }
                looked_at += 1;
                last_row = Some(row.row.clone());
                found.extend(fitting(org, row.row, &row.doc, status)?);
            }
            if is_end {
                break;
            }
        }
        after = None;
    }
    let next = last_row.filter(|_| is_more).map(|row| path(Some(org), status, Some(&row)));
    let name = listed.name.clone();
    let about = html! {
        h2 { @if let Some(name) = &name { (name) " " } span.id { (org) } }
        @if is_more && found.len() < RUNS { p.note { "Of the " (looked_at) " runs looked at for this page; older ones are on the next." } }
        @if listed.row.erased { p.alert { "The organization is erased: its runs have ended, and their content cannot be opened." } }
        @else if listed.row.suspended { p.alert { "The organization is suspended: no worker gets its runs." } }
    };
    Ok((found, next, Names::listed(&[listed]), about))
}

/// The latest runs of some organizations, of each in its present month.
async fn of_several(
    rows: &AgentGateRows,
    status: Option<RunStatus>,
    after: Option<&str>,
    now: Timestamp,
) -> Result<FoundRuns, Fault> {
    let listing = rows.organizations(after, ORGANIZATIONS, now).await?;
    let mut found = Vec::new();
    for one in &listing.organizations {
        let shard = views::month_shard(one.org, Month::of(now));
        for row in rows.scan(views::RUN_LIST, shard, None, ScanOrder::Descending, RUNS).await? {
            found.extend(fitting(one.org, row.row, &row.doc, status)?);
        }
    }
    found.sort_by(|left, right| right.row.cmp(&left.row));
    found.truncate(RUNS);
    let next = listing.next.as_ref().map(|after| path(None, status, Some(after)));
    let about = html! {
        p.note {
            "The latest runs of this month, of " (listing.organizations.len()) " organizations, at most " (RUNS) " of each. Choose an "
            a href=(Here::Organizations.path()) { "organization" } " for all of its runs."
        }
    };
    Ok((found, next, Names::listed(&listing.organizations), about))
}

fn fitting(org: OrgId, row: SmolStr, doc: &[u8], status: Option<RunStatus>) -> Result<Option<Found>, Fault> {
    let listed: RunListRow = read("a run of a list", doc)?;
    let fits = status.is_none_or(|status| listed.status == status);
    Ok(views::run_of_row(&row).filter(|_| fits).map(|run| Found { row, org, run, listed }))
}

/// The instant in a row's name; its digits are milliseconds.
fn created_at(row: &str) -> Option<Timestamp> {
    row.split_once('/')?.0.parse().ok().map(Timestamp::from_millis)
}

fn filter(org: Option<OrgId>, status: Option<RunStatus>) -> Markup {
    html! {
        form.filters method="get" action=(Here::Runs.path()) {
            div { label for="org" { "Organization" } input #org name="org" value=[org] placeholder="org_…" autocomplete="off"; }
            div {
                label for="status" { "State" }
                select #status name="status" {
                    option value="" { "any" }
                    @for one in RunStatus::ALL {
                        option value=(one.as_str()) selected[Some(one) == status] { (one.as_str()) }
                    }
                }
            }
            div.actions { button.primary type="submit" { "Show" } a href=(Here::Runs.path()) { "All" } }
        }
    }
}

fn cells(one: &Found, detail: Option<&RunRow>, names: &Names, now: Timestamp) -> Vec<Markup> {
    let started = detail.and_then(|detail| detail.started_at_ms);
    let error = detail.and_then(|detail| detail.error_code);
    let class = match one.listed.status {
        RunStatus::Pending | RunStatus::Cancelled => "",
        RunStatus::Running => "running",
        RunStatus::Succeeded => "success",
        RunStatus::Failed => "failed",
    };
    vec![
        html! { span.id { (one.run) } },
        organization(one.org, names.of(one.org)),
        html! { span class={ "status " (class) } { (one.listed.status.as_str()) } },
        html! { (error.map_or("", |error| error.as_str())) },
        ago(one.listed.created_at_ms, now),
        html! { @if let Some(at) = started { (ago(at, now)) } },
        html! { @if let Some(at) = one.listed.ended_at_ms { (stamped(at)) } },
        html! { (one.listed.iterations) },
        html! { @if let Some(detail) = detail { (dollars(detail.cost_cents)) } },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_keeps_its_filters() {
        let org = OrgId::from_bits(1);
        assert_eq!(path(None, None, None), "/agentgate/runs");
        assert_eq!(
            path(Some(org), Some(RunStatus::Failed), Some("0001/run_1")),
            format!("/agentgate/runs?org={org}&status=failed&after=0001%2Frun_1")
        );
        assert_eq!(created_at("1778846400000/run_1"), Some(Timestamp::from_millis(1_778_846_400_000)));
        assert_eq!([created_at("x/run_1"), created_at("1")], [None, None]);
    }
}
