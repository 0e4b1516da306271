//! `/v1/agents/{slug}/mute`, `/v1/routes/{id}/mute` and `/v1/mute`: messages are held back for a while.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use tidegate_agentping::Slug;
use tidegate_agentping_settings::{MuteDoc, MuteRequest, kinds};
use tidegate_kernel::Timestamp;
use tidegate_kernel::timestamp::iso;
use utoipa::ToSchema;

use crate::agents::known;
use crate::call::{Call, Sent, framed_change};
use crate::endpoint::Endpoint;
use crate::manage::{Change, ETag, Kept, deleted, object};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ChangeRefusals, ManagedRefusals, NotFoundRefusals, Refusals};

/// A mute to make.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct MuteBody {
    /// It ends by itself then, within 30 days.
    #[schema(format = DateTime)]
    until: String,
    #[schema(max_length = 500)]
    reason: Option<String>,
}

/// A mute that is in force.
#[derive(Serialize, ToSchema)]
pub(crate) struct MuteView {
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    muted_at: Timestamp,
    /// The id of the key.
    muted_by: String,
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    reason: Option<String>,
}

/// What is muted: the name of the mute's document, and what it is called in the audit.
struct Muted {
    document: String,
    audited: String,
}

impl Muted {
    fn agent(slug: &Slug) -> Self {
        Muted { document: kinds::mute_of_agent(slug), audited: slug.to_string() }
    }

    fn route(id: &str) -> Self {
        Muted { document: kinds::mute_of_route(id), audited: format!("route {id}") }
    }

    fn team() -> Self {
        Muted { document: kinds::WHOLE_TEAM.to_owned(), audited: String::new() }
    }
}

/// Holds back an agent's messages for a while, or changes until when. Judging goes on.
#[utoipa::path(
    put,
    path = "/v1/agents/{slug}/mute",
    operation_id = "mute_agent",
    tag = "mutes",
    params(("slug" = String, Path, description = "The agent's slug, percent-encoded.")),
    request_body = MuteBody,
    responses((status = 200, description = "The mute.", body = MuteView), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn put_agent(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Mute, request, async move |mut call: Call, sent: Sent| {
        call.parameters(&[])?;
        let name = call.path().await;
        let row = known(&call, name.as_deref()).await?;
        mute(call, sent, Muted::agent(&row.slug)).await
    })
    .await
}

/// Ends an agent's mute, if there is one.
#[utoipa::path(
    delete,
    path = "/v1/agents/{slug}/mute",
    operation_id = "unmute_agent",
    tag = "mutes",
    params(("slug" = String, Path, description = "The agent's slug, percent-encoded.")),
    responses((status = 204, description = "There is no mute any more."), Refusals, ManagedRefusals, ChangeRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn delete_agent(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Mute, request, async move |mut call: Call, _: Sent| {
        call.parameters(&[])?;
        match call.path().await.and_then(|name| Slug::parse(&name).ok()) {
            Some(slug) => unmute(call, Muted::agent(&slug)).await,
            None => Ok(deleted()),
        }
    })
    .await
}

/// Holds back a route's messages for a while, or changes until when.
#[utoipa::path(
    put,
    path = "/v1/routes/{id}/mute",
    operation_id = "mute_route",
    tag = "mutes",
    params(("id" = String, Path, description = "The route's id.")),
    request_body = MuteBody,
    responses((status = 200, description = "The mute.", body = MuteView), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn put_route(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::RouteMute, request, async move |mut call: Call, sent: Sent| {
        call.parameters(&[])?;
        let id = call.path().await.unwrap_or_default();
        let route = Kept::<Value>::find(&call.reads, call.reader.team, kinds::ROUTE, &id).await?;
        if route.is_none() {
            return Err(Problem::Unknown { what: "route", name: id });
        }
        mute(call, sent, Muted::route(&id)).await
    })
    .await
}

