//! Guard: the rules with what is spent against their limits, what they blocked, and pauses of the team.

mod blocked;
mod spent;

use axum::response::Response;
use http::Method;
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use crate::form::Form;
use crate::layout::{Page, Part};
use crate::parts::amount::dollars;
use crate::parts::control::{button, field, form, hours};
use crate::parts::health::Health;
use crate::parts::pager::{BY_NAME, List, pager};
use crate::parts::quiet::{self, Quiet};
use crate::parts::value::Members;
use crate::problem::Problem;
use crate::sign_in::to;
use crate::url::{encoded, with_query};
use crate::visit::Visit;
use spent::Sums;

const RULES: List<'static> = List {
    name: "Pages of rules",
    path: "/guard",
    heading: "rules",
    kept: &[],
    parameter: "rules_after",
    links: BY_NAME,
};

pub(crate) async fn show(visit: Visit) -> Result<Response, Problem> {
    let cursor = visit.query(RULES.parameter);
    let asked = with_query("/v1/guard/rules", &[("limit", Some("200")), ("cursor", cursor.as_deref())]);
    let ((rules, sums), health, blocked) =
        tokio::try_join!(rules_and_sums(&visit, &asked), visit.health(), blocked::section(&visit))?;
    let body = html! {
        h1 { "Guard" }
        p.lead { "Rules block an agent's next start once it, its customer or the team has spent a limit. A pause blocks it until it is resumed." }
        section aria-labelledby="rules" {
            h2 #rules { "Rules" }
            @match &rules {
                None => p.empty { "This server has no guard." },
                Some(rules) if rules.rows("rules").is_empty() => p.empty {
                    "None: every start is allowed. A job goes by rules if it asks before it starts: "
                    code { "POST /v1/guard/check" } "."
                },
                Some(rules) => {
                    (table(&visit, rules.rows("rules"), &sums))
                    (pager(&visit, &RULES, rules))
                    p.hint {
                        "Spend is summed here for windows of a day and of a month. "
                        "A dash: nothing was spent, or the sum is not known here."
                    }
                }
            }
            @if rules.is_some() { (new_rule(&visit)) }
        }
        (blocked)
        @if let Some(health) = &health { (quiet::agents(&visit, health, Quiet::Paused)) }
        (team(&visit, health.as_ref().map(Health::team)))
    };
    Ok(Page::new("Guard", Part::Guard, body).response(&visit))
}

/// A page of the rules, and what is spent of what these rules go by; `None`: the server has no guard.
async fn rules_and_sums(visit: &Visit, path: &str) -> Result<(Option<Value>, Sums), Problem> {
    let rules = visit.look(path).await?;
    let sums = match &rules {
        Some(rules) => Sums::of(visit, rules.rows("rules")).await?,
        None => Sums::default(),
    };
    Ok((rules, sums))
}

