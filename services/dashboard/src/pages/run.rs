//! A run: what became of it, its place among others, and its events page by page, however many there are.

mod checks;
mod events;
mod receipt;
mod tree;

use axum::response::Response;
use maud::{Markup, html};
use tidegate_agentping::run::ClockSkew;
use tidegate_agentping::{EventId, Run, RunId};
use tidegate_agentping_ports::{EventPage, EventRow, EventsPage};
use tidegate_control::{ModelCost, ModelCosts};
use tidegate_kernel::{SmolStr, Timestamp};

use crate::layout::{Page, Part};
use crate::parts::amount::{count, counted, usd};
use crate::parts::{json, status, time};
use crate::problem::Problem;
use crate::url::with_query;
use crate::visit::Visit;
use events::timeline;

/// Errors of a page that are linked.
const ERRORS: usize = 5;
/// Events on one page: a page is to stay below 150 kB.
const PAGE_EVENTS: usize = 80;
/// Bytes of a page of events; it ends with the event that reaches them.
const PAGE_BYTES: usize = 256 << 10;
/// A run is on the page within a second (AC-73).
const LIVE_S: u32 = 1;

pub(crate) async fn show(visit: Visit) -> Result<Response, Problem> {
    let id = visit.run()?;
    let after = visit.parsed("after", "be the id of an event", |text| EventId::parse(text).ok())?;
    let pages = &visit.pages;
    let key = visit.key_of(id);
    let run = pages.ask(visit.queries.run(key)).await?.ok_or(Problem::NotFound)?;
    let Some(opening) = run.opening() else { return Err(Problem::NotFound) };
    let page = EventPage { after, limit: PAGE_EVENTS, max_bytes: PAGE_BYTES };
    let (mut events, related, checked) = tokio::try_join!(
        pages.ask(visit.queries.events(key, &page)),
        tree::related(&visit, id, &run),
        checks::results(&visit, id),
    )?;
    let next = events.rows.last().filter(|_| events.more).map(|row| row.event.id);
    events.rows.sort_by_key(|row| (row.event.ts, row.event.id));
    let is_whole = after.is_none() && next.is_none();
    let title = format!("Run of {}", opening.start.agent);
    let body = html! {
        p.path {
            a href=(visit.agent_url(opening.start.agent.as_str())) { (opening.start.agent) }
            " / " a href=(with_query(&visit.at("/runs"), &[("agent", Some(opening.start.agent.as_str()))])) { "Runs" }
        }
        h1.run-title { code.id { (id) } " " (status::status(run.status_at(visit.now))) @if run.errored { " " (status::errored()) } }
        @if let Some(goal) = &opening.start.goal { p.lead { (goal) } }
        (figures(&run, visit.now))
        (notes(&run, visit.now))
        (related)
        section aria-labelledby="timeline" {
            h2 #timeline { "Timeline" }
            @if events.rows.is_empty() {
                p.empty { @if after.is_some() { "No further events." } @else { "The run has no events." } }
            } @else {
                (errors(&events.rows))
                (timeline(&run, &events.rows, visit.now))
            }
            (pager(&visit, id, &run, after.is_some(), next, events.rows.len()))
        }
        (checked)
        (models(&events, is_whole))
        (carried(&run))
        (receipt::receipt(&run))
        p { a.button href=(format!("{}/json", visit.run_url(id))) download=(format!("{id}.json")) { "The whole run as JSON" } }
    };
    let shown = Page::new(title, Part::Runs, body);
    // A run that is finished may still get events for a while.
    let is_moving = run.finished_at(visit.now).is_none_or(|_| visit.now.millis_since(run.last_received) < 60_000);
    Ok(if after.is_none() && is_moving { shown.live(LIVE_S) } else { shown }.response(&visit))
}

/// Links to the events of the page that reported an error, so that they are found among many.
fn errors(rows: &[EventRow]) -> Markup {
    let errored: Vec<&EventRow> = rows.iter().filter(|row| row.event.errored).collect();
    html! {
        @if !errored.is_empty() {
            nav.pager aria-label="Errors" {
                span class="status failed" { (counted(errored.len() as u64, "error")) }
                @for row in errored.iter().take(ERRORS) { a href=(format!("#{}", row.event.id)) { (row.event.kind) " at " (time::clock(row.event.ts)) } }
                @if errored.len() > ERRORS { span { (errored.len() - ERRORS) " more" } }
            }
        }
    }
}

