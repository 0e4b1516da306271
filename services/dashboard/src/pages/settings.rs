//! What forms set of agents, of the team and of its routes: each is one call of the API, and leads back to its page.

use axum::response::Response;
use http::Method;
use serde_json::{Map, Value, json};

use crate::form::Form;
use crate::problem::Problem;
use crate::sign_in::to;
use crate::url::encoded;
use crate::visit::Visit;

/// `…/new-agent`: an agent ahead of its first run.
pub(crate) async fn new_agent(visit: Visit, form: Form) -> Result<Response, Problem> {
    let agent = form.field("agent").trim();
    visit.send(Method::POST, "/v1/agents", Some(&json!({ "agent": agent }))).await?;
    Ok(to(&visit.agent_url(agent)))
}

/// `…/agents/{agent}/describe`.
pub(crate) async fn describe(visit: Visit, form: Form) -> Result<Response, Problem> {
    let description = form.field("description").trim();
    let description = if description.is_empty() { Value::Null } else { json!(description) };
    patch_agent(&visit, json!({ "description": description, "tags": names(form.field("tags")) })).await
}

/// `…/agents/{agent}/routes`.
pub(crate) async fn agent_routes(visit: Visit, form: Form) -> Result<Response, Problem> {
    let names = names(form.field("routes"));
    let routes = match form.field("mode") {
        "only" => json!(names),
        "add" => json!({ "add": names }),
        _ => json!("inherit"),
    };
    patch_agent(&visit, json!({ "routes": routes })).await
}

async fn patch_agent(visit: &Visit, change: Value) -> Result<Response, Problem> {
    let agent = visit.agent()?;
    visit.send(Method::PATCH, &format!("/v1/agents/{}", encoded(agent.as_str())), Some(&change)).await?;
    Ok(to(&visit.agent_url(agent.as_str())))
}

/// `…/agents/{agent}/delete`.
pub(crate) async fn delete_agent(visit: Visit, _: Form) -> Result<Response, Problem> {
    let agent = visit.agent()?;
    visit.send(Method::DELETE, &format!("/v1/agents/{}", encoded(agent.as_str())), None).await?;
    Ok(to(&visit.at("/agents")))
}

/// `…/agents/{agent}/checks`: a check as JSON.
pub(crate) async fn new_check(visit: Visit, form: Form) -> Result<Response, Problem> {
    let agent = visit.agent()?;
    let check: Value = serde_json::from_str(form.field("check"))
        .map_err(|error| Problem::Declined(format!("The check is no JSON: {error}.")))?;
    visit.send(Method::POST, &format!("/v1/agents/{}/checks", encoded(agent.as_str())), Some(&check)).await?;
    Ok(to(&visit.agent_url(agent.as_str())))
}

/// `…/agents/{agent}/checks/{id}/delete`.
pub(crate) async fn delete_check(visit: Visit, _: Form) -> Result<Response, Problem> {
    let agent = visit.agent()?;
    visit.send(Method::DELETE, &format!("/v1/checks/{}", encoded(visit.segment("id")?)), None).await?;
    Ok(to(&visit.agent_url(agent.as_str())))
}

/// `…/routes/team`: the routes that agents inherit.
pub(crate) async fn team_routes(visit: Visit, form: Form) -> Result<Response, Problem> {
    visit.send(Method::PATCH, "/v1/team", Some(&json!({ "routes": names(form.field("routes")) }))).await?;
    Ok(to(&visit.at("/routes")))
}

/// `…/spend/alerts`: when a day's spend alerts.
pub(crate) async fn spend_alerts(visit: Visit, form: Form) -> Result<Response, Problem> {
    let mut spend = Map::new();
    for name in ["sigma", "min_usd"] {
        spend.insert(name.to_owned(), number(form.field(name)));
    }
    visit.send(Method::PATCH, "/v1/team", Some(&json!({ "spend": spend }))).await?;
    Ok(to(&visit.at("/spend")))
}

/// `…/routes/{id}/enable` and `…/disable`.
pub(crate) async fn enable_route(visit: Visit, _: Form) -> Result<Response, Problem> {
    set_enabled(&visit, "routes", true).await
}

pub(crate) async fn disable_route(visit: Visit, _: Form) -> Result<Response, Problem> {
    set_enabled(&visit, "routes", false).await
}

/// `…/guard/rules/{id}/enable` and `…/disable`.
pub(crate) async fn enable_rule(visit: Visit, _: Form) -> Result<Response, Problem> {
    set_enabled(&visit, "guard/rules", true).await
}

pub(crate) async fn disable_rule(visit: Visit, _: Form) -> Result<Response, Problem> {
    set_enabled(&visit, "guard/rules", false).await
}

async fn set_enabled(visit: &Visit, what: &str, enabled: bool) -> Result<Response, Problem> {
    let id = encoded(visit.segment("id")?);
    visit.send(Method::PATCH, &format!("/v1/{what}/{id}"), Some(&json!({ "enabled": enabled }))).await?;
    let back = if what == "routes" { format!("/routes/{id}") } else { "/guard".to_owned() };
    Ok(to(&visit.at(&back)))
}

/// `…/badges/new`: of an agent or a tag, or of the team.
pub(crate) async fn new_badge(visit: Visit, form: Form) -> Result<Response, Problem> {
    let mut badge = Map::new();
    for name in ["label", "agent", "tag"] {
        let text = form.field(name).trim();
        if !text.is_empty() {
            badge.insert(name.to_owned(), json!(text));
        }
    }
    badge.insert("late".to_owned(), json!(form.field("late") != "no"));
    visit.send(Method::POST, "/v1/badges", Some(&Value::Object(badge))).await?;
    Ok(to(&visit.at("/keys")))
}

/// `…/badges/{id}/delete`.
pub(crate) async fn delete_badge(visit: Visit, _: Form) -> Result<Response, Problem> {
    visit.send(Method::DELETE, &format!("/v1/badges/{}", encoded(visit.segment("id")?)), None).await?;
    Ok(to(&visit.at("/keys")))
}

/// Names with commas between them.
fn names(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
}

/// A number as it is written, without a rounding on the way; an empty text unsets. What is no number is refused by the API,
/// which names the member.
fn number(text: &str) -> Value {
    match text.trim() {
        "" => Value::Null,
        text => serde_json::from_str::<serde_json::Number>(text).map_or_else(|_| json!(text), Value::Number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_people_write_them() {
        assert_eq!(names(" a, b c ,,"), ["a", "b c"]);
        assert!(names("").is_empty());
        assert_eq!(number(" 2.50 ").to_string(), "2.5");
        assert_eq!([number(""), number("much")], [Value::Null, json!("much")]);
    }
}
