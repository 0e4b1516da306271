//! Alerts: incidents, open ones first.

use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use crate::layout::{Page, Part};
use crate::parts::incidents::incidents;
use crate::parts::quiet::{self, Quiet};
use crate::parts::value::Members;
use crate::problem::Problem;
use crate::url::with_query;
use crate::visit::Visit;

const PAGE: &str = "50";
const LIVE_S: u32 = 5;

pub(crate) async fn show(visit: Visit) -> Result<Response, Problem> {
    let ask = |status: &'static str, cursor: Option<String>| {
        with_query("/v1/incidents", &[("status", Some(status)), ("limit", Some(PAGE)), ("cursor", cursor.as_deref())])
    };
    let health = visit.health().await?;
    let open = visit.look(&ask("open", None)).await?;
    let resolved = visit.look(&ask("resolved", visit.query("after"))).await?;
    let body = html! {
        h1 { "Alerts" }
        @if let Some(health) = &health { (health.notes(&visit)) }
        @match (&open, &resolved) {
            (None, _) | (_, None) => p.empty { "This server watches no agents." },
            (Some(open), Some(resolved)) => {
                section aria-labelledby="open" {
                    h2 #open { "Open" }
                    @if open.rows("incidents").is_empty() { p.empty { "No incident is open." } } @else { (incidents(&visit, open.rows("incidents"))) }
                }
                section aria-labelledby="resolved" {
                    h2 #resolved { "Resolved" }
                    @if resolved.rows("incidents").is_empty() { p.empty { "None so far." } } @else { (incidents(&visit, resolved.rows("incidents"))) }
                    (older(&visit, resolved))
                }
            }
        }
        @if let Some(health) = &health { (quiet::agents(&visit, health, Quiet::Muted)) }
        p.hint { "Where messages go: " a href=(visit.at("/routes")) { "routes" } ". Mute an agent on its page, and the team under " a href=(visit.at("/guard")) { "guard" } "." }
    };
    let shown = Page::new("Alerts", Part::Alerts, body);
    Ok(if visit.query("after").is_none() { shown.live(LIVE_S) } else { shown }.response(&visit))
}

fn older(visit: &Visit, page: &Value) -> Markup {
    let cursor = page.text("next_cursor");
    html! {
        @if !cursor.is_empty() {
            nav.pager aria-label="Pages of incidents" { a rel="next" href=(with_query(&visit.at("/alerts"), &[("after", Some(cursor))])) { "Older" } }
        }
    }
}
