//! Runs: the filters of `GET /v1/runs`, page by page.

mod checked;

use axum::response::Response;
use maud::{Markup, html};
use tidegate_agentping::{RunId, RunStatus, Slug};
use tidegate_agentping_ports::RunFilter;
use tidegate_kernel::Timestamp;

use crate::layout::{Page, Part};
use crate::parts::runs_table::runs_table;
use crate::problem::Problem;
use crate::url::with_query;
use crate::visit::Visit;

const PAGE_RUNS: usize = 50;
/// The filters' names in the query.
const FILTERS: [&str; 7] = ["agent", "status", "customer_id", "feature", "checks", "from", "to"];
/// A label's length as ingest takes it (AgentPing: string lengths).
const MAX_LABEL_CHARS: usize = 256;
/// A run is on the page within a second (AC-73).
const LIVE_S: u32 = 1;

pub(crate) async fn show(visit: Visit) -> Result<Response, Problem> {
    let filter = filter_of(&visit)?;
    let after = visit.parsed("after", "be the end of a page, as its link has it", place)?;
    let checked = visit.parsed("checks", "be passed or failed", |text| {
        Some(text).filter(|text| ["passed", "failed"].contains(text)).map(str::to_owned)
    })?;
    let (page, next) = match checked {
        Some(outcome) => checked::page(&visit, &outcome, PAGE_RUNS).await?,
        None => {
            let page = visit.runs(&filter, after, PAGE_RUNS).await?;
            let last = page.runs.last().filter(|_| page.more);
            let next = last.map(|last| format!("{}-{}", last.listed_at.as_millis(), last.id));
            (page, next.map(|next| ("after", next)))
        }
    };
    let is_later = after.is_some() || visit.query("cursor").is_some();
    let body = html! {
        h1 { "Runs" }
        (filters(&visit))
        @if page.runs.is_empty() {
            p.empty { (none(&visit, is_later, next.is_some())) }
        } @else {
            (runs_table(&visit, &page.runs, "Runs", false, visit.now))
        }
        (pager(&visit, is_later, next.as_ref().map(|(name, value)| (*name, value.as_str()))))
    };
    let shown = Page::new("Runs", Part::Runs, body);
    Ok(if !is_later { shown.live(LIVE_S) } else { shown }.response(&visit))
}

/// What is said where a page has no run.
fn none(visit: &Visit, is_later: bool, has_next: bool) -> Markup {
    let is_filtered = FILTERS.iter().any(|name| visit.query(name).is_some());
    html! {
        @if has_next { "None of the runs that were looked at passes these filters; older ones may." }
        @else if is_later { "No further runs." }
        @else if is_filtered { "No run passes these filters." }
        @else { "No run has arrived yet: " a href=(visit.at("/start")) { "what to send" } "." }
    }
}

fn filter_of(visit: &Visit) -> Result<RunFilter, Problem> {
    let label = |text: &str| (1..=MAX_LABEL_CHARS).contains(&text.chars().count()).then(|| text.to_owned());
    const LABEL: &str = "have 1 to 256 characters";
    const INSTANT: &str = "be a date such as 2026-05-15, or a time such as 2026-05-15T14:30 (UTC)";
    Ok(RunFilter {
        agent: visit.parsed("agent", "be 1 to 128 characters of printable text", |text| Slug::parse(text).ok())?,
        status: visit.parsed("status", "be one of running, success, failed, timeout, cancelled", RunStatus::parse)?,
        customer_id: visit.parsed("customer_id", LABEL, label)?,
        feature: visit.parsed("feature", LABEL, label)?,
        from: visit.parsed("from", INSTANT, instant)?,
        to: visit.parsed("to", INSTANT, instant)?,
    })
}

/// An instant as people and browsers write it; without an offset in UTC.
fn instant(text: &str) -> Option<Timestamp> {
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        19 => format!("{text}Z"),
        _ => text.to_owned(),
    };
    Timestamp::parse(&whole).or_else(|_| Timestamp::parse(text)).ok()
}

/// A place of the listing: milliseconds, a dash, and the id of a run.
fn place(text: &str) -> Option<(Timestamp, RunId)> {
    let (millis, run) = text.rsplit_once('-')?;
    Some((Timestamp::from_millis(millis.parse().ok()?), RunId::parse(run).ok()?))
}

fn filters(visit: &Visit) -> Markup {
    let value = |name: &str| visit.query(name).unwrap_or_default();
    let status = value("status");
    html! {
        form.filters method="get" action=(visit.at("/runs")) aria-label="Filters" {
            div { label for="agent" { "Agent" } input #agent name="agent" value=(value("agent")) maxlength="128" autocomplete="off"; }
            div {
                label for="status" { "Status" }
                select #status name="status" {
                    option value="" { "any" }
                    @for one in RunStatus::ALL { option value=(one) selected[one.as_str() == status] { (one) } }
                }
            }
            div { label for="customer_id" { "Customer" } input #customer_id name="customer_id" value=(value("customer_id")) maxlength="256" autocomplete="off"; }
            div { label for="feature" { "Feature" } input #feature name="feature" value=(value("feature")) maxlength="256" autocomplete="off"; }
            div {
                label for="checks" { "Checks" }
                select #checks name="checks" {
                    option value="" { "any" }
                    @for one in ["passed", "failed"] { option value=(one) selected[value("checks") == one] { (one) } }
                }
            }
            div { label for="from" { "From (UTC)" } input #from name="from" value=(value("from")) placeholder="2026-05-15T00:00" autocomplete="off"; }
            div { label for="to" { "Until (UTC)" } input #to name="to" value=(value("to")) placeholder="2026-05-16T00:00" autocomplete="off"; }
            div.actions { button.primary type="submit" { "Filter" } a href=(visit.at("/runs")) { "Clear" } }
        }
    }
}

fn pager(visit: &Visit, is_later: bool, next: Option<(&str, &str)>) -> Markup {
    let values: Vec<(&str, Option<String>)> = FILTERS.into_iter().map(|name| (name, visit.query(name))).collect();
    let link = |next: Option<(&str, &str)>| {
        let mut query: Vec<(&str, Option<&str>)> =
            values.iter().map(|(name, value)| (*name, value.as_deref())).collect();
        query.extend(next.map(|(name, value)| (name, Some(value))));
        with_query(&visit.at("/runs"), &query)
    };
    html! {
        @if is_later || next.is_some() {
            nav.pager aria-label="Pages of runs" {
                @if is_later { a href=(link(None)) { "Newest" } }
                @if next.is_some() { a rel="next" href=(link(next)) { "Older" } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_as_browsers_do() {
        for (text, read) in [
            ("2026-05-15", Some("2026-05-15T00:00:00.000Z")),
            ("2026-05-15T14:30", Some("2026-05-15T14:30:00.000Z")),
            ("2026-05-15T14:30:05", Some("2026-05-15T14:30:05.000Z")),
            ("2026-05-15T14:30:05+02:00", Some("2026-05-15T12:30:05.000Z")),
            ("yesterday", None),
            ("2026-13-01", None),
        ] {
            assert_eq!(instant(text).map(|at| at.to_string()).as_deref(), read, "{text}");
        }
    }

    #[test]
    fn a_place_is_a_time_and_a_run() {
        let run = format!("run_eu_{}", "0a".repeat(16));
        assert_eq!(place(&format!("-5-{run}")).map(|(at, _)| at.as_millis()), Some(-5));
        for bad in ["", "5", &format!("x-{run}"), "5-run_eu_1"] {
            assert_eq!(place(bad), None, "{bad}");
        }
    }
}
