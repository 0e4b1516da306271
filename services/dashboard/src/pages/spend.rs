//! Spend: what a month's runs cost, and whose they were; the figures of `GET /v1/spend`.

mod days;
mod limits;
mod models;
pub(crate) mod month;

use axum::response::Response;
use maud::{Markup, html};
use tidegate_kernel::{Month, Usd};

use crate::layout::{Page, Part};
use crate::parts::amount::{count, permille, usd};
use crate::parts::bar::bar;
use crate::parts::control::{field, form};
use crate::parts::value::Members;
use crate::problem::Problem;
use crate::url::with_query;
use crate::visit::Visit;
use limits::TeamLimits;
use month::{Exact, Line, MonthView, Rest};

/// Rows of a breakdown that stand open; the others unfold.
const OPEN_ROWS: usize = 15;
/// Rows of a breakdown that are shown; the others are summed.
const SHOWN_ROWS: usize = 75;
/// What the mark of an outlier means.
const COSTLY: &str = "Its runs cost more than three times as much as the month's runs on average";

pub(crate) async fn show(visit: Visit) -> Result<Response, Problem> {
    let asked =
        visit.parsed("month", "be a month written as YYYY-MM, for example 2026-05", |text| text.parse().ok())?;
    let this = Month::of(visit.now);
    let month: Month = asked.unwrap_or(this);
    let path = with_query("/v1/spend", &[("month", Some(&month.to_string()))]);
    let spend: MonthView = visit.read(&path).await?.ok_or(Problem::NotFound)?;
    let limits = TeamLimits::of(&visit).await?;
    let runs = spend.runs();
    let of = OfMonth { visit: &visit, month, spend: &spend };
    let body = html! {
        h1 { "Spend in " (month) }
        (months(&visit, month, this))
        (headline(&spend, runs, &limits, month == this))
        @if runs == 0 { p.empty { "No run began in this month." } }
        (days::days(month, &spend, limits.of_day().as_ref()))
        (of.breakdown("By agent", &Label::AGENT, &spend.by_agent, spend.by_agent_rest))
        (of.breakdown("By customer", &Label::CUSTOMER, &spend.by_customer, spend.by_customer_rest))
        (of.breakdown("By feature", &Label::FEATURE, &spend.by_feature, spend.by_feature_rest))
        (models::models(&spend))
        (unpriced(&visit, &spend))
        (alerts(&visit).await?)
        p.hint { "A run counts in the month (UTC) in which it began, at its cost so far. The same figures: " code { "GET /v1/spend?month=" (month) } "." }
    };
    Ok(Page::new(format!("Spend in {month}"), Part::Spend, body).response(&visit))
}

/// What a breakdown is by, and the filter of runs that its rows lead to.
struct Label {
    column: &'static str,
    filter: &'static str,
}

impl Label {
    const AGENT: Label = Label { column: "Agent", filter: "agent" };
    const CUSTOMER: Label = Label { column: "Customer", filter: "customer_id" };
    const FEATURE: Label = Label { column: "Feature", filter: "feature" };
}

fn months(visit: &Visit, month: Month, this: Month) -> Markup {
    let link = |month: Month| with_query(&visit.at("/spend"), &[("month", Some(&month.to_string()))]);
    let before = Month::from_number(month.number() - 1);
    html! {
        nav.pager aria-label="Months" {
            a rel="prev" href=(link(before)) { (before) }
            span aria-current="page" { (month) }
            @if month < this { a rel="next" href=(link(month.next())) { (month.next()) } }
        }
    }
}

fn headline(spend: &MonthView, runs: u64, limits: &TeamLimits, is_this: bool) -> Markup {
    html! {
        dl.figures {
            div { dt { "Total" } dd { (usd(spend.total_usd.0)) } }
            div {
                dt { "Of successful runs" }
                dd { (usd(spend.successful_usd.0)) }
                dd.note { (bar(permille(spend.successful_usd.0.as_nanos(), spend.total_usd.0.as_nanos()), "good")) }
            }
            @if let Some(each) = &spend.cost_per_successful_run {
                div { dt { "Cost per successful run" } dd { (usd(each.0)) } dd.note { "all that was spent, by the runs that succeeded with their checks passed" } }
            }
            @if is_this { (limits.of_month(spend.total_usd.0)) }
            div { dt { "Runs" } dd { (count(runs)) } }
            div { dt { "Cost per run" } dd { @if runs == 0 { "–" } @else { (per_run(spend.total_usd.0.as_nanos(), runs)) } } }
        }
    }
}

/// Dollars by run, to a hundredth of a cent.
fn per_run(nanos: u64, runs: u64) -> String {
    const NANOS: u64 = 100_000;
    let parts = (nanos / runs.max(1) + NANOS / 2) / NANOS;
    format!("${}.{:04}", parts / 10_000, parts % 10_000)
}

/// A month whose breakdowns are shown.
struct OfMonth<'m> {
    visit: &'m Visit,
    month: Month,
    spend: &'m MonthView,
}

