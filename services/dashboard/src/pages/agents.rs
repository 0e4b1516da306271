//! Agents: a row each, by what of today's runs there is of it.

use std::collections::HashMap;

use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;
use tidegate_agentping::{RunStatus, Slug};
use tidegate_agentping_ports::AgentRow;
use tidegate_kernel::{Timestamp, Usd};

use crate::layout::{Page, Part};
use crate::pages::start;
use crate::parts::amount::{count, counted, usd};
use crate::parts::health::{self, Health};
use crate::parts::value::Members;
use crate::parts::{status, time};
use crate::problem::Problem;
use crate::url::with_query;
use crate::visit::Visit;
use crate::walk::Walk;

/// Agents on one page.
const PAGE_AGENTS: usize = 200;
const LIVE_S: u32 = 5;

/// What is shown of an agent.
struct Line {
    agent: AgentRow,
    today: Today,
}

/// An agent's runs of today.
#[derive(Clone, Copy, Default)]
struct Today {
    runs: u64,
    failed: u64,
    cost: Usd,
    /// Of the latest.
    status: Option<RunStatus>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Name,
    LastRun,
    Runs,
    Cost,
}

impl Order {
    const ALL: [(Order, &str, &str); 4] = [
        (Order::Name, "name", "Agent"),
        (Order::LastRun, "last", "Last run"),
        (Order::Runs, "runs", "Runs today"),
        (Order::Cost, "cost", "Cost today"),
    ];

    fn parse(text: &str) -> Option<Self> {
        Order::ALL.into_iter().find(|(_, word, _)| *word == text).map(|(order, ..)| order)
    }
}

pub(crate) async fn show(visit: Visit) -> Result<Response, Problem> {
    let pages = &visit.pages;
    let order = visit.parsed("sort", "be one of name, last, runs, cost", Order::parse)?.unwrap_or(Order::Name);
    let search = visit.query("q").map(|text| text.trim().to_lowercase());
    let from = visit.parsed("page", "be the number of a page", |text| text.parse().ok().filter(|page| *page > 0))?;
    let (agents, walk) = tokio::try_join!(pages.ask(pages.queries.agents(visit.team())), visit.today())?;
    if agents.is_empty() {
        return Ok(start::waiting(&visit, None).live(LIVE_S).waiting().response(&visit));
    }
    let total = agents.len();
    let (health, wanted) = (visit.health().await?, visit.query("state"));
    let mut lines = lines(agents, &walk, search.as_deref());
    lines.retain(|line| wanted.is_none() || wanted.as_deref() == Some(state_of(health.as_ref(), line).text("state")));
    sort(&mut lines, order);
    let (found, page) = (lines.len(), from.unwrap_or(1usize));
    let shown: Vec<Line> = lines.into_iter().skip((page - 1).saturating_mul(PAGE_AGENTS)).take(PAGE_AGENTS).collect();
    let body = html! {
        h1 { "Agents" }
        form.filters method="get" action=(visit.at("/agents")) role="search" {
            div { label for="q" { "Search" } input #q name="q" type="search" value=(search.as_deref().unwrap_or("")) autocomplete="off"; }
            div {
                label for="sort" { "Order" }
                select #sort name="sort" {
                    @for (one, word, name) in Order::ALL { option value=(word) selected[one == order] { (name) } }
                }
            }
            div.actions { button.primary type="submit" { "Show" } }
        }
        div #found {
            p.hint { (count(found as u64)) " of " (counted(total as u64, "agent")) @if walk.more { "; figures of today are of its latest runs only" } "." }
            (table(&visit, &shown, health.as_ref(), order))
            (pager(&visit, page, found))
        }
    };
    Ok(Page::new("Agents", Part::Agents, body).live(LIVE_S).response(&visit))
}

