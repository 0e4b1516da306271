//! Checks that guard blocked in the last 30 days: what was asked, and which rules blocked it.

use maud::{Markup, html};
use serde_json::Value;
use tidegate_agentping::Slug;

use crate::parts::pager::{BY_TIME, List, pager};
use crate::parts::time;
use crate::parts::value::Members;
use crate::problem::Problem;
use crate::url::with_query;
use crate::visit::Visit;

const LIMIT: &str = "50";
const PAGES: List<'static> = List {
    name: "Pages of blocked starts",
    path: "/guard",
    heading: "blocked",
    kept: &[],
    parameter: "after",
    links: BY_TIME,
};

/// The section of them; nothing where the server has no guard.
///
/// # Errors
/// The API refuses.
pub(super) async fn section(visit: &Visit) -> Result<Markup, Problem> {
    let cursor = visit.query("after");
    let asked = with_query("/v1/guard/checks", &[("limit", Some(LIMIT)), ("cursor", cursor.as_deref())]);
    let Some(found) = visit.look(&asked).await? else { return Ok(html! {}) };
    Ok(html! {
        section aria-labelledby="blocked" {
            h2 #blocked { "Blocked in the last 30 days" }
            @if found.rows("checks").is_empty() { p.empty { @if cursor.is_some() { "No earlier ones." } @else { "No start was blocked." } } }
            @else { (table(visit, found.rows("checks"))) }
            (pager(visit, &PAGES, &found))
        }
    })
}

fn table(visit: &Visit, checks: &[Value]) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="Blocked starts" {
            table {
                thead {
                    tr {
                        th scope="col" { "When" }
                        th scope="col" { "Agent" }
                        th scope="col" { "Customer" }
                        th scope="col" { "Function" }
                        th scope="col" { "Environment" }
                        th scope="col" { "Blocked by" }
                        th scope="col" { "Id" }
                    }
                }
                tbody { @for check in checks { (row(visit, check)) } }
            }
        }
    }
}

fn row(visit: &Visit, check: &Value) -> Markup {
    let request = check.get("request").unwrap_or(&Value::Null);
    let agent = request.text("agent");
    html! {
        tr {
            td { @if let Some(at) = check.instant("at") { (time::ago(at, visit.now)) } }
            td { @if Slug::parse(agent).is_ok() { a href=(visit.agent_url(agent)) { (agent) } } @else { (agent) } }
            td { (request.text("customer_ref")) }
            td { (request.text("function")) }
            td { (request.text("environment")) }
            td.text { @for rule in blocking(check) { span { (why(rule)) } br; } }
            td { code.id { (check.text("id")) } }
        }
    }
}

/// The rules that blocked, of all that applied.
fn blocking(check: &Value) -> impl Iterator<Item = &Value> {
    let blocked_by = check.rows("blocked_by");
    check.rows("rules").iter().filter(move |rule| blocked_by.iter().any(|id| id.as_str() == Some(rule.text("id"))))
}

/// A rule and what it goes by: `daily cap: $20.35 of $20 in a day, spend of agent`; of a pause, who has paused and the note.
fn why(rule: &Value) -> String {
    let name = rule.text("name");
    if rule.get("spent_usd").is_none() {
        let by = format!("{name} by {}", rule.text("paused_by"));
        return if rule.text("note").is_empty() { by } else { format!("{by}: {}", rule.text("note")) };
    }
    let window = match rule.text("window") {
        "total" => "in all".to_owned(),
        window => format!("in a {window}"),
    };
    let of = rule.text("spend_of").replace('_', " ");
    format!("{name}: ${} of ${} {window}, spend of {of}", rule.shown("spent_usd"), rule.shown("limit_usd"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_says_which_rules_blocked_and_why() {
        let spend = json!({"id": "grl_1", "name": "cap", "spent_usd": 20.35, "limit_usd": 20, "window": "day", "spend_of": "agent_and_customer"});
        let other = json!({"id": "grl_2", "name": "never reached", "spent_usd": 1, "limit_usd": 20, "window": "total", "spend_of": "team"});
        let pause = json!({"id": "pause_1", "name": "paused", "paused_by": "key_eu_1", "note": "on fire"});
        let check = json!({"blocked_by": ["grl_1", "pause_1"], "rules": [spend, other, pause]});
        let said: Vec<String> = blocking(&check).map(why).collect();
        assert_eq!(said, ["cap: $20.35 of $20 in a day, spend of agent and customer", "paused by key_eu_1: on fire"]);
        assert_eq!(why(&other), "never reached: $1 of $20 in all, spend of team");
        assert_eq!(why(&json!({"name": "paused", "paused_by": "key_eu_1"})), "paused by key_eu_1");
    }
}
