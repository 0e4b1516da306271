//! `/v1/agents/{slug}/tokens`: an agent's ping tokens, and the call to paste for a new one.

mod noted;
pub(crate) mod of_team;
mod paste;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use tidegate_agentping::{Credential, CredentialHash, PingToken, Slug, TokenId};
use tidegate_agentping_ports::TokenRow;
use tidegate_agentping_ports::token_uses::hex;
use tidegate_agentping_settings::{Fields, kinds};
use tidegate_kernel::Timestamp;
use tidegate_kernel::timestamp::{iso, iso_option};
use tidegate_ports::{DocumentWrite, Expected};
use utoipa::ToSchema;

use crate::agents::known;
use crate::call::{Call, Sent, framed_change, framed_managed};
use crate::endpoint::Endpoint;
use crate::manage::{Change, ETag, Kept, NamePage, PAGE_PARAMETERS, deleted, object, page_of_newest};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ChangeRefusals, ManagedRefusals, NotFoundRefusals, Refusals, TakenRefusals};
use crate::weight::Weight;
use noted::{Noted, TokenDoc};
use paste::Paste;

/// How long a rotated token keeps working (AgentPing: authentication).
const OVERLAP_MS: i64 = 24 * 3_600_000;
/// A page of an agent's ping tokens: those that work.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenList {
    /// Newest first.
    tokens: Vec<TokenView>,
    /// Send it as `cursor` for the next page; null at the end.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// A ping token, without its secret.
#[derive(Serialize, ToSchema)]
struct TokenView {
    #[schema(value_type = String, example = "tok_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5")]
    id: TokenId,
    /// The last digits of the token; absent if it was made by an operator's command.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    last4: Option<String>,
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last used, to about five minutes; absent if it was not, or was made by an operator's command.
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    last_used_at: Option<Timestamp>,
    /// It works until then: another one has taken its place.
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    expires_at: Option<Timestamp>,
}

/// A new ping token. This answer is the only one that shows it.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewToken {
    #[schema(value_type = String, example = "tok_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5")]
    id: TokenId,
    #[schema(example = "ping_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5")]
    token: String,
    last4: String,
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[serde(flatten)]
    paste: Paste,
}

/// Nothing is asked for of a token.
#[derive(ToSchema)]
pub(crate) struct TokenBody {}

/// The agent's ping tokens that work, newest first. No secrets.
#[utoipa::path(
    get,
    path = "/v1/agents/{slug}/tokens",
    operation_id = "list_tokens",
    tag = "tokens",
    params(
        ("slug" = String, Path, description = "The agent's slug, percent-encoded."),
        ("limit" = inline(Option<u32>), Query, description = "At most so many; 50 if absent.", minimum = 1, maximum = 200),
        ("cursor" = inline(Option<String>), Query, description = "The `next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of tokens.", body = TokenList), Refusals, ManagedRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn list(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::Tokens, request, page).await
}

/// Makes a ping token, with the calls to paste. It is shown only once.
#[utoipa::path(
    post,
    path = "/v1/agents/{slug}/tokens",
    operation_id = "create_token",
    tag = "tokens",
    params(("slug" = String, Path, description = "The agent's slug, percent-encoded.")),
    request_body = Option<TokenBody>,
    responses((status = 201, description = "The token.", body = NewToken), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn create(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Tokens, request, make).await
}

/// Makes a ping token in place of another one, which works for another 24 hours.
#[utoipa::path(
    post,
    path = "/v1/agents/{slug}/tokens/{id}/rotate",
    operation_id = "rotate_token",
    tag = "tokens",
    params(
        ("slug" = String, Path, description = "The agent's slug, percent-encoded."),
        ("id" = String, Path, description = "The token's id.", pattern = "^tok_(eu|us)_[0-9a-f]{32}$"),
    ),
    request_body = Option<TokenBody>,
    responses((status = 201, description = "The new token.", body = NewToken), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals, TakenRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn rotate(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::TokenRotation, request, rotated).await
}

/// Revokes a ping token within seconds.
#[utoipa::path(
    delete,
    path = "/v1/agents/{slug}/tokens/{id}",
    operation_id = "delete_token",
    tag = "tokens",
    params(
        ("slug" = String, Path, description = "The agent's slug, percent-encoded."),
        ("id" = String, Path, description = "The token's id.", pattern = "^tok_(eu|us)_[0-9a-f]{32}$"),
    ),
    responses((status = 204, description = "It is revoked."), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn delete(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Token, request, removed).await
}

async fn page(mut call: Call) -> Result<Response, Problem> {
    let parameters = call.parameters(PAGE_PARAMETERS)?;
    let name = call.path().await;
    let slug = known(&call, name.as_deref()).await?.slug;
    let list = ["tokens", slug.as_str()];
    let page = NamePage::read(&parameters, &list)?;
    let permit = call.reads.permit(Weight::Rows).await?;
    let rows = working(&call, &slug).await?;
    let (rows, next_cursor) = page_of_newest(rows, &page, &list, |row| (row.created_at, row.id));
    let noted = Noted::of(&call, &rows).await?;
    Ok(permit.json(&TokenList { tokens: rows.iter().map(|row| noted.view(row)).collect(), next_cursor })?)
}

