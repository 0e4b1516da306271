//! The queue: which organizations have runs that wait for a worker, the one with the oldest first.

use maud::{Markup, html};
use tidegate_agentgate::OrgId;
use tidegate_agentgate::views::{self, BalanceRow, OpenShardRow};
use tidegate_dashboard::look::{ago, count};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::ScanOrder;

use super::Column::{Number, Text};
use super::reads::read;
use super::{AgentGateRows, Column, PageQuery, organization, pager, table};
use crate::fault::Fault;
use crate::frame::{Here, framed};

/// Organizations of a page.
const QUEUES: usize = 500;
/// Rows of its table.
const SHOWN: usize = 50;

const COLUMNS: [Column; 4] = [Text("Organization"), Number("Waiting"), Text("Oldest, created"), Number("Leased")];

pub(super) async fn page(rows: &AgentGateRows, query: &PageQuery, now: Timestamp) -> Result<Markup, Fault> {
    let page =
        rows.scan(views::OPEN_SHARDS, SmolStr::new(views::ALL), query.after(), ScanOrder::Ascending, QUEUES).await?;
    let next =
        page.last().filter(|_| page.len() == QUEUES).map(|row| format!("{}?after={}", Here::Queue.path(), row.row));
    let mut queues: Vec<(OrgId, OpenShardRow)> = Vec::new();
    for row in &page {
        if let Some(org) = OrgId::parse(&row.row) {
            queues.push((org, read("a queue", &row.doc)?));
        }
    }
    queues.sort_by_key(|(org, row)| (row.oldest_at_ms, *org));
    let waiting: u64 = queues.iter().map(|(_, row)| u64::from(row.queued)).sum();
    let oldest = queues.first().map(|(_, row)| row.oldest_at_ms);
    let of_page = queues.len();
    queues.truncate(SHOWN);
    let names = rows.names(queues.iter().map(|(org, _)| *org)).await?;
    let balances: Vec<Option<BalanceRow>> =
        rows.rows("a balance", queues.iter().map(|(org, _)| views::balance(*org))).await?;
    let cells: Vec<Vec<Markup>> = queues
        .iter()
        .zip(balances)
        .map(|((org, row), balance)| {
            let leased = balance.map(|balance| balance.open_runs.saturating_sub(row.queued));
            vec![
                organization(*org, names.of(*org)),
                html! { (count(row.queued.into())) },
                ago(row.oldest_at_ms, now),
                html! { (leased.map_or_else(|| "–".to_owned(), |leased| count(leased.into()))) },
            ]
        })
        .collect();
    Ok(framed(
        Here::Queue,
        html! {
            h1 { "Queue" }
            dl.figures {
                div { dt { "Runs waiting for a worker" } dd { (count(waiting)) } }
                div { dt { "Oldest, created" } dd { @if let Some(at) = oldest { (ago(at, now)) } @else { "–" } } }
                div { dt { "Organizations with a queue" } dd { (count(of_page as u64)) } }
            }
            @if cells.is_empty() {
                p.empty { "Nothing waits. Runs of suspended organizations are not in the queue." }
            } @else {
                (table("Queues", &COLUMNS, &cells))
                @if of_page > SHOWN { p.note { "The " (SHOWN) " with the oldest runs, of " (of_page) "." } }
            }
            (pager(next.as_deref()))
        },
    ))
}
