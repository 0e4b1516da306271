//! Organizations, with their credits and limits.

use maud::{Markup, html};
use tidegate_agentgate::command::Billing;
use tidegate_agentgate::views::OrganizationRow;
use tidegate_dashboard::look::{count, stamped};
use tidegate_kernel::Timestamp;

use super::Column::{Number, Text};
use super::reads::{Listed, ORGANIZATIONS};
use super::{AgentGateRows, Column, PageQuery, dollars, organization, pager, table};
use crate::fault::Fault;
use crate::frame::{Here, framed};

const COLUMNS: [Column; 10] = [
    Text("Organization"),
    Text("State"),
    Number("Available"),
    Number("Held by open runs"),
    Number("Included, of each cycle"),
    Number("Purchased"),
    Text("Cycle ends"),
    Number("Open runs"),
    Number("Queued"),
    Text("Limits a minute"),
];

pub(super) async fn page(rows: &AgentGateRows, query: &PageQuery, now: Timestamp) -> Result<Markup, Fault> {
    let listing = rows.organizations(query.after(), ORGANIZATIONS, now).await?;
    let next = listing.next.as_ref().map(|after| format!("{}?after={after}", Here::Organizations.path()));
    let cells: Vec<Vec<Markup>> = listing.organizations.iter().map(cells).collect();
    Ok(framed(
        Here::Organizations,
        html! {
            h1 { "Organizations" }
            @if cells.is_empty() {
                p.empty { "There is no organization here. " code { "tidegate agentgate orgs create NAME" } " makes one." }
            } @else {
                (table("Organizations", &COLUMNS, &cells))
            }
            (pager(next.as_deref()))
            @if rows.sealer.is_none() { p.note { "This process has no key that opens the names of organizations." } }
        },
    ))
}

fn cells(one: &Listed) -> Vec<Markup> {
    let Listed { org, row, name, balance, queue } = one;
    let (state, class) = match row {
        OrganizationRow { erased: true, .. } => ("erased", "timeout"),
        OrganizationRow { suspended: true, .. } => ("suspended", "timeout"),
        OrganizationRow { billing: Billing::None, .. } => ("no billing", "timeout"),
        OrganizationRow { billing: Billing::Ok, .. } => ("active", "success"),
    };
    let of = |text: &dyn Fn(&tidegate_agentgate::views::BalanceRow) -> Markup| {
        balance.as_ref().map_or_else(|| html! { "–" }, text)
    };
    vec![
        organization(*org, name.as_deref()),
        html! { span class={ "status " (class) } { (state) } },
        of(&|balance| html! { (dollars(balance.available_cents())) }),
        of(&|balance| html! { (dollars(balance.held_cents)) }),
        of(&|balance| html! { (dollars(balance.included_cents)) " of " (dollars(balance.allowance_cents)) }),
        of(&|balance| html! { (dollars(balance.purchased_cents)) }),
        of(&|balance| stamped(balance.cycle_ends_at())),
        of(&|balance| html! { (balance.open_runs) " of " (row.concurrency) }),
        html! { (queue.as_ref().map_or(0, |queue| queue.queued)) },
        html! { (count(row.requests_per_minute.into())) " requests, " (count(row.submissions_per_minute.into())) " submissions" },
    ]
}
