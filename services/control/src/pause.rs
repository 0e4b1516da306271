//! `/v1/agents/{slug}/pause` and `/v1/pause`: an operator pauses an agent, or the whole team.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use tidegate_agentping::Slug;
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_settings::pause::pause_rule_id;
use tidegate_agentping_settings::{PauseDoc, PauseRequest, PauseSpan, kinds};
use tidegate_kernel::Timestamp;
use tidegate_kernel::timestamp::{iso, iso_option};
use utoipa::ToSchema;

use crate::agents::known;
use crate::call::{Call, Sent, framed_change};
use crate::endpoint::Endpoint;
use crate::manage::{Change, ETag, Kept, deleted, object};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ChangeRefusals, ManagedRefusals, NotFoundRefusals, Refusals};

/// A pause to make.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct PauseBody {
    /// It ends by itself then; never if absent.
    #[schema(format = DateTime)]
    until: Option<String>,
    #[schema(max_length = 500)]
    note: Option<String>,
}

/// A pause that is in force.
#[derive(Serialize, ToSchema)]
pub(crate) struct PauseView {
    /// The id under which guard names it: always the same for an agent.
    #[schema(example = "grl_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5")]
    rule_id: String,
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    paused_at: Timestamp,
    /// The id of the key.
    paused_by: String,
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    note: Option<String>,
}

/// Pauses an agent, or changes its pause: guard blocks it, and slots are skipped. Its reports are taken, and do not end the
/// pause.
#[utoipa::path(
    put,
    path = "/v1/agents/{slug}/pause",
    operation_id = "pause_agent",
    tag = "pauses",
    params(("slug" = String, Path, description = "The agent's slug, percent-encoded.")),
    request_body = Option<PauseBody>,
    responses((status = 200, description = "The pause.", body = PauseView), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn put_agent(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Pause, request, async move |mut call: Call, sent: Sent| {
        call.parameters(&[])?;
        let name = call.path().await;
        let row = known(&call, name.as_deref()).await?;
        pause(call, sent, row.slug.as_str(), &row.id.to_string()).await
    })
    .await
}

/// Ends an agent's pause, if there is one.
#[utoipa::path(
    delete,
    path = "/v1/agents/{slug}/pause",
    operation_id = "resume_agent",
    tag = "pauses",
    params(("slug" = String, Path, description = "The agent's slug, percent-encoded.")),
    responses((status = 204, description = "There is no pause any more."), Refusals, ManagedRefusals, ChangeRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn delete_agent(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Pause, request, async move |mut call: Call, _: Sent| {
        call.parameters(&[])?;
        match call.path().await.and_then(|name| Slug::parse(&name).ok()) {
            Some(slug) => {
                let id = agent_id(call.reader.team, call.settings().names.key(&slug)).to_string();
                resume(call, slug.as_str(), &id).await
            }
            None => Ok(deleted()),
        }
    })
    .await
}

/// Pauses all agents of the team.
#[utoipa::path(
    put,
    path = "/v1/pause",
    operation_id = "pause_team",
    tag = "pauses",
    request_body = Option<PauseBody>,
    responses((status = 200, description = "The pause.", body = PauseView), Refusals, ManagedRefusals, ChangeRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn put_team(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::TeamPause, request, async move |call: Call, sent: Sent| {
        call.parameters(&[])?;
        let id = call.reader.team.to_string();
        pause(call, sent, kinds::WHOLE_TEAM, &id).await
    })
    .await
}

/// Ends the team's pause, if there is one. Pauses of single agents stay.
#[utoipa::path(
    delete,
    path = "/v1/pause",
    operation_id = "resume_team",
    tag = "pauses",
    responses((status = 204, description = "There is no pause any more."), Refusals, ManagedRefusals, ChangeRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn delete_team(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::TeamPause, request, async move |call: Call, _: Sent| {
        call.parameters(&[])?;
        let id = call.reader.team.to_string();
        resume(call, kinds::WHOLE_TEAM, &id).await
    })
    .await
}

async fn pause(call: Call, sent: Sent, name: &str, paused_id: &str) -> Result<Response, Problem> {
    let PauseRequest { until, note } = PauseRequest::parse(&sent.json_or_none()?, call.reads.now())?;
    let decide = || {
        let (call, note) = (&call, note.clone());
        async move {
            let mut kept: Kept<PauseDoc> = Kept::read(&call.reads, call.reader.team, kinds::PAUSE, name).await?;
            let now = call.reads.now();
            if_matched(call, &kept, paused_id, now)?;
            let held = kept.doc.at(now);
            let is_same = held.is_some_and(|held| held.until == until && held.note == note);
            let action = if held.is_some() { "pause.update" } else { "pause.create" };
            if !is_same {
                kept.doc.pause(now, call.by(), until, note);
            }
            let writes = if is_same { Vec::new() } else { vec![kept.write()?] };
            let view = kept.doc.at(now).map(|span| PauseView::of(span, paused_id));
            let answer = view.ok_or_else(|| Problem::Defect { cause: "a pause does not hold".to_owned() })?;
            Ok(Change { writes, audited: Some((action, name.to_owned())), answer })
        }
    };
    let view = call.change(decide).await?;
    object(StatusCode::OK, &view, &ETag::of(&view)?)
}

async fn resume(call: Call, name: &str, paused_id: &str) -> Result<Response, Problem> {
    let decide = || {
        let call = &call;
        async move {
            let mut kept: Kept<PauseDoc> = Kept::read(&call.reads, call.reader.team, kinds::PAUSE, name).await?;
            let now = call.reads.now();
            if kept.doc.at(now).is_some() {
                if_matched(call, &kept, paused_id, now)?;
            }
            let is_ended = kept.doc.resume(now);
            let writes = if is_ended { vec![kept.write()?] } else { Vec::new() };
            Ok(Change { writes, audited: Some(("pause.delete", name.to_owned())), answer: () })
        }
    };
    call.change(decide).await?;
    Ok(deleted())
}

fn if_matched(call: &Call, kept: &Kept<PauseDoc>, paused_id: &str, now: Timestamp) -> Result<(), Problem> {
    let tag = kept.doc.at(now).map(|span| ETag::of(&PauseView::of(span, paused_id))).transpose()?;
    ETag::matched(tag.as_ref(), call.headers())
}

impl PauseView {
    fn of(span: &PauseSpan, paused_id: &str) -> Self {
        let PauseSpan { paused_at, paused_by, until, note, .. } = span.clone();
        PauseView { rule_id: pause_rule_id(paused_id), paused_at, paused_by, until, note }
    }
}
