//! What buttons of pages do: each is one call of the API, and leads back to the page.

use axum::response::Response;
use http::Method;
use serde_json::{Map, Value, json};
use tidegate_kernel::Timestamp;

use crate::form::Form;
use crate::pages::incident;
use crate::problem::Problem;
use crate::sign_in::to;
use crate::url::encoded;
use crate::visit::Visit;

const HOUR_MS: i64 = 3_600_000;
const HOURS_MAX: i64 = 720;

/// `…/pause`: an agent's, or the team's.
pub(crate) async fn pause(visit: Visit, form: Form) -> Result<Response, Problem> {
    let mut body = Map::new();
    filled(&mut body, &form, "note");
    change(&visit, &form, Method::PUT, "pause", Some(body)).await
}

/// `…/resume`.
pub(crate) async fn resume(visit: Visit, form: Form) -> Result<Response, Problem> {
    change(&visit, &form, Method::DELETE, "pause", None).await
}

/// `…/mute`: for the hours that the form names.
pub(crate) async fn mute(visit: Visit, form: Form) -> Result<Response, Problem> {
    let mut body = Map::new();
    body.insert("until".to_owned(), json!(until(&form, visit.now)?.to_string()));
    filled(&mut body, &form, "reason");
    change(&visit, &form, Method::PUT, "mute", Some(body)).await
}

/// `…/unmute`.
pub(crate) async fn unmute(visit: Visit, form: Form) -> Result<Response, Problem> {
    change(&visit, &form, Method::DELETE, "mute", None).await
}

/// `…/schedule`: the members that are filled in.
pub(crate) async fn schedule(visit: Visit, form: Form) -> Result<Response, Problem> {
    let mut body = Map::new();
    for name in ["cron", "timezone"] {
        filled(&mut body, &form, name);
    }
    for name in ["every_s", "tolerance_s", "max_runtime_s", "alert_after", "recover_after"] {
        let text = form.field(name).trim();
        if !text.is_empty() {
            // What is no number is refused by the API, which names the member.
            body.insert(name.to_owned(), text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number)));
        }
    }
    change(&visit, &form, Method::PUT, "schedule", Some(body)).await
}

/// `…/rename`: leads to the page under the new name.
pub(crate) async fn rename(visit: Visit, form: Form) -> Result<Response, Problem> {
    let name = form.field("to").trim().to_owned();
    let path = format!("/v1/agents/{}/rename", encoded(visit.agent()?.as_str()));
    visit.send(Method::POST, &path, Some(&json!({"to": name}))).await?;
    Ok(to(&visit.agent_url(&name)))
}

/// `…/unschedule`.
pub(crate) async fn unschedule(visit: Visit, form: Form) -> Result<Response, Problem> {
    change(&visit, &form, Method::DELETE, "schedule", None).await
}

/// Changes a part of the agent that the path names, or else of the team, and leads back there, or to the incident whose page
/// sent the form.
async fn change(
    visit: &Visit,
    form: &Form,
    method: Method,
    part: &str,
    body: Option<Map<String, Value>>,
) -> Result<Response, Problem> {
    let (path, back) = match visit.agent() {
        Ok(agent) => (format!("/v1/agents/{}/{part}", encoded(agent.as_str())), visit.agent_url(agent.as_str())),
        Err(_) => (format!("/v1/{part}"), visit.at("/guard")),
    };
    visit.send(method, &path, body.map(Value::Object).as_ref()).await?;
    Ok(to(&incident::sent_from(visit, form).unwrap_or(back)))
}

fn filled(body: &mut Map<String, Value>, form: &Form, name: &str) {
    let text = form.field(name).trim();
    if !text.is_empty() {
        body.insert(name.to_owned(), json!(text));
    }
}

fn until(form: &Form, now: Timestamp) -> Result<Timestamp, Problem> {
    let hours: Option<i64> = form.field("hours").parse().ok().filter(|hours| (1..=HOURS_MAX).contains(hours));
    // The last milliseconds are given up, so that 30 days are not one too many when the API reads its own clock.
    let hours = hours.ok_or_else(|| Problem::Declined("the hours must be 1 to 720".to_owned()))?;
    Ok(now.plus_millis(hours * HOUR_MS - 1))
}