async fn make(mut call: Call, sent: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let name = call.path().await;
    let slug = known(&call, name.as_deref()).await?.slug;
    Fields::of(&sent.json_or_none()?, "", &[])?;
    let minted = Minted::by(&call);
    let row = TokenRow {
        id: minted.id,
        team: call.reader.team,
        agent: slug.clone(),
        created_at: minted.at,
        revoked_at: None,
        expires_at: None,
    };
    let registry = &call.registry;
    call.reads.ask_registry(registry.create_token(row, minted.hash())).await?;
    let kept = keep(&call, "token.create", &slug, Some(&minted), None).await;
    if let Err(problem) = kept {
        // What was not shown does not work. If this fails too, the token is listed, and was shown to no one.
        call.reads.ask_registry(registry.revoke_token(minted.id, minted.at)).await?;
        return Err(problem);
    }
    minted.answer(&call, &slug)
}

async fn rotated(mut call: Call, sent: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let (slug, old) = named(&mut call).await?;
    Fields::of(&sent.json_or_none()?, "", &[])?;
    let minted = Minted::by(&call);
    let (registry, ends_at) = (&call.registry, minted.at.plus_millis(OVERLAP_MS));
    let rotation = registry.rotate_token(old.id, ends_at, minted.id, minted.hash(), minted.at);
    call.reads.ask_registry(rotation).await?;
    let kept = keep(&call, "token.rotate", &slug, Some(&minted), None).await;
    if let Err(problem) = kept {
        call.reads.ask_registry(registry.undo_rotation(old.id, ends_at, minted.id, minted.at)).await?;
        return Err(problem);
    }
    minted.answer(&call, &slug)
}

async fn removed(mut call: Call, _: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let (slug, row) = named(&mut call).await?;
    let (registry, now) = (&call.registry, call.reads.now());
    call.reads.ask_registry(registry.revoke_token(row.id, now)).await?;
    keep(&call, "token.delete", &slug, None, Some(row.id)).await?;
    Ok(deleted())
}

/// The agent and its token that the path names.
async fn named(call: &mut Call) -> Result<(Slug, TokenRow), Problem> {
    let segments = call.segments().await.unwrap_or_default();
    let slug = known(call, segments.first().map(String::as_str)).await?.slug;
    let id = segments.get(1).map_or("?", String::as_str);
    let rows = working(call, &slug).await?;
    let row = rows.into_iter().find(|row| row.id.to_string() == id);
    Ok((slug, row.ok_or_else(|| Problem::Unknown { what: "token", name: id.to_owned() })?))
}

/// The tokens of an agent that are neither revoked nor expired.
async fn working(call: &Call, slug: &Slug) -> Result<Vec<TokenRow>, Problem> {
    let mut rows = working_of_team(call).await?;
    rows.retain(|row| row.agent == *slug);
    Ok(rows)
}

/// The same of all agents of the team.
async fn working_of_team(call: &Call) -> Result<Vec<TokenRow>, Problem> {
    let rows = call.reads.ask_list(call.registry.list_tokens(call.reader.team)).await?;
    let now = call.reads.now();
    let works = |row: &TokenRow| row.revoked_at.is_none() && row.expires_at.is_none_or(|end| now < end);
    Ok(rows.into_iter().filter(works).collect())
}

/// Writes the audit entry, and what is shown of a token later; or removes that.
async fn keep(
    call: &Call,
    action: &'static str,
    slug: &Slug,
    made: Option<&Minted>,
    gone: Option<TokenId>,
) -> Result<(), Problem> {
    let decide = || async move {
        let mut writes = Vec::new();
        if let Some(minted) = made {
            let doc = TokenDoc { last4: minted.last4(), hash: Some(hex(&minted.hash())) };
            writes.push(Kept::new(kinds::TOKEN, &minted.id.to_string(), doc).write()?);
        }
        if let Some(id) = gone {
            let (kind, name) = (kinds::TOKEN.into(), id.to_string().into());
            writes.push(DocumentWrite { kind, name, expected: Expected::Anything, doc: None, ends_at: None });
        }
        Ok(Change { writes, audited: Some((action, slug.to_string())), answer: () })
    };
    call.change(decide).await
}

/// A token that was made just now.
struct Minted {
    id: TokenId,
    token: PingToken,
    at: Timestamp,
}

impl Minted {
    fn by(call: &Call) -> Self {
        let (region, at, ids) = (call.reader.team.region(), call.reads.now(), &call.reads.ids);
        Minted { id: TokenId::mint(region, at, &ids.random()), token: PingToken::mint(region, at, &ids.random()), at }
    }

    fn hash(&self) -> CredentialHash {
        Credential::PingToken(self.token).hash()
    }

    fn last4(&self) -> String {
        let text = self.token.expose();
        text.chars().skip(text.len().saturating_sub(4)).collect()
    }

    fn answer(&self, call: &Call, slug: &Slug) -> Result<Response, Problem> {
        let settings = call.settings();
        let cron = settings.schedules.get(slug).and_then(|schedule| schedule.current());
        let cron = cron.and_then(|(_, definition)| definition.cron.clone());
        let token = self.token.expose();
        let paste = Paste::of(&call.reads.managed.ingest_url, &token, slug, cron.as_deref());
        let made = NewToken { id: self.id, token, last4: self.last4(), created_at: self.at, paste };
        object(StatusCode::CREATED, &made, &ETag::of(&made.id)?)
    }
}
