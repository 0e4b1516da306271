//! One incident: what opened it, the slots or runs in it, what changed when, what resolved it, and the messages about it.

mod changes;
mod inside;

use std::collections::HashMap;

use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;
use tidegate_agentping::RunId;

use crate::form::Form;
use crate::layout::{Page, Part};
use crate::parts::amount::{count, counted};
use crate::parts::control::{field, form, hours};
use crate::parts::deliveries::delivered;
use crate::parts::time;
use crate::parts::value::Members;
use crate::problem::Problem;
use crate::url::encoded;
use crate::visit::Visit;
use inside::Inside;

/// Messages that are shown; the API gives the newest 200.
const MESSAGES: usize = 20;
const LIVE_S: u32 = 5;
/// The field by which a form says that it is on the page of this incident.
const FROM: &str = "incident";

/// `…/incidents/{id}`.
pub(crate) async fn show(visit: Visit) -> Result<Response, Problem> {
    let path = format!("/v1/incidents/{}", encoded(visit.segment("id")?));
    let incident = visit.look(&path).await?.ok_or(Problem::NotFound)?;
    let (inside, routes) = tokio::try_join!(Inside::of(&visit, &incident), route_names(&visit))?;
    let is_open = incident.text("status") == "open";
    let agent = incident.text("agent");
    let body = html! {
        p.path { a href=(visit.at("/alerts")) { "Alerts" } " / " a href=(visit.agent_url(agent)) { (agent) } }
        h1 {
            (incident.text("kind")) " "
            span class={ "status " (if is_open { "failed" } else { "success" }) } { (incident.text("status")) }
            @if incident.flag("muted") { " " span.tag { "muted" } }
        }
        (figures(&visit, &incident))
        section aria-labelledby="cause" {
            h2 #cause { "What opened it" }
            (inside.cause(&visit, &incident))
        }
        @if !is_open {
            section aria-labelledby="end" {
                h2 #end { "What resolved it" }
                (inside.end(&visit, &incident))
            }
        }
        section aria-labelledby="changes" {
            h2 #changes { "What changed" }
            (changes::changes(&incident, inside.slots()))
        }
        (inside.sections(&visit, &incident))
        (messages(&visit, &incident, &routes))
        (quiet(&visit, &incident))
    };
    let shown = Page::new(format!("{} of {agent}", incident.text("kind")), Part::Alerts, body);
    Ok(if is_open { shown.live(LIVE_S) } else { shown }.response(&visit))
}

/// The page of the incident that a form was on, to lead back to; `None` for a form of another page.
pub(crate) fn sent_from(visit: &Visit, form: &Form) -> Option<String> {
    let id = form.field(FROM);
    (!id.is_empty()).then(|| visit.incident_url(id))
}

/// The hidden field that [`sent_from`] reads.
fn from(incident: &Value) -> Markup {
    html! { input type="hidden" name=(FROM) value=(incident.text("id")); }
}

/// The names of the team's routes by their ids: of all of them, as a team has no more than one page.
async fn route_names(visit: &Visit) -> Result<HashMap<String, String>, Problem> {
    let found = visit.look("/v1/routes?limit=200").await?.unwrap_or_default();
    let name = |route: &Value| (route.text("id").to_owned(), route.text("name").to_owned());
    Ok(found.rows("routes").iter().map(name).collect())
}

fn figures(visit: &Visit, incident: &Value) -> Markup {
    let (opened, resolved) = (incident.instant("opened_at"), incident.instant("resolved_at"));
    html! {
        dl.figures {
            div { dt { "Severity" } dd { (incident.text("severity")) } }
            div {
                dt { "Opened" }
                @if let Some(at) = opened { dd { (time::ago(at, visit.now)) } dd.note { (time::exact(at)) } }
            }
            div {
                dt { "Resolved" }
                @match resolved { Some(at) => { dd { (time::ago(at, visit.now)) } dd.note { (time::exact(at)) } } None => dd { "–" } }
            }
            @if let Some(opened) = opened {
                div { dt { "Lasted" } dd { (time::span(resolved.unwrap_or(visit.now).millis_since(opened))) } }
            }
            div { dt { "Slots or runs in it" } dd { (count(incident.number("count").unwrap_or(1))) } }
        }
        dl.facts { div { dt { "Id" } dd { code.id { (incident.text("id")) } } } }
    }
}

/// A run as a link; nothing for what is no run's id.
fn run_link(visit: &Visit, run: &str) -> Markup {
    html! { @if let Ok(run) = RunId::parse(run) { a.id href=(visit.run_url(run)) { (run) } } }
}

fn messages(visit: &Visit, incident: &Value, routes: &HashMap<String, String>) -> Markup {
    let all = incident.rows("deliveries");
    let fields = from(incident);
    html! {
        section aria-labelledby="messages" {
            h2 #messages { "Messages" }
            @if all.is_empty() { p.empty { "None were made: the agent had no route, or they were made more than 90 days ago." } }
            @for message in all.iter().take(MESSAGES) {
                @let id = message.text("route");
                p.hint {
                    "To "
                    @match routes.get(id) {
                        Some(name) => a href=(visit.at(&format!("/routes/{}", encoded(id)))) { (name) },
                        None => { code.id { (id) } ", a route that is deleted" }
                    }
                }
                (delivered(visit, message, &fields))
            }
            @if all.len() > MESSAGES { p.hint { (counted((all.len() - MESSAGES) as u64, "older message")) " are on the pages of their routes." } }
        }
    }
}

/// The form that mutes the agent, or ends it.
fn quiet(visit: &Visit, incident: &Value) -> Markup {
    let path = format!("/agents/{}", encoded(incident.text("agent")));
    html! {
        @if visit.viewer.may_change && !incident.text("agent").is_empty() {
            section aria-labelledby="quiet" {
                h2 #quiet { "Mute the agent" }
                @if incident.flag("muted") {
                    p { "Messages of the agent, or of the whole team, are muted: incidents are recorded, and nothing is sent." }
                    (form(visit, &format!("{path}/unmute"), "Unmute the agent", from(incident)))
                } @else {
                    (form(visit, &format!("{path}/mute"), "Mute", html! { (from(incident)) (hours("hours")) (field("reason", "reason", "Reason", "")) }))
                }
            }
        }
    }
}