impl OfMonth<'_> {
    fn breakdown(&self, title: &str, label: &Label, rows: &[Line], rest: Option<Rest>) -> Markup {
        let (rows, left_out) = rows.split_at(rows.len().min(SHOWN_ROWS));
        let rest = rest_of(rest, left_out);
        let (open, more) = rows.split_at(rows.len().min(OPEN_ROWS));
        let id = label.filter;
        html! {
            @if !rows.is_empty() {
                section aria-labelledby=(id) {
                    h2 id=(id) { (title) }
                    (self.table(title, label, open, rest.filter(|_| more.is_empty())))
                    @if !more.is_empty() {
                        details {
                            summary {
                                (count(more.len() as u64)) " more"
                                @if !left_out.is_empty() { " of " (count((more.len() + left_out.len()) as u64)) }
                            }
                            (self.table(&format!("{title}, the others"), label, more, rest))
                        }
                    }
                }
            }
        }
    }

    /// The runs of the month with this label.
    fn runs_url(&self, label: &Label, name: &str) -> String {
        let (from, to) = (format!("{}-01", self.month), format!("{}-01", self.month.next()));
        let query = [(label.filter, Some(name)), ("from", Some(&*from)), ("to", Some(&*to))];
        with_query(&self.visit.at("/runs"), &query)
    }

    fn table(&self, title: &str, label: &Label, rows: &[Line], rest: Option<Rest>) -> Markup {
        let total = self.spend.total_usd.0.as_nanos();
        let share = |nanos: u64| permille(nanos, total);
        let average = total / self.spend.runs().max(1);
        html! {
            div.scroll tabindex="0" role="group" aria-label=(title) {
                table.shares {
                    thead {
                        tr {
                            th scope="col" { (label.column) }
                            th.number scope="col" { "Cost" }
                            th.number scope="col" { "Runs" }
                            th.number scope="col" { "Cost per run" }
                            th.wide scope="col" { "Share" }
                        }
                    }
                    tbody {
                        @for row in rows {
                            tr {
                                th scope="row" {
                                    @match &row.name {
                                        Some(name) => a href=(self.runs_url(label, name)) { (name) },
                                        None => em { "unattributed" },
                                    }
                                    @if is_outlier(row.cost_usd.0.as_nanos(), row.runs, average) {
                                        " " span class="status timeout" title=(COSTLY) { "costly runs" }
                                    }
                                }
                                td.number { (usd(row.cost_usd.0)) }
                                td.number { (count(row.runs)) }
                                td.number { (per_run(row.cost_usd.0.as_nanos(), row.runs)) }
                                td.wide { (bar(share(row.cost_usd.0.as_nanos()), "")) }
                            }
                        }
                        @if let Some(rest) = rest.filter(|rest| rest.runs > 0) {
                            tr {
                                th scope="row" { em { "all others" } }
                                td.number { (usd(rest.cost_usd.0)) }
                                td.number { (count(rest.runs)) }
                                td.number { (per_run(rest.cost_usd.0.as_nanos(), rest.runs)) }
                                td.wide { (bar(share(rest.cost_usd.0.as_nanos()), "")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The rows that are not shown, with those that the API leaves out.
fn rest_of(rest: Option<Rest>, left_out: &[Line]) -> Option<Rest> {
    let none = Rest { cost_usd: Exact(Usd::ZERO), runs: 0 };
    let add = |sum: Rest, line: &Line| Rest {
        cost_usd: Exact(sum.cost_usd.0.plus(line.cost_usd.0)),
        runs: sum.runs + line.runs,
    };
    let sum = left_out.iter().fold(rest.unwrap_or(none), add);
    (sum.runs > 0).then_some(sum)
}

/// Whether the runs of a row cost more than three times the average of all, and enough to be looked at.
const fn is_outlier(nanos: u64, runs: u64, average: u64) -> bool {
    const LEAST_NANOS: u64 = 10_000_000;
    runs > 0 && nanos >= LEAST_NANOS && average > 0 && nanos / runs / 3 >= average
}

/// When a day's spend alerts, as it is set.
async fn alerts(visit: &Visit) -> Result<Markup, Problem> {
    let team = visit.look("/v1/team").await?.unwrap_or_default();
    let set = team.get("spend").unwrap_or(&serde_json::Value::Null);
    Ok(html! {
        @if set.is_object() {
            p.hint {
                "An agent's day alerts from $" (set.shown("min_usd")) " on, where it is more than " (set.shown("sigma"))
                " deviations above the mean of its 14 days before."
            }
            @if visit.viewer.may_change {
                details {
                    summary { "Change when a day alerts" }
                    (form(visit, "/spend/alerts", "Save", html! {
                        (field("sigma", "sigma", "Deviations above the mean", &set.shown("sigma")))
                        (field("min_usd", "min_usd", "From how many US dollars on", &set.shown("min_usd")))
                    }))
                }
            }
        }
    })
}

fn unpriced(visit: &Visit, spend: &MonthView) -> Markup {
    html! {
        @if !spend.unpriced.is_empty() {
            section aria-labelledby="unpriced" {
                h2 #unpriced { "Models without a rate" }
                p { "Calls of these models cost 0 here, because the " a href=(visit.at("/rates")) { "rate card" } " does not have them." }
                ul { @for one in &spend.unpriced { li { code { (one.provider) " / " (one.model) } } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_not_shown_are_summed() {
        let usd = |dollars: &str| Exact(Usd::parse(dollars).unwrap());
        let line = |dollars: &str, runs| Line { name: None, cost_usd: usd(dollars), runs };
        let sum = rest_of(Some(Rest { cost_usd: usd("1"), runs: 2 }), &[line("0.5", 3), line("0.25", 1)]).unwrap();
        assert_eq!((sum.cost_usd.0.to_string(), sum.runs), ("1.75".to_owned(), 6));
        assert!(rest_of(None, &[]).is_none());
    }

    #[test]
    fn runs_that_cost_three_times_the_average_stand_out() {
        const DOLLAR: u64 = 1_000_000_000;
        for (cents, runs, expected) in [(300, 1, true), (299, 1, false), (600, 2, true), (0, 0, false)] {
            assert_eq!(is_outlier(cents * DOLLAR / 100, runs, DOLLAR), expected, "{cents} {runs}");
        }
        assert!(!is_outlier(9_000, 1, 1_000), "less than a cent");
    }
}
