//! The page of the pipeline: the figures of this process, and which of them ask for a look.

mod row;

use maud::{Markup, html};
use tidegate_dashboard::look::{span, stamped};
use tidegate_kernel::Timestamp;

use crate::figures::{BUILD, SECTIONS, Section};
use crate::frame::{Here, framed};
use crate::samples::Samples;
use crate::window::Window;
use row::{Row, rows};

/// What the page is made of.
pub(crate) struct View<'v> {
    /// Where the process is and which servers it uses.
    pub about: &'v [(&'static str, String)],
    /// Why the process is not ready.
    pub reasons: &'v [String],
    pub samples: &'v Samples,
    pub window: &'v Window,
    pub now: Timestamp,
    /// Time that no one sets.
    pub steady: Timestamp,
}

impl View<'_> {
    pub fn page(&self) -> Markup {
        let sections: Vec<(&Section, Vec<Row>)> =
            SECTIONS.iter().map(|section| (section, rows(self, section))).collect();
        let (known, unknown): (Vec<_>, Vec<_>) = sections.iter().partition(|(_, rows)| !rows.is_empty());
        framed(
            Here::Pipeline,
            html! {
                h1 { "Pipeline" }
                (self.about())
                (attention(self.reasons, &known))
                @for (section, rows) in &known { (table(section, rows, self.recent())) }
                @if !unknown.is_empty() {
                    section #elsewhere {
                        h2 { "Not known by this process" }
                        ul {
                            @for (section, _) in &unknown { li { (section.title) ": see the operations port of " (section.known_by) "." } }
                        }
                    }
                }
            },
        )
    }

    /// Over which time the rises are.
    fn recent(&self) -> String {
        match self.window.span_ms(self.steady) {
            Some(ms) => format!("Last {}", span(ms.div_ceil(1_000) * 1_000)),
            None => "Lately".to_owned(),
        }
    }

    /// What runs where: this process, and the servers it uses.
    fn about(&self) -> Markup {
        let ready = self.reasons.is_empty();
        html! {
            dl.facts {
                @for build in self.samples.of(BUILD) {
                    div { dt { "Role" } dd { (build.label("role")) } }
                    div { dt { "Version" } dd { (build.label("version")) } }
                }
                div {
                    dt { "State" }
                    dd { span class={ "status " (if ready { "success" } else { "failed" }) } { (if ready { "ready" } else { "not ready" }) } }
                }
                @for (name, value) in self.about { div { dt { (name) } dd { (value) } } }
                div { dt { "As of" } dd { (stamped(self.now)) } }
            }
        }
    }
}

/// What is not as it should be, first.
fn attention(reasons: &[String], known: &[&(&Section, Vec<Row>)]) -> Markup {
    let off = known.iter().flat_map(|(section, rows)| {
        rows.iter().filter(|row| row.is_off).map(move |row| (section.id, section.title, row))
    });
    let off: Vec<_> = off.collect();
    html! {
        section #attention {
            h2 { "Needs a look" }
            @if off.is_empty() && reasons.is_empty() {
                p.empty { "Nothing, by what this process knows." }
            } @else {
                ul.alert.bad {
                    @for reason in reasons { li { "Not ready: " (reason) } }
                    @for (id, title, row) in off {
                        li { a href={ "#" (id) } { (title) } ": " (row.what) " " (row.value) @if let Some(recent) = &row.recent { " (lately " (recent) ")" } }
                    }
                }
                p.note { "What each alert means and what to do is in docs/runbook.md." }
            }
        }
    }
}

fn table(section: &Section, rows: &[Row], recent: String) -> Markup {
    html! {
        section id=(section.id) {
            h2 { (section.title) }
            div.scroll tabindex="0" role="group" aria-label=(section.title) {
                table.pipeline {
                    thead { tr { th scope="col" { "Figure" } th.number scope="col" { "Now or in all" } th.number scope="col" { (recent) } th scope="col" { "State" } } }
                    tbody {
                        @for row in rows {
                            tr {
                                th scope="row" title=(row.metric) { (row.what) }
                                td.number { (row.value) }
                                td.number { @if let Some(recent) = &row.recent { (recent) } }
                                td { @if row.is_judged { span class={ "status " (if row.is_off { "failed" } else { "success" }) } { (if row.is_off { "look" } else { "ok" }) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}