fn figures(run: &Run, now: Timestamp) -> Markup {
    let opening = run.opening();
    let started_at = opening.map(|opening| opening.start.started_at);
    let tokens = |figure: Option<u64>| figure.map_or_else(|| "–".to_owned(), count);
    let (input, output) = (run.reported(|one| one.input_tokens), run.reported(|one| one.output_tokens));
    html! {
        dl.figures {
            div { dt { "Started" } @if let Some(at) = started_at { dd { (time::ago(at, now)) } dd.note { (time::exact(at)) } } }
            div {
                dt { "Duration" }
                dd { @match run.duration_ms(now) { Some(ms) => (time::span(ms)), None => "–" } }
                @if let Some(at) = run.finished_at(now) { dd.note { "ended " (time::exact(at)) } }
            }
            div { dt { "Cost" } dd { (usd(run.cost())) } }
            div { dt { "Events" } dd { (count(run.events)) } }
            @if input.is_some() || output.is_some() {
                div { dt { "Tokens reported" } dd { (tokens(input)) " in, " (tokens(output)) " out" } }
            }
        }
        dl.facts {
            @if let Some(start) = opening.map(|opening| &opening.start) {
                (fact("Customer", start.customer_id.as_ref()))
                (fact("Feature", start.feature.as_ref()))
                @if let Some(idle) = start.idle {
                    div { dt { "Closed by silence" } dd { "after " (time::span(u64::from(idle.timeout_s) * 1_000)) ", as " (tidegate_agentping::RunStatus::from(idle.status)) } }
                }
            }
        }
    }
}

fn fact(name: &str, value: Option<&SmolStr>) -> Markup {
    html! { @if let Some(value) = value { div { dt { (name) } dd { (value) } } } }
}

/// What a reader should know before the figures are believed.
fn notes(run: &Run, now: Timestamp) -> Markup {
    let repeats = run.finish.as_ref().and_then(|finish| finish.repeats.as_ref());
    html! {
        @if run.ends_before_start(now) { p.alert role="note" { "It ends before it starts: the clocks that dated them disagree." } }
        @match run.clock_skew() {
            Some(ClockSkew::Ahead) => p.alert role="note" { "The client's clock was more than a day ahead; lists and spend go by when the run was received." },
            Some(ClockSkew::Behind) => p.alert role="note" { "The client's clock was more than 400 days behind; lists and spend go by when the run was received." },
            None => {}
        }
        @if let Some(repeats) = repeats {
            p.alert role="note" {
                "The run was closed again " (count(repeats.times)) " times after its end, last " (time::ago(repeats.last_received_at, now))
                ": its id may be in use twice. The first closing stands."
            }
        }
        @if run.conflicted { p.alert role="note" { "A record contradicted what was stored first of this run, and was not applied." } }
    }
}

fn pager(visit: &Visit, id: RunId, run: &Run, is_later: bool, next: Option<EventId>, shown: usize) -> Markup {
    let url = visit.run_url(id);
    html! {
        @if is_later || next.is_some() {
            p.hint { (count(shown as u64)) " of " (count(run.events)) " events, in the order of their ids." }
            nav.pager aria-label="Pages of events" {
                @if is_later { a href=(url) { "First events" } }
                @if let Some(next) = next { a rel="next" href=(with_query(&url, &[("after", Some(&next.to_string()))])) { "Next events" } }
            }
        }
    }
}

fn models(events: &EventsPage, is_whole: bool) -> Markup {
    let mut costs = ModelCosts::default();
    events.rows.iter().for_each(|row| costs.add(row));
    let rows: Vec<ModelCost> = costs.rows();
    html! {
        @if !rows.is_empty() {
            section aria-labelledby="models" {
                h2 #models { "Cost by model" @if !is_whole { " of these events" } }
                div.scroll tabindex="0" role="group" aria-label="Cost by model" {
                    table {
                        thead { tr { th scope="col" { "Provider" } th scope="col" { "Model" } th.number scope="col" { "Calls" } th.number scope="col" { "Cost" } } }
                        tbody {
                            @for row in &rows {
                                tr {
                                    td { (row.provider) }
                                    th scope="row" { (row.model) @if row.unpriced > 0 { " " span.tag { "no rate for " (count(row.unpriced)) } } }
                                    td.number { (count(row.calls)) }
                                    td.number { (usd(row.cost_usd)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Output, metadata and scores.
fn carried(run: &Run) -> Markup {
    let scores = run.finish.as_ref().and_then(|finish| finish.scores.clone());
    let parts = [("Output", run.output(), true), ("Metadata", run.metadata(), true), ("Scores", scores, true)];
    html! {
        @for (name, value, open) in parts {
            @if let Some(value) = value {
                details.carried open[open] { summary { (name) } (json::json(&value)) }
            }
        }
    }
}
