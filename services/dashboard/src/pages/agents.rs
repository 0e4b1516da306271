//! Agents: a row each, with how it stands, its last slots and its runs of today. All rows are read at once, whatever the
//! number of agents; only a page of them is written.

mod order;
mod table;

use axum::response::Response;
use maud::{Markup, html};
use tidegate_agentping::RunStatus;
use tidegate_agentping_ports::{AgentRow, AgentSums};
use tidegate_kernel::Usd;

use crate::layout::{Page, Part};
use crate::pages::start;
use crate::parts::amount::{count, counted};
use crate::parts::control::{field, form};
use crate::parts::health::{Health, Judged, STATES};
use crate::parts::value::Members;
use crate::problem::Problem;
use crate::url::with_query;
use crate::visit::Visit;
use order::Order;
use table::table;

/// Agents on one page: a page is to stay below 150 kB.
const PAGE_AGENTS: usize = 80;
const LIVE_S: u32 = 5;

/// What is shown of an agent.
struct Line {
    agent: AgentRow,
    today: Today,
    /// What the judge says of it; nothing where none is at work.
    judged: Judged,
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

/// What the page was asked for.
struct Asked {
    order: Order,
    search: Option<String>,
    state: Option<String>,
    page: usize,
}

impl Asked {
    fn of(visit: &Visit) -> Result<Self, Problem> {
        let order = visit.parsed("sort", Order::MUST, Order::parse)?.unwrap_or(Order::Name);
        let page =
            visit.parsed("page", "be the number of a page", |text| text.parse().ok().filter(|page| *page > 0))?;
        let search = visit.query("q").map(|text| text.trim().to_lowercase());
        Ok(Asked { order, search, state: visit.query("state"), page: page.unwrap_or(1) })
    }

    /// The address of these agents in another order, or of another page of them.
    fn url(&self, visit: &Visit, order: Order, page: usize) -> String {
        let page = (page > 1).then(|| page.to_string());
        let sort = (order != Order::Name).then(|| order.word());
        let query = [
            ("q", self.search.as_deref()),
            ("state", self.state.as_deref()),
            ("sort", sort),
            ("page", page.as_deref()),
        ];
        with_query(&visit.at("/agents"), &query)
    }

    fn admits(&self, line: &Line) -> bool {
        let has = |search: &str| line.agent.slug.as_str().to_lowercase().contains(search);
        self.search.as_deref().is_none_or(has)
            && self.state.as_deref().is_none_or(|state| line.judged.text("state") == state)
    }
}

pub(crate) async fn show(visit: Visit) -> Result<Response, Problem> {
    let asked = Asked::of(&visit)?;
    let pages = &visit.pages;
    let (agents, today, health) = tokio::try_join!(
        pages.ask(visit.queries.agents(visit.team())),
        visit.sums_of_today(),
        visit.health_with_slots(),
    )?;
    if agents.is_empty() {
        return Ok(start::waiting(&visit, None).live(LIVE_S).waiting().response(&visit));
    }
    // What is deleted has no state. Where a team has more agents than are read, they cannot be distinguished from the rest.
    let agents: Vec<AgentRow> = match &health {
        Some(health) if health.is_whole() => agents.into_iter().filter(|row| health.has(row.slug.as_str())).collect(),
        _ => agents,
    };
    let total = agents.len();
    let counts = health.as_ref().map(Health::counts).unwrap_or_default();
    let is_judged = health.is_some();
    let mut lines = lines(agents, &today, health);
    lines.retain(|line| asked.admits(line));
    asked.order.sort(&mut lines);
    let found = lines.len();
    // There may be fewer pages by now.
    let asked = Asked { page: asked.page.min(found.div_ceil(PAGE_AGENTS).max(1)), ..asked };
    let from = (asked.page - 1).saturating_mul(PAGE_AGENTS).min(found);
    let shown = &lines[from..(from + PAGE_AGENTS).min(found)];
    let body = html! {
        h1 { "Agents" }
        (search(&visit, &asked, &counts))
        div #found {
            p.hint role="status" { (count(found as u64)) " of " (counted(total as u64, "agent")) @if today.is_cut() { "; figures of today are of its latest runs only" } "." }
            (table(&visit, shown, is_judged, &asked))
            @if found == 0 { p.empty { (none(&asked)) } }
            (pager(&visit, &asked, found))
        }
        @if visit.viewer.may_change {
            details {
                summary { "A new agent" }
                (form(&visit, "/new-agent", "Make it", field("new-agent", "agent", "Its name, as it will report it", "")))
                p.hint { "An agent is there by itself once it reports. One that is made before may be given a schedule, checks and routes." }
            }
        }
    };
    Ok(Page::new("Agents", Part::Agents, body).live(LIVE_S).response(&visit))
}

/// What is said where no agent is found.
fn none(asked: &Asked) -> &'static str {
    match (&asked.search, &asked.state) {
        (Some(_), Some(_)) => "No agent has this in its name and this state.",
        (Some(_), None) => "No agent has this in its name.",
        (None, Some(_)) => "No agent is in this state.",
        (None, None) => "There is no agent.",
    }
}

fn search(visit: &Visit, asked: &Asked, counts: &[(&'static str, u64)]) -> Markup {
    let of = |state: &str| counts.iter().find(|(one, _)| *one == state).map_or(0, |(_, agents)| *agents);
    html! {
        form.filters method="get" action=(visit.at("/agents")) role="search" {
            div { label for="q" { "Search" } input #q name="q" type="search" value=(asked.search.as_deref().unwrap_or("")) autocomplete="off"; }
            div {
                label for="state" { "State" }
                select #state name="state" {
                    option value="" { "any" }
                    @for state in STATES { option value=(state) selected[asked.state.as_deref() == Some(state)] { (state) " (" (of(state)) ")" } }
                }
            }
            div {
                label for="sort" { "Order" }
                select #sort name="sort" {
                    @for order in Order::ALL { option value=(order.word()) selected[order == asked.order] { (order.name()) } }
                }
            }
            div.actions { button.primary type="submit" { "Show" } }
        }
    }
}

fn lines(agents: Vec<AgentRow>, sums: &AgentSums, health: Option<Health>) -> Vec<Line> {
    let today = |slug: &str| {
        let sum = sums.of(slug)?;
        Some(Today { runs: sum.runs, failed: sum.failed, cost: sum.cost, status: Some(sum.latest) })
    };
    let mut health = health.unwrap_or_default();
    let line = |agent: AgentRow| Line {
        today: today(agent.slug.as_str()).unwrap_or_default(),
        judged: health.take(agent.slug.as_str()),
        agent,
    };
    agents.into_iter().map(line).collect()
}

fn pager(visit: &Visit, asked: &Asked, found: usize) -> Markup {
    let pages = found.div_ceil(PAGE_AGENTS);
    html! {
        @if pages > 1 {
            nav.pager aria-label="Pages of agents" {
                @if asked.page > 1 { a rel="prev" href=(asked.url(visit, asked.order, asked.page - 1)) { "Before" } }
                span { "Page " (asked.page) " of " (pages) }
                @if asked.page < pages { a rel="next" href=(asked.url(visit, asked.order, asked.page + 1)) { "After" } }
            }
        }
    }
}