fn table(visit: &Visit, rules: &[Value], sums: &Sums) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="Rules" {
            table {
                thead {
                    tr {
                        th scope="col" { "Name" }
                        th scope="col" { "Action" }
                        th scope="col" { "Applies to" }
                        th scope="col" { "Spend of" }
                        th scope="col" { "Window" }
                        th.number scope="col" { "Limit" }
                        th scope="col" { "Highest in the window" }
                        th scope="col" { "Id" }
                        @if visit.viewer.may_change { th scope="col" { span.unseen { "Change" } } }
                    }
                }
                tbody {
                    @for rule in rules {
                        tr {
                            th scope="row" { (rule.text("name")) @if !rule.flag("enabled") { " " span.tag { "off" } } }
                            td { (rule.text("action")) }
                            td { (matched(rule)) }
                            td { (rule.text("spend_of").replace('_', " ")) }
                            td { (rule.text("window")) }
                            td.number { (dollars(&rule.shown("limit_usd"))) }
                            td { (sums.spent(rule)) }
                            td { code.id { (rule.text("id")) } }
                            @if visit.viewer.may_change {
                                @let own = format!("/guard/rules/{}", encoded(rule.text("id")));
                                td.buttons {
                                    @if rule.flag("enabled") { (button(visit, &format!("{own}/disable"), "Switch off")) }
                                    @else { (button(visit, &format!("{own}/enable"), "Switch on")) }
                                    (button(visit, &format!("{own}/delete"), "Delete"))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What a rule applies to.
fn matched(rule: &Value) -> String {
    let members = rule.get("match").and_then(Value::as_object);
    let parts: Vec<String> = members
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| value.as_str().map(|text| format!("{name} {text}")))
        .collect();
    if parts.is_empty() { "every start".to_owned() } else { parts.join(", ") }
}

fn new_rule(visit: &Visit) -> Markup {
    html! {
        @if visit.viewer.may_change {
            details {
                summary { "A new rule" }
                (form(visit, "/guard/rules", "Add", html! {
                    div.filters {
                        (field("name", "name", "Name", ""))
                        (field("limit_usd", "limit_usd", "Limit in US dollars", ""))
                        div {
                            label for="window" { "Window" }
                            select #window name="window" { @for one in ["day", "week", "month", "total"] { option value=(one) { (one) } } }
                        }
                        div {
                            label for="spend_of" { "Spend of" }
                            select #spend_of name="spend_of" {
                                @for one in ["agent", "team", "customer", "agent_and_customer"] {
                                    option value=(one) { (one.replace('_', " ")) }
                                }
                            }
                        }
                        div {
                            label for="action" { "Action" }
                            select #action name="action" { @for one in ["block", "warn"] { option value=(one) { (one) } } }
                        }
                        (field("agent", "agent", "Agent (empty: any)", ""))
                        (field("customer_ref", "customer_ref", "Customer (empty: any)", ""))
                    }
                }))
            }
        }
    }
}

fn team(visit: &Visit, status: Option<&Value>) -> Markup {
    let is = |name: &str| status.is_some_and(|status| status.flag(name));
    html! {
        @if visit.viewer.may_change {
            section aria-labelledby="team" {
                h2 #team { "The whole team" }
                @if is("paused") {
                    p { "The team is paused: all its agents are blocked, and their slots are skipped." }
                    (button(visit, "/resume", "Resume the team"))
                } @else {
                    (form(visit, "/pause", "Pause all agents", field("note", "note", "Note", "")))
                }
                @if is("muted") {
                    p { "The team is muted: incidents are recorded, and no messages are sent." }
                    (button(visit, "/unmute", "Unmute the team"))
                } @else {
                    (form(visit, "/mute", "Mute all messages", html! { (hours("hours")) (field("reason", "reason", "Reason", "")) }))
                }
                @if status.is_none() { (button(visit, "/resume", "Resume the team")) (button(visit, "/unmute", "Unmute the team")) }
            }
        }
    }
}

/// `POST …/guard/rules`.
pub(crate) async fn add(visit: Visit, form: Form) -> Result<Response, Problem> {
    let mut rule = Map::new();
    for name in ["name", "window", "spend_of", "action"] {
        rule.insert(name.to_owned(), json!(form.field(name).trim()));
    }
    // The number as it is written: no rounding on the way.
    let limit = form.field("limit_usd").trim();
    let number = serde_json::from_str::<serde_json::Number>(limit).map_or_else(|_| json!(limit), Value::Number);
    rule.insert("limit_usd".to_owned(), number);
    let members = ["agent", "customer_ref"].into_iter().map(|name| (name, form.field(name).trim()));
    let matched: Map<String, Value> =
        members.filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name.to_owned(), json!(text))).collect();
    rule.insert("match".to_owned(), Value::Object(matched));
    visit.send(Method::POST, "/v1/guard/rules", Some(&Value::Object(rule))).await?;
    Ok(to(&visit.at("/guard")))
}

/// `POST …/guard/rules/{id}/delete`.
pub(crate) async fn delete(visit: Visit, _: Form) -> Result<Response, Problem> {
    let id = visit.segment("id")?;
    visit.send(Method::DELETE, &format!("/v1/guard/rules/{}", encoded(id)), None).await?;
    Ok(to(&visit.at("/guard")))
}
