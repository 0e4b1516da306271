//! `/v1/guard/rules`: which spend stops which jobs.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_agentping_settings::{GuardRuleId, RuleDoc, RuleMatch, SettingFault, kinds};
use tidegate_kernel::timestamp::iso;
use tidegate_kernel::usd::decimal;
use tidegate_kernel::{SmolStr, Timestamp, Usd};
use utoipa::ToSchema;

use crate::call::{Call, Sent, framed_change, framed_managed};
use crate::endpoint::Endpoint;
use crate::manage::{Change, ETag, Kept, NamePage, PAGE_PARAMETERS, deleted, object, page_of};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ChangeRefusals, ManagedRefusals, NotFoundRefusals, Refusals, TakenRefusals};
use crate::weight::Weight;

/// A rule to make, or its members to change.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct RuleBody {
    #[schema(max_length = 64, example = "daily cap")]
    name: String,
    #[schema(default = true)]
    enabled: Option<bool>,
    /// What a check must have for the rule to apply: exact text, or `*` for "given at all".
    #[serde(rename = "match")]
    matches: Option<MatchBody>,
    /// Whose spend is summed: `team`, `agent`, `customer` or `agent_and_customer`. The names come from the check.
    #[schema(pattern = "^(team|agent|customer|agent_and_customer)$")]
    spend_of: String,
    /// `day`, `week`, `month`, `total`, all in UTC, or `hours:N` with N from 1 to 744.
    #[schema(example = "day")]
    window: String,
    /// US dollars, above 0. Spend that reaches it triggers the rule.
    #[schema(example = 20)]
    limit_usd: f64,
    /// `block` stops the job, `warn` alerts only.
    #[schema(default = "block", pattern = "^(block|warn)$")]
    action: Option<String>,
}

/// What a check must have.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct MatchBody {
    agent: Option<String>,
    customer_ref: Option<String>,
    function: Option<String>,
    environment: Option<String>,
}

/// A rule.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct RuleView {
    #[schema(example = "grl_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5")]
    id: String,
    #[schema(value_type = String)]
    name: SmolStr,
    enabled: bool,
    #[serde(rename = "match")]
    #[schema(value_type = Object)]
    matches: RuleMatch,
    spend_of: &'static str,
    window: String,
    #[serde(serialize_with = "decimal")]
    #[schema(value_type = f64, minimum = 0)]
    limit_usd: Usd,
    action: &'static str,
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// Rules by name.
#[derive(Serialize, ToSchema)]
pub(crate) struct RuleList {
    rules: Vec<RuleView>,
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// Says which rule has a name.
#[derive(Serialize, Deserialize)]
struct NameDoc {
    id: String,
}

impl RuleView {
    fn of(id: &str, rule: &RuleDoc) -> Self {
        RuleView {
            id: id.to_owned(),
            name: rule.name.clone(),
            enabled: rule.enabled,
            matches: rule.matches.clone(),
            spend_of: rule.spend_of.as_str(),
            window: rule.window.to_string(),
            limit_usd: rule.limit,
            action: rule.action.as_str(),
            created_at: rule.created_at,
        }
    }
}

/// The team's rules, by name.
#[utoipa::path(
    get,
    path = "/v1/guard/rules",
    operation_id = "list_guard_rules",
    tag = "guard",
    params(
        ("limit" = inline(Option<u32>), Query, description = "At most so many; 50 if absent.", minimum = 1, maximum = 200),
        ("cursor" = inline(Option<String>), Query, description = "The `next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of rules.", body = RuleList), Refusals, ManagedRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn list(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::GuardRules, request, page).await
}

/// Makes a rule.
#[utoipa::path(
    post,
    path = "/v1/guard/rules",
    operation_id = "create_guard_rule",
    tag = "guard",
    request_body = RuleBody,
    responses((status = 201, description = "The rule.", body = RuleView), Refusals, ManagedRefusals, ChangeRefusals, TakenRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn create(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::GuardRules, request, make).await
}

/// A rule.
#[utoipa::path(
    get,
    path = "/v1/guard/rules/{id}",
    operation_id = "read_guard_rule",
    tag = "guard",
    params(("id" = String, Path, description = "The rule's id.", pattern = "^grl_(eu|us)_[0-9a-f]{32}$")),
    responses((status = 200, description = "The rule.", body = RuleView), Refusals, ManagedRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn read(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::GuardRule, request, one).await
}

/// Changes the members that are given.
#[utoipa::path(
    patch,
    path = "/v1/guard/rules/{id}",
    operation_id = "change_guard_rule",
    tag = "guard",
    params(("id" = String, Path, description = "The rule's id.", pattern = "^grl_(eu|us)_[0-9a-f]{32}$")),
    request_body = RuleBody,
    responses((status = 200, description = "The rule.", body = RuleView), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals, TakenRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn patch(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::GuardRule, request, changed).await
}

/// Removes a rule.
#[utoipa::path(
    delete,
    path = "/v1/guard/rules/{id}",
    operation_id = "delete_guard_rule",
    tag = "guard",
    params(("id" = String, Path, description = "The rule's id.", pattern = "^grl_(eu|us)_[0-9a-f]{32}$")),
    responses((status = 204, description = "It is removed."), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn delete(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::GuardRule, request, removed).await
}

async fn page(call: Call) -> Result<Response, Problem> {
    let page = NamePage::read(&call.parameters(PAGE_PARAMETERS)?, &["rules"])?;
    let permit = call.reads.permit(Weight::Rows).await?;
    let settings = call.settings();
    let mut rules: Vec<_> = settings.rules.iter().map(|(id, rule)| RuleView::of(id, rule)).collect();
    rules.sort_by(|one, other| one.name.cmp(&other.name));
    let rules =
        rules.into_iter().filter(|rule| page.after.as_ref().is_none_or(|after| rule.name.as_str() > after.as_str()));
    let (rules, next_cursor) =
        page_of(rules.take(page.limit + 1).collect(), &page, &["rules"], |rule: &RuleView| rule.name.to_string());
    Ok(permit.json(&RuleList { rules, next_cursor })?)
}

async fn make(call: Call, sent: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let now = call.reads.now();
    let rule = RuleDoc::parse(&sent.json()?, now)?;
    if call.settings().rules.len() >= RuleDoc::MAX_RULES {
        let most = RuleDoc::MAX_RULES;
        let text = format!("would be one more than the {most} rules that a team may have: delete one that is not used");
        return Err(SettingFault::at("", text).into());
    }
    let id: GuardRuleId = call.reads.ids.mint(call.reader.team.region(), now);
    let id = id.to_string();
    let decide = || {
        let (call, id, rule) = (&call, id.as_str(), rule.clone());
        async move {
            let name = free_name(call, &rule.name, id).await?;
            let kept = Kept::new(kinds::RULE, id, rule);
            let audited = Some(("rule.create", kept.doc.name.to_string()));
            Ok(Change { writes: vec![kept.write()?, name.write()?], audited, answer: RuleView::of(id, &kept.doc) })
        }
    };
    let view = call.change(decide).await?;
    object(StatusCode::CREATED, &view, &ETag::of(&view)?)
}

async fn one(mut call: Call) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let id = call.path().await.unwrap_or_default();
    let kept = known(&call, &id).await?;
    let view = RuleView::of(&id, &kept.doc);
    object(StatusCode::OK, &view, &ETag::of(&view)?)
}

