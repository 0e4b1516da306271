//! Routes: to whom alerts are sent, how well that goes, and what was sent.

use axum::response::Response;
use http::Method;
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use crate::form::Form;
use crate::layout::{Page, Part};
use crate::pages::incident;
use crate::parts::control::{button, field, form};
use crate::parts::deliveries::delivered;
use crate::parts::pager::{BY_TIME, List, pager};
use crate::parts::time;
use crate::parts::value::Members;
use crate::problem::Problem;
use crate::sign_in::to;
use crate::url::{encoded, with_query};
use crate::visit::Visit;

const DELIVERIES: &str = "20";

pub(crate) async fn show(visit: Visit) -> Result<Response, Problem> {
    let found = visit.look("/v1/routes?limit=200").await?;
    let body = html! {
        h1 { "Routes" }
        p.lead { "Alerts of an agent go to its own routes, or to those of the team." }
        @match &found {
            None => p.empty { "This server sends no alerts." },
            Some(found) => {
                @if found.rows("routes").is_empty() { p.empty { "None: incidents are recorded, and no messages are sent." } }
                @else { (table(&visit, found.rows("routes"))) }
                (new_route(&visit))
                (team_routes(&visit).await?)
            }
        }
    };
    Ok(Page::new("Routes", Part::Routes, body).response(&visit))
}

fn table(visit: &Visit, routes: &[Value]) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="Routes" {
            table {
                thead {
                    tr {
                        th scope="col" { "Name" }
                        th scope="col" { "Kind" }
                        th scope="col" { "Target" }
                        th scope="col" { "State" }
                        th scope="col" { "Last success" }
                        @if visit.viewer.may_change { th scope="col" { span.unseen { "Test" } } }
                    }
                }
                tbody {
                    @for route in routes {
                        @let health = route.get("health").unwrap_or(&Value::Null);
                        tr {
                            th scope="row" { a href=(visit.at(&format!("/routes/{}", encoded(route.text("id"))))) { (route.text("name")) } }
                            td { (route.text("kind")) }
                            td { (route.text("target")) }
                            td { (state(route)) }
                            td { @if let Some(at) = health.instant("last_success_at") { (time::ago(at, visit.now)) } @else { "never" } }
                            @if visit.viewer.may_change { td { (button(visit, &format!("/routes/{}/test", encoded(route.text("id"))), "Test")) } }
                        }
                    }
                }
            }
        }
    }
}

fn state(route: &Value) -> Markup {
    let health = route.get("health").unwrap_or(&Value::Null);
    let class = match health.text("state") {
        "ok" => "success",
        "failing" | "disabled" => "failed",
        _ => "timeout",
    };
    html! {
        span class={ "status " (class) } { (health.text("state")) }
        @if route.get("enabled").and_then(Value::as_bool) == Some(false) { " " span.tag { "off" } }
        @if !health.text("reason").is_empty() { " " span.note { (health.text("reason")) } }
    }
}

/// The routes that agents inherit.
async fn team_routes(visit: &Visit) -> Result<Markup, Problem> {
    let team = visit.look("/v1/team").await?.unwrap_or_default();
    let names: Vec<&str> = team.rows("routes").iter().filter_map(Value::as_str).collect();
    let names = names.join(", ");
    Ok(html! {
        section aria-labelledby="inherited" {
            h2 #inherited { "Routes of the team" }
            @if names.is_empty() { p.empty { "None: agents without routes of their own send no messages." } }
            @else { p { "Agents without routes of their own send their messages to " strong { (names) } "." } }
            @if visit.viewer.may_change {
                details {
                    summary { "Change them" }
                    (form(visit, "/routes/team", "Save", field("team-routes", "routes", "Names, with commas between them", &names)))
                }
            }
        }
    })
}

fn new_route(visit: &Visit) -> Markup {
    html! {
        @if visit.viewer.may_change {
            details {
                summary { "A new route" }
                (form(visit, "/routes/new", "Add", html! {
                    div.filters {
                        (field("name", "name", "Name", ""))
                        div {
                            label for="kind" { "Kind" }
                            select #kind name="kind" { @for one in ["webhook", "slack", "email", "pagerduty"] { option value=(one) { (one) } } }
                        }
                        div {
                            label for="target" { "URL, address or routing key" }
                            input #target name="target" type="password" autocomplete="off" maxlength="2048";
                        }
                        (digest_fields("", ""))
                    }
                }))
                p.hint { "A digest is for mail: at 08:00 of its zone, weekly on Monday, what was down, late, unknown or failed, and what was spent." }
                p.hint { "A new route gets messages once an agent or the team names it." }
            }
        }
    }
}