/// Ends a route's mute, if there is one.
#[utoipa::path(
    delete,
    path = "/v1/routes/{id}/mute",
    operation_id = "unmute_route",
    tag = "mutes",
    params(("id" = String, Path, description = "The route's id.")),
    responses((status = 204, description = "There is no mute any more."), Refusals, ManagedRefusals, ChangeRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn delete_route(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::RouteMute, request, async move |mut call: Call, _: Sent| {
        call.parameters(&[])?;
        match call.path().await {
            Some(id) => unmute(call, Muted::route(&id)).await,
            None => Ok(deleted()),
        }
    })
    .await
}

/// Holds back all messages of the team for a while, or changes until when.
#[utoipa::path(
    put,
    path = "/v1/mute",
    operation_id = "mute_team",
    tag = "mutes",
    request_body = MuteBody,
    responses((status = 200, description = "The mute.", body = MuteView), Refusals, ManagedRefusals, ChangeRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn put_team(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::TeamMute, request, async move |call: Call, sent: Sent| {
        call.parameters(&[])?;
        mute(call, sent, Muted::team()).await
    })
    .await
}

/// Ends the team's mute, if there is one. Mutes of single agents and routes stay.
#[utoipa::path(
    delete,
    path = "/v1/mute",
    operation_id = "unmute_team",
    tag = "mutes",
    responses((status = 204, description = "There is no mute any more."), Refusals, ManagedRefusals, ChangeRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn delete_team(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::TeamMute, request, async move |call: Call, _: Sent| {
        call.parameters(&[])?;
        unmute(call, Muted::team()).await
    })
    .await
}

async fn mute(call: Call, sent: Sent, muted: Muted) -> Result<Response, Problem> {
    let MuteRequest { until, reason } = MuteRequest::parse(&sent.json()?, call.reads.now())?;
    let decide = || {
        let (call, muted, reason) = (&call, &muted, reason.clone());
        async move {
            let (now, name) = (call.reads.now(), muted.document.as_str());
            let found = Kept::<MuteDoc>::find(&call.reads, call.reader.team, kinds::MUTE, name).await?;
            let held = found.as_ref().map(|kept| &kept.doc).filter(|mute| mute.holds(now));
            if_matched(call, held)?;
            let is_same = held.is_some_and(|held| held.until == until && held.reason == reason);
            let action = if held.is_some() { "mute.update" } else { "mute.create" };
            let muted_at = held.map_or(now, |held| held.muted_at);
            let wanted = match held.filter(|_| is_same) {
                Some(held) => held.clone(),
                None => MuteDoc { muted_at, muted_by: call.by(), until, reason, unmuted_at: None },
            };
            let answer = MuteView::of(&wanted);
            let kept = match found {
                Some(kept) => kept.with(wanted),
                None => Kept::new(kinds::MUTE, name, wanted),
            };
            let writes = if is_same { Vec::new() } else { vec![kept.write()?] };
            Ok(Change { writes, audited: Some((action, muted.audited.clone())), answer })
        }
    };
    let view = call.change(decide).await?;
    object(StatusCode::OK, &view, &ETag::of(&view)?)
}

async fn unmute(call: Call, muted: Muted) -> Result<Response, Problem> {
    let decide = || {
        let (call, muted) = (&call, &muted);
        async move {
            let (now, name) = (call.reads.now(), muted.document.as_str());
            let found = Kept::<MuteDoc>::find(&call.reads, call.reader.team, kinds::MUTE, name).await?;
            let mut writes = Vec::new();
            if let Some(mut kept) = found.filter(|kept| kept.doc.holds(now)) {
                if_matched(call, Some(&kept.doc))?;
                // It stays, as whoever sends must learn when it ended.
                kept.doc.unmuted_at = Some(now);
                writes.push(kept.write()?);
            }
            Ok(Change { writes, audited: Some(("mute.delete", muted.audited.clone())), answer: () })
        }
    };
    call.change(decide).await?;
    Ok(deleted())
}

fn if_matched(call: &Call, held: Option<&MuteDoc>) -> Result<(), Problem> {
    let tag = held.map(|held| ETag::of(&MuteView::of(held))).transpose()?;
    ETag::matched(tag.as_ref(), call.headers())
}

impl MuteView {
    fn of(mute: &MuteDoc) -> Self {
        let MuteDoc { muted_at, muted_by, until, reason, .. } = mute.clone();
        MuteView { muted_at, muted_by, until, reason }
    }
}