fn lines(agents: Vec<AgentRow>, walk: &Walk, search: Option<&str>) -> Vec<Line> {
    let mut of_agents: HashMap<&Slug, Today> = HashMap::new();
    // Newest first: the first that is seen of an agent is its latest.
    for run in &walk.runs {
        let today = of_agents.entry(&run.agent).or_default();
        today.runs += 1;
        today.failed += u64::from(matches!(run.status, RunStatus::Failed | RunStatus::Timeout));
        today.cost = today.cost.plus(run.cost);
        today.status.get_or_insert(run.status);
    }
    let found = |agent: &AgentRow| search.is_none_or(|search| agent.slug.as_str().to_lowercase().contains(search));
    let line = |agent: AgentRow| Line { today: of_agents.get(&agent.slug).copied().unwrap_or_default(), agent };
    agents.into_iter().filter(found).map(line).collect()
}

/// Stable: they come by name.
fn sort(lines: &mut [Line], order: Order) {
    use std::cmp::Reverse;
    match order {
        Order::Name => {}
        Order::LastRun => lines.sort_by_key(|line| Reverse(line.agent.last_seen)),
        Order::Runs => lines.sort_by_key(|line| Reverse(line.today.runs)),
        Order::Cost => lines.sort_by_key(|line| Reverse(line.today.cost)),
    }
}

/// What the judge says of an agent; nothing where none is at work.
fn state_of<'h>(health: Option<&'h Health>, line: &Line) -> &'h Value {
    health.and_then(|health| health.agent(line.agent.slug.as_str())).unwrap_or(&Value::Null)
}

fn table(visit: &Visit, lines: &[Line], health: Option<&Health>, order: Order) -> Markup {
    let q = visit.query("q");
    html! {
        div.scroll tabindex="0" role="region" aria-label="Agents" {
            table {
                thead {
                    tr {
                        @for (one, word, name) in Order::ALL {
                            th.number[matches!(one, Order::Runs | Order::Cost)] scope="col" aria-sort=[(one == order).then_some(if one == Order::Name { "ascending" } else { "descending" })] {
                                a href=(with_query(&visit.at("/agents"), &[("q", q.as_deref()), ("sort", Some(word))])) { (name) }
                            }
                        }
                        @if health.is_some() { th scope="col" { "State" } th scope="col" { "Next slot" } }
                        th scope="col" { "Latest today" }
                        th.number scope="col" { "Failed today" }
                    }
                }
                tbody { @for line in lines { (row(visit, line, health.map(|health| state_of(Some(health), line)), visit.now)) } }
            }
        }
        @if lines.is_empty() { p.empty { "No agent has this in its name." } }
    }
}

fn row(visit: &Visit, Line { agent, today }: &Line, state: Option<&Value>, now: Timestamp) -> Markup {
    html! {
        tr {
            th scope="row" {
                a href=(visit.agent_url(agent.slug.as_str())) { (agent.slug) }
                @if agent.is_archived() { " " span.tag { "archived" } }
            }
            td { @match agent.last_seen { Some(at) => (time::ago(at, now)), None => "never" } }
            td.number { (count(today.runs)) }
            td.number { (usd(today.cost)) }
            @if let Some(watched) = state {
                td { @if !watched.text("state").is_empty() { (health::state(watched.text("state"))) } (health::marks(watched)) }
                td { @if let Some(at) = watched.instant("next_slot") { (time::ago(at, now)) } @else { "–" } }
            }
            td { @match today.status { Some(status) => (status::status(status)), None => "–" } }
            td.number { (count(today.failed)) }
        }
    }
}

fn pager(visit: &Visit, page: usize, found: usize) -> Markup {
    let (q, sort) = (visit.query("q"), visit.query("sort"));
    let link = |page: usize| {
        let page = page.to_string();
        with_query(&visit.at("/agents"), &[("q", q.as_deref()), ("sort", sort.as_deref()), ("page", Some(&page))])
    };
    html! {
        @if found > PAGE_AGENTS {
            nav.pager aria-label="Pages of agents" {
                @if page > 1 { a rel="prev" href=(link(page - 1)) { "Before" } }
                @if page.saturating_mul(PAGE_AGENTS) < found { a rel="next" href=(link(page + 1)) { "After" } }
            }
        }
    }
}