/// How often a mail route gets a digest, and in which zone.
fn digest_fields(every: &str, timezone: &str) -> Markup {
    html! {
        div.field {
            label for="digest" { "Digest" }
            select #digest name="digest" {
                @for (value, label) in [("", "none"), ("daily", "daily"), ("weekly", "weekly")] {
                    option value=(value) selected[value == every] { (label) }
                }
            }
        }
        (field("digest-timezone", "digest_timezone", "Time zone of the digest", if timezone.is_empty() { "UTC" } else { timezone }))
    }
}

/// `POST …/routes/new`: a route, whose secret is shown this once.
pub(crate) async fn add(visit: Visit, form: Form) -> Result<Response, Problem> {
    let kind = form.field("kind");
    let member = match kind {
        "email" => "to",
        "pagerduty" => "routing_key",
        _ => "url",
    };
    let mut route = Map::new();
    for (name, value) in [("name", form.field("name").trim()), ("kind", kind), (member, form.field("target").trim())] {
        route.insert(name.to_owned(), json!(value));
    }
    if kind == "email" && !form.field("digest").is_empty() {
        route.extend(digest_members(&form));
    }
    let made = visit.send(Method::POST, "/v1/routes", Some(&Value::Object(route))).await?;
    let secret = made.text("secret");
    if secret.is_empty() {
        return Ok(to(&visit.at("/routes")));
    }
    let body = html! {
        h1 { "Route " (made.text("name")) }
        p.alert role="status" { "The secret that messages are signed with is shown this once." }
        (crate::parts::code::code("Secret", secret))
        p { a.button href=(visit.at("/routes")) { "To the routes" } }
    };
    Ok(Page::new("A new route", Part::Routes, body).response(&visit))
}

/// What a form says of a digest; none: both members are unset.
fn digest_members(form: &Form) -> Map<String, Value> {
    let given = |name: &str| Some(form.field(name).trim()).filter(|value| !value.is_empty());
    let every = given("digest");
    let timezone = every.and_then(|_| given("digest_timezone"));
    Map::from_iter([("digest".to_owned(), json!(every)), ("digest_timezone".to_owned(), json!(timezone))])
}

/// `POST …/routes/{id}/digest`.
pub(crate) async fn set_digest(visit: Visit, form: Form) -> Result<Response, Problem> {
    let id = encoded(visit.segment("id")?);
    visit.send(Method::PATCH, &format!("/v1/routes/{id}"), Some(&Value::Object(digest_members(&form)))).await?;
    Ok(to(&visit.at(&format!("/routes/{id}"))))
}

/// `…/routes/{id}`: one route, and what it was sent.
pub(crate) async fn one(visit: Visit) -> Result<Response, Problem> {
    let path = format!("/v1/routes/{}", encoded(visit.segment("id")?));
    let route = visit.look(&path).await?.ok_or(Problem::NotFound)?;
    let cursor = visit.query("after");
    let asked = [("limit", Some(DELIVERIES)), ("cursor", cursor.as_deref())];
    let sent = visit.look(&with_query(&format!("{path}/deliveries"), &asked)).await?.unwrap_or_default();
    let own = format!("/routes/{}", encoded(visit.segment("id")?));
    let list = List {
        name: "Pages of deliveries",
        path: &own,
        heading: "deliveries",
        kept: &[],
        parameter: "after",
        links: BY_TIME,
    };
    let body = html! {
        p.path { a href=(visit.at("/routes")) { "Routes" } }
        h1 { (route.text("name")) " " (state(&route)) }
        dl.facts {
            div { dt { "Kind" } dd { (route.text("kind")) } }
            @if !route.text("target").is_empty() { div { dt { "Target" } dd { (route.text("target")) } } }
            div { dt { "Least severity" } dd { (route.text("min_severity")) } }
            @if !route.text("digest").is_empty() {
                div { dt { "Digest" } dd { (route.text("digest")) " at 08:00, " (route.text("digest_timezone")) } }
            }
            div { dt { "Id" } dd { code { (route.text("id")) } } }
        }
        (button(&visit, &format!("{own}/test"), "Send a test"))
        section aria-labelledby="deliveries" {
            h2 #deliveries { "Deliveries" }
            (totals(&sent))
            @if sent.rows("deliveries").is_empty() { p.empty { "Nothing was sent." } }
            @for delivery in sent.rows("deliveries") { (delivered(&visit, delivery, &html! {})) }
            (pager(&visit, &list, &sent))
        }
        (kept(&visit, &route, &own))
    };
    Ok(Page::new(route.text("name"), Part::Routes, body).response(&visit))
}