async fn changed(mut call: Call, sent: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let id = call.path().await.unwrap_or_default();
    let given = sent.json()?;
    let decide = || {
        let (call, id, given) = (&call, id.as_str(), &given);
        async move {
            let mut kept = known(call, id).await?;
            if_matched(call, id, &kept)?;
            let before = kept.doc.clone();
            kept.doc.change(given)?;
            let mut writes = Vec::new();
            if kept.doc != before {
                writes.push(kept.write()?);
            }
            if kept.doc.name != before.name {
                writes.push(free_name(call, &kept.doc.name, id).await?.write()?);
                writes.extend(taken_name(call, &before.name).await?.map(|name| name.removal()));
            }
            let audited = Some(("rule.update", kept.doc.name.to_string()));
            Ok(Change { writes, audited, answer: RuleView::of(id, &kept.doc) })
        }
    };
    let view = call.change(decide).await?;
    object(StatusCode::OK, &view, &ETag::of(&view)?)
}

async fn removed(mut call: Call, _: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let id = call.path().await.unwrap_or_default();
    let decide = || {
        let (call, id) = (&call, id.as_str());
        async move {
            let kept = known(call, id).await?;
            if_matched(call, id, &kept)?;
            let mut writes = vec![kept.removal()];
            writes.extend(taken_name(call, &kept.doc.name).await?.map(|name| name.removal()));
            Ok(Change { writes, audited: Some(("rule.delete", kept.doc.name.to_string())), answer: () })
        }
    };
    call.change(decide).await?;
    Ok(deleted())
}

async fn known(call: &Call, id: &str) -> Result<Kept<RuleDoc>, Problem> {
    Kept::known(call, kinds::RULE, "guard rule", (id, GuardRuleId::parse(id).is_ok())).await
}

/// The document that makes a name this rule's; it is not stored yet.
async fn free_name(call: &Call, name: &str, id: &str) -> Result<Kept<NameDoc>, Problem> {
    match taken_name(call, name).await? {
        Some(_) => Err(Problem::NameTaken { what: "guard rule", name: name.to_owned() }),
        None => Ok(Kept::new(kinds::RULE_NAME, name, NameDoc { id: id.to_owned() })),
    }
}

async fn taken_name(call: &Call, name: &str) -> Result<Option<Kept<NameDoc>>, Problem> {
    Kept::find(&call.reads, call.reader.team, kinds::RULE_NAME, name).await
}

fn if_matched(call: &Call, id: &str, kept: &Kept<RuleDoc>) -> Result<(), Problem> {
    ETag::matched(Some(&ETag::of(&RuleView::of(id, &kept.doc))?), call.headers())
}
