//! The frame of the pages: their menu, and that they renew themselves.

use maud::{Markup, html};
use tidegate_dashboard::look::{ICON, document};

/// The first of the pages.
pub const HOME: &str = "/pipeline";

/// Seconds after which an open page looks again.
const RENEWED_S: u32 = 5;

/// The pages, in the order of the menu.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Here {
    Pipeline,
    Organizations,
    Runs,
    Queue,
    Workers,
    Webhooks,
}

impl Here {
    const ALL: [Here; 6] =
        [Here::Pipeline, Here::Organizations, Here::Runs, Here::Queue, Here::Workers, Here::Webhooks];

    pub const fn path(self) -> &'static str {
        match self {
            Here::Pipeline => HOME,
            Here::Organizations => "/agentgate",
            Here::Runs => "/agentgate/runs",
            Here::Queue => "/agentgate/queue",
            Here::Workers => "/agentgate/workers",
            Here::Webhooks => "/agentgate/webhooks",
        }
    }

    pub const fn title(self) -> &'static str {
        match self {
            Here::Pipeline => "Pipeline",
            Here::Organizations => "Organizations",
            Here::Runs => "Runs",
            Here::Queue => "Queue",
            Here::Workers => "Workers",
            Here::Webhooks => "Webhooks",
        }
    }
}

/// A page of the process.
pub(crate) fn framed(here: Here, body: Markup) -> Markup {
    let bar = html! {
        header.bar {
            a.brand href=(HOME) { img src=(ICON.path) alt="" width="24" height="24"; "Tidegate" }
            nav aria-label="Pages for operators" {
                ul {
                    @for one in Here::ALL {
                        li { a href=(one.path()) aria-current=[(one == here).then_some("page")] { (one.title()) } }
                    }
                }
            }
            div.who { span.tag { "operations" } a href="/metrics" { "metrics" } a href="/readyz" { "readiness" } }
        }
    };
    document(
        &format!("{} · operations", here.title()),
        true,
        html! {
            a.skip href="#main" { "Skip to the page" }
            (bar)
            main #main tabindex="-1" data-live=(RENEWED_S) { (body) }
        },
    )
}