/// What changes a route.
fn kept(visit: &Visit, route: &Value, own: &str) -> Markup {
    let is_off = route.get("enabled").and_then(Value::as_bool) == Some(false);
    html! {
        @if visit.viewer.may_change {
            section aria-labelledby="change" {
                h2 #change { "Change the route" }
                @if is_off { (button(visit, &format!("{own}/enable"), "Switch it on")) }
                @else { (button(visit, &format!("{own}/disable"), "Switch it off")) }
                @if route.text("kind") == "webhook" {
                    (button(visit, &format!("{own}/secret"), "Make another secret"))
                    p.hint { "For a day messages are signed with both secrets, so that a receiver may change over." }
                }
                @if route.text("kind") == "email" {
                    (form(visit, &format!("{own}/digest"), "Set the digest", digest_fields(route.text("digest"), route.text("digest_timezone"))))
                }
                (button(visit, &format!("{own}/delete"), "Delete the route"))
            }
        }
    }
}

/// `POST …/routes/{id}/secret`: another secret, which is shown this once.
pub(crate) async fn rotate_secret(visit: Visit, _: Form) -> Result<Response, Problem> {
    let id = encoded(visit.segment("id")?);
    let made = visit.send(Method::POST, &format!("/v1/routes/{id}/rotate-secret"), None).await?;
    let body = html! {
        h1 { "Another secret" }
        p.alert role="status" { "The secret that messages are signed with is shown this once." }
        (crate::parts::code::code("Secret", made.text("secret")))
        @if let Some(until) = made.instant("previous_until") { p { "The one before works until " (time::stamped(until)) "." } }
        p { a.button href=(visit.at(&format!("/routes/{id}"))) { "To the route" } }
    };
    Ok(Page::new("Another secret", Part::Routes, body).response(&visit))
}

fn totals(sent: &Value) -> Markup {
    let totals = sent.get("totals").unwrap_or(&Value::Null);
    html! {
        @if totals.is_object() {
            dl.facts { @for name in ["made", "sent", "waiting", "failed", "muted"] { div { dt { (name) } dd { (totals.shown(name)) } } } }
        }
    }
}

/// `POST …/routes/{id}/test`: one try, and what came of it.
pub(crate) async fn test(visit: Visit, _: Form) -> Result<Response, Problem> {
    let id = encoded(visit.segment("id")?);
    let tried = visit.send(Method::POST, &format!("/v1/routes/{id}/test"), None).await?;
    let body = html! {
        h1 { "Test of a route" }
        p.alert role="status" {
            @if tried.flag("ok") { "The message was accepted" } @else { "The message was not accepted" }
            @if !tried.shown("status").is_empty() { ", with status " (tried.shown("status")) }
            ", after " (tried.shown("took_ms")) " ms."
        }
        @if !tried.text("error").is_empty() { p { (tried.text("error")) } }
        p { a.button href=(visit.at(&format!("/routes/{id}"))) { "To the route" } }
    };
    Ok(Page::new("Test of a route", Part::Routes, body).response(&visit))
}

/// `POST …/routes/{id}/delete`.
pub(crate) async fn delete(visit: Visit, _: Form) -> Result<Response, Problem> {
    let id = encoded(visit.segment("id")?);
    visit.send(Method::DELETE, &format!("/v1/routes/{id}"), None).await?;
    Ok(to(&visit.at("/routes")))
}

/// `POST …/deliveries/{id}/resend`: leads back to the incident, or to the route.
pub(crate) async fn resend(visit: Visit, sent: Form) -> Result<Response, Problem> {
    let id = encoded(visit.segment("id")?);
    let again = visit.send(Method::POST, &format!("/v1/deliveries/{id}/resend"), None).await?;
    let route = match again.text("route") {
        "" => visit.at("/routes"),
        route => visit.at(&format!("/routes/{}", encoded(route))),
    };
    Ok(to(&incident::sent_from(&visit, &sent).unwrap_or(route)))
}
