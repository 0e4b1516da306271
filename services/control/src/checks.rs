//! `/v1/agents/{slug}/checks`: what is asked of an agent's runs when they have ended.

pub mod of_run;
pub mod one;
pub mod trial;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tidegate_agentping_checks::{CheckDoc, CheckFault, CheckId, MAX_CHECKS};
use tidegate_agentping_settings::{SettingFault, kinds};
use tidegate_kernel::Timestamp;
use tidegate_kernel::timestamp::iso;
use utoipa::ToSchema;

use crate::agents::known;
use crate::call::{Call, Sent, framed_change, framed_managed};
use crate::endpoint::Endpoint;
use crate::manage::{Change, ETag, Kept, NamePage, PAGE_PARAMETERS, object, page_of};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ChangeRefusals, ManagedRefusals, NotFoundRefusals, Refusals, TakenRefusals};
use crate::weight::Weight;

/// A check to make, or its members to change: those that all checks have, and those of its type.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct CheckBody {
    #[schema(max_length = 64, example = "short")]
    name: String,
    #[schema(default = true)]
    enabled: Option<bool>,
    /// `success` judges runs that end so, `finished` every end.
    #[schema(default = "success", pattern = "^(success|finished)$")]
    when: Option<String>,
    /// Failures in a row that alert.
    #[schema(minimum = 1, maximum = 720, default = 1)]
    alert_after: Option<u32>,
    #[serde(rename = "type")]
    #[schema(pattern = "^(json_schema|regex|length|required_fields|tool_call|numeric_range)$", example = "length")]
    kind: String,
    /// Of `json_schema`: draft 2020-12, nothing is fetched.
    #[schema(value_type = Option<Value>)]
    schema: Option<()>,
    /// Of `regex`.
    #[schema(max_length = 1000)]
    pattern: Option<String>,
    /// Of `regex`.
    #[schema(pattern = "^(match|not_match)$")]
    must: Option<String>,
    /// Of `regex`, `length` and `numeric_range`: a JSON Pointer into the output. `numeric_range` also takes `run.cost_usd`,
    /// `run.duration_ms`, `run.events`, `metadata.NAME` and `scores.NAME`.
    #[schema(max_length = 512)]
    path: Option<String>,
    /// Of `length`.
    #[schema(pattern = "^(characters|tokens)$")]
    unit: Option<String>,
    /// Of `required_fields`: JSON Pointers into the output.
    fields: Option<Vec<String>>,
    /// Of `tool_call`.
    tool: Option<String>,
    /// Of `tool_call`.
    made: Option<bool>,
    /// Of `tool_call`: only calls with this status count.
    status: Option<String>,
    min: Option<f64>,
    max: Option<f64>,
}

/// A check: the members that all checks have, and those of its type.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct CheckView {
    #[schema(example = "chk_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5")]
    id: String,
    /// The agent's slug.
    agent: String,
    /// One more with each change. Runs are judged by the version that held when they ended.
    version: u32,
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[serde(flatten)]
    #[schema(value_type = CheckBody)]
    members: Map<String, Value>,
}

/// Checks by name.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckList {
    checks: Vec<CheckView>,
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// Says which check of an agent has a name.
#[derive(Serialize, Deserialize)]
struct NameDoc {
    id: String,
}

impl CheckView {
    fn of(id: &str, doc: &CheckDoc) -> Self {
        let mut members = doc.common();
        members.extend(doc.members.clone());
        let (agent, version, created_at) = (doc.agent.to_string(), doc.version, doc.created_at);
        CheckView { id: id.to_owned(), agent, version, created_at, members }
    }

    fn name(&self) -> &str {
        self.members.get("name").and_then(Value::as_str).unwrap_or_default()
    }
}

impl From<CheckFault> for Problem {
    fn from(fault: CheckFault) -> Self {
        match fault {
            CheckFault::Member(fault) => fault.into(),
            CheckFault::Plan { member } => {
                let what = match member {
                    "pattern" => "A pattern of more than 200 characters needs",
                    _ => "This type of check needs",
                };
                Problem::PlanRequired { field: member, what: what.to_owned(), plan: "team" }
            }
        }
    }
}

