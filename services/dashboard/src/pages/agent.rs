//! An agent: how it is watched, its latest runs, what it did day by day, what it cost this month, its ping tokens, and how to report for it.

mod days;
mod settings;
mod tokens;
mod watched;

use std::sync::Arc;

use axum::response::Response;
use maud::{Markup, html};
use tidegate_agentping_ports::{AgentRow, RunFilter, SPEND_ROWS_MAX, SpendRow};
use tidegate_kernel::{Month, Timestamp};

use crate::layout::{Page, Part};
use crate::month_spend::SpendOfAgents;
use crate::pages::start::PLACEHOLDER;
use crate::pages::ways::{Reporter, ways};
use crate::parts::amount::{count, usd};
use crate::parts::runs_table::runs_table;
use crate::parts::time;
use crate::problem::Problem;
use crate::sign_in::to;
use crate::url::with_query;
use crate::visit::Visit;
use watched::Watched;

const RUNS: usize = 20;
const LIVE_S: u32 = 2;

pub(crate) async fn show(visit: Visit) -> Result<Response, Problem> {
    let slug = visit.agent()?;
    let pages = &visit.pages;
    let filter = RunFilter { agent: Some(slug.clone()), ..RunFilter::default() };
    let (agents, names, runs, spend, by_day, watched, tokens) = tokio::try_join!(
        pages.ask(visit.queries.agents(visit.team())),
        pages.ask(visit.names.get()),
        visit.runs(&filter, None, RUNS),
        spend_of_agents(&visit),
        visit.agent_days(&slug),
        Watched::of(&visit, &slug),
        tokens::section(&visit, &slug),
    )?;
    let Some(agent) = agents.into_iter().find(|agent| agent.slug == slug) else {
        // It may have been renamed, and no other agent has had its name since.
        let renamed = names.renamed_to(&slug).ok_or(Problem::NotFound)?;
        return Ok(to(&visit.agent_url(renamed.as_str())));
    };
    let spent = spend.row(names.key(&slug));
    let body = html! {
        p.path { a href=(visit.at("/agents")) { "Agents" } }
        h1 { (slug) (watched.mark()) @if agent.is_archived() { " " span.tag { "archived" } } }
        (watched.description())
        @if agent.is_archived() {
            p.alert role="note" {
                "It was deleted or archived, and nothing has come from it since. It is there again once it reports again."
            }
        }
        (facts(&agent, spent, spend.are_others, visit.now))
        section aria-labelledby="runs" {
            h2 #runs { "Runs" }
            @if runs.runs.is_empty() {
                p.empty { "No run of it has arrived yet." }
            } @else {
                (runs_table(&visit, &runs.runs, "Runs", true, visit.now))
                @if runs.more { p { a href=(with_query(&visit.at("/runs"), &[("agent", Some(slug.as_str()))])) { "All its runs" } } }
            }
        }
        (days::section(&by_day))
        (watched.sections(&visit, &slug))
        section aria-labelledby="report" {
            h2 #report { "Report for it" }
            (ways(&visit, &Reporter::of(slug.as_str(), PLACEHOLDER)))
        }
        (tokens)
        (watched.settings(&visit, &slug))
    };
    Ok(Page::new(slug.as_str(), Part::Agents, body).live(LIVE_S).response(&visit))
}

/// What the team's agents cost this month, as it was a short while ago at most. It takes a pass over the month's runs, and
/// the page is renewed every two seconds.
async fn spend_of_agents(visit: &Visit) -> Result<Arc<SpendOfAgents>, Problem> {
    let (pages, team, month) = (&visit.pages, visit.team(), Month::of(visit.now));
    let ask = async {
        let spend = pages.ask(pages.by_key.spend(team, month, visit.now)).await?;
        Ok::<_, Problem>(SpendOfAgents::of(spend))
    };
    pages.kept(&pages.month_spend, (team, month), ask).await
}

/// `are_others`: the month has agents without a sum of their own.
fn facts(agent: &AgentRow, spent: Option<&SpendRow>, are_others: bool, now: Timestamp) -> Markup {
    let is_unknown = spent.is_none() && are_others;
    html! {
        dl.figures {
            div { dt { "Last run" } dd { @match agent.last_seen { Some(at) => (time::ago(at, now)), None => "never" } } }
            div { dt { "First seen" } dd { (time::ago(agent.first_seen, now)) } }
            @if is_unknown {
                div {
                    dt { "Cost this month" }
                    dd { "–" }
                    dd.note { "not among the " (count(SPEND_ROWS_MAX as u64)) " agents that cost most" }
                }
            } @else {
                div { dt { "Runs this month" } dd { (count(spent.map_or(0, |row| row.runs))) } }
                div { dt { "Cost this month" } dd { (usd(spent.map(|row| row.cost).unwrap_or_default())) } }
            }
        }
        dl.facts { div { dt { "Id" } dd { code { (agent.id) } } } }
    }
}
