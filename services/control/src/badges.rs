//! `/v1/badges`: public pictures of how agents stand.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_agentping::TeamId;
use tidegate_agentping_settings::{BadgeDoc, BadgeId, SettingFault, kinds};
use tidegate_kernel::SmolStr;
use tidegate_kernel::free_json::text_hash_128;
use tidegate_ports::{DocumentWrite, Expected};
use utoipa::ToSchema;

use crate::agents::known;
use crate::call::{Call, Sent, framed_change, framed_managed};
use crate::endpoint::Endpoint;
use crate::manage::{Change, ETag, Kept, NamePage, PAGE_PARAMETERS, deleted, object, page_of};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ChangeRefusals, ManagedRefusals, NotFoundRefusals, Refusals};
use crate::weight::Weight;

pub mod public;
pub(crate) mod shown;

/// A badge to make: of an agent, of a tag, or, without both, of the team.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct BadgeBody {
    /// What it shows next to the state; everyone may read it.
    #[schema(max_length = 64, example = "nightly")]
    label: String,
    agent: Option<String>,
    tag: Option<String>,
    /// Whether `late` is shown; otherwise it counts as up.
    #[schema(default = true)]
    late: Option<bool>,
}

/// A badge.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct BadgeView {
    #[schema(example = "bdg_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5")]
    id: String,
    #[schema(value_type = String)]
    label: SmolStr,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    tag: Option<SmolStr>,
    late: bool,
    token: String,
    /// The path of the picture on this port; `.json`, `.shields.json` and `.txt` are the other forms.
    #[schema(example = "/badge/0f3c…a1.svg")]
    url: String,
}

/// Badges by id.
#[derive(Serialize, ToSchema)]
pub(crate) struct BadgeList {
    badges: Vec<BadgeView>,
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// Whose badge a token is.
#[derive(Serialize, Deserialize)]
struct TokenDoc {
    team: TeamId,
    badge: String,
}

impl BadgeView {
    fn of(reads: &Reads, id: &str, badge: &BadgeDoc) -> Self {
        let base = reads.managed.outbox.naming().public_url.as_deref().unwrap_or_default().trim_end_matches('/');
        BadgeView {
            id: id.to_owned(),
            label: badge.label.clone(),
            agent: badge.agent.as_ref().map(ToString::to_string),
            tag: badge.tag.clone(),
            late: badge.late,
            token: badge.token.clone(),
            url: format!("{base}/badge/{}.svg", badge.token),
        }
    }
}

/// The team's badges.
#[utoipa::path(
    get,
    path = "/v1/badges",
    operation_id = "list_badges",
    tag = "badges",
    params(
        ("limit" = inline(Option<u32>), Query, description = "At most so many; 50 if absent.", minimum = 1, maximum = 200),
        ("cursor" = inline(Option<String>), Query, description = "The `next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of badges.", body = BadgeList), Refusals, ManagedRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn list(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::Badges, request, page).await
}

/// Makes a badge.
#[utoipa::path(
    post,
    path = "/v1/badges",
    operation_id = "create_badge",
    tag = "badges",
    request_body = BadgeBody,
    responses((status = 201, description = "The badge.", body = BadgeView), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn create(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Badges, request, make).await
}

/// Removes a badge: its addresses show `unknown` from then on.
#[utoipa::path(
    delete,
    path = "/v1/badges/{id}",
    operation_id = "delete_badge",
    tag = "badges",
    params(("id" = String, Path, description = "The badge's id.", pattern = "^bdg_(eu|us)_[0-9a-f]{32}$")),
    responses((status = 204, description = "It is removed."), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn delete(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Badge, request, removed).await
}

async fn page(call: Call) -> Result<Response, Problem> {
    let page = NamePage::read(&call.parameters(PAGE_PARAMETERS)?, &["badges"])?;
    let permit = call.reads.permit(Weight::Rows).await?;
    let settings = call.settings();
    let after = page.after.as_deref();
    let asked = settings.badges.iter().filter(|(id, _)| after.is_none_or(|after| id.as_str() > after));
    let found = asked.take(page.limit + 1).map(|(id, badge)| BadgeView::of(&call.reads, id, badge)).collect();
    let (badges, next_cursor) = page_of(found, &page, &["badges"], |badge: &BadgeView| badge.id.clone());
    Ok(permit.json(&BadgeList { badges, next_cursor })?)
}

async fn make(call: Call, sent: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let (now, team) = (call.reads.now(), call.reader.team);
    let random = [call.reads.ids.random(), call.reads.ids.random()];
    let token: String = random.iter().flatten().map(|byte| format!("{byte:02x}")).collect();
    let badge = BadgeDoc::parse(&sent.json()?, token, now)?;
    if call.settings().badges.len() >= BadgeDoc::MOST {
        let text = format!("would be one more than the {} badges that a team may have: delete one", BadgeDoc::MOST);
        return Err(SettingFault::at("", text).into());
    }
    if let Some(agent) = &badge.agent {
        known(&call, Some(agent.as_str())).await?;
    }
    let id: BadgeId = call.reads.ids.mint(team.region(), now);
    let id = id.to_string();
    // First, so that a badge never has a token that leads nowhere.
    let doc = serde_json::to_vec(&TokenDoc { team, badge: id.clone() })?;
    let token = DocumentWrite {
        kind: kinds::BADGE_TOKEN.into(),
        name: hash(&badge.token),
        expected: Expected::Anything,
        doc: Some(doc),
        ends_at: None,
    };
    let documents = &call.reads.managed.documents;
    call.reads.ask(documents.write(kinds::BADGES, std::slice::from_ref(&token), now)).await?;
    let decide = || {
        let (call, id, badge) = (&call, id.as_str(), badge.clone());
        async move {
            let kept = Kept::new(kinds::BADGE, id, badge);
            let answer = BadgeView::of(&call.reads, id, &kept.doc);
            let audited = Some(("badge.create", kept.doc.label.to_string()));
            Ok(Change { writes: vec![kept.write()?], audited, answer })
        }
    };
    let view = call.change(decide).await?;
    object(StatusCode::CREATED, &view, &ETag::of(&view)?)
}

async fn removed(mut call: Call, _: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let id = call.path().await.unwrap_or_default();
    let decide = || {
        let (call, id) = (&call, id.as_str());
        async move {
            let kept: Kept<BadgeDoc> =
                Kept::known(call, kinds::BADGE, "badge", (id, BadgeId::parse(id).is_ok())).await?;
            let tag = ETag::of(&BadgeView::of(&call.reads, id, &kept.doc))?;
            ETag::matched(Some(&tag), call.headers())?;
            let audited = Some(("badge.delete", kept.doc.label.to_string()));
            Ok(Change { writes: vec![kept.removal()], audited, answer: kept.doc.token.clone() })
        }
    };
    let token = call.change(decide).await?;
    let (documents, now) = (&call.reads.managed.documents, call.reads.now());
    let (kind, name) = (kinds::BADGE_TOKEN.into(), hash(&token));
    let removal = DocumentWrite { kind, name, expected: Expected::Anything, doc: None, ends_at: None };
    // A token that stays leads to no badge.
    if let Err(error) = documents.write(kinds::BADGES, &[removal], now).await {
        tracing::warn!(kind = %error.kind(), %error, "the token of a removed badge stays");
    }
    Ok(deleted())
}

/// The name under which a token is looked up.
fn hash(token: &str) -> SmolStr {
    SmolStr::from(format!("{:032x}", text_hash_128(&[b"badge", token.as_bytes()])))
}