/// The agent's checks, by name.
#[utoipa::path(
    get,
    path = "/v1/agents/{slug}/checks",
    operation_id = "list_checks",
    tag = "checks",
    params(
        ("slug" = String, Path, description = "The agent's slug, percent-encoded."),
        ("limit" = inline(Option<u32>), Query, description = "At most so many; 50 if absent.", minimum = 1, maximum = 200),
        ("cursor" = inline(Option<String>), Query, description = "The `next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of checks.", body = CheckList), Refusals, ManagedRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn list(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::AgentChecks, request, page).await
}

/// Makes a check. Runs of the agent that end from now on are judged by it.
#[utoipa::path(
    post,
    path = "/v1/agents/{slug}/checks",
    operation_id = "create_check",
    tag = "checks",
    params(("slug" = String, Path, description = "The agent's slug, percent-encoded.")),
    request_body = CheckBody,
    responses((status = 201, description = "The check.", body = CheckView), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals, TakenRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn create(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::AgentChecks, request, make).await
}

/// The agent's checks, as this process has them in memory.
fn checks_of(call: &Call, agent: &str) -> Vec<(String, CheckDoc)> {
    let settings = call.settings();
    let docs = settings.checks.iter().filter(|(_, doc)| doc.get("agent").and_then(Value::as_str) == Some(agent));
    docs.filter_map(|(id, doc)| Some((id.to_string(), serde_json::from_value(doc.clone()).ok()?))).collect()
}

async fn page(mut call: Call) -> Result<Response, Problem> {
    let parameters = call.parameters(PAGE_PARAMETERS)?;
    let name = call.path().await;
    let slug = known(&call, name.as_deref()).await?.slug;
    let list = ["checks", slug.as_str()];
    let page = NamePage::read(&parameters, &list)?;
    let permit = call.reads.permit(Weight::Rows).await?;
    let mut checks: Vec<CheckView> =
        checks_of(&call, slug.as_str()).iter().map(|(id, doc)| CheckView::of(id, doc)).collect();
    checks.sort_by(|one, other| one.name().cmp(other.name()));
    let checks =
        checks.into_iter().filter(|check| page.after.as_ref().is_none_or(|after| check.name() > after.as_str()));
    let (checks, next_cursor) =
        page_of(checks.take(page.limit + 1).collect(), &page, &list, |check: &CheckView| check.name().to_owned());
    Ok(permit.json(&CheckList { checks, next_cursor })?)
}

async fn make(mut call: Call, sent: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let name = call.path().await;
    let slug = known(&call, name.as_deref()).await?.slug;
    let now = call.reads.now();
    let doc = CheckDoc::parse(slug.as_str(), &sent.json()?, call.reader.plan, now)?;
    if checks_of(&call, slug.as_str()).len() >= MAX_CHECKS {
        let text = format!("would be one more than the {MAX_CHECKS} checks that an agent may have");
        return Err(SettingFault::at("", text).into());
    }
    let id: CheckId = call.reads.ids.mint(call.reader.team.region(), now);
    let id = id.to_string();
    let decide = || {
        let (call, id, doc) = (&call, id.as_str(), doc.clone());
        async move {
            let name = free_name(call, &doc, id).await?;
            let kept = Kept::new(kinds::CHECK, id, doc);
            let audited = Some(("check.create", format!("{} {}", kept.doc.agent, kept.doc.name)));
            Ok(Change { writes: vec![kept.write()?, name.write()?], audited, answer: CheckView::of(id, &kept.doc) })
        }
    };
    let view = call.change(decide).await?;
    object(StatusCode::CREATED, &view, &ETag::of(&view)?)
}

/// The document that makes a name this check's; it is not stored yet.
async fn free_name(call: &Call, doc: &CheckDoc, id: &str) -> Result<Kept<NameDoc>, Problem> {
    match taken_name(call, doc).await? {
        Some(_) => Err(Problem::NameTaken { what: "check of this agent", name: doc.name.to_string() }),
        None => Ok(Kept::new(kinds::CHECK_NAME, &name_of(doc), NameDoc { id: id.to_owned() })),
    }
}

async fn taken_name(call: &Call, doc: &CheckDoc) -> Result<Option<Kept<NameDoc>>, Problem> {
    Kept::find(&call.reads, call.reader.team, kinds::CHECK_NAME, &name_of(doc)).await
}

/// Neither part has a line end.
fn name_of(doc: &CheckDoc) -> String {
    format!("{}\n{}", doc.agent, doc.name)
}
