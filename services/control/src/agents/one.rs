//! One agent: made ahead of its first run, read, changed, deleted.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::Value;
use tidegate_agentping::Slug;
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_ports::{AgentRow, RegistryError};
use tidegate_agentping_settings::{AgentDoc, Fields, ScheduleDoc, SettingFault, kinds};
use utoipa::ToSchema;

use super::{AgentView, known};
use crate::call::{Call, Sent, framed_change, framed_managed};
use crate::endpoint::Endpoint;
use crate::manage::{Change, ETag, Kept, deleted, known_routes, object};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ChangeRefusals, ManagedRefusals, NotFoundRefusals, Refusals, TakenRefusals};
use crate::standing::Standings;
use crate::team::MaintenanceView;

/// An agent to make.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct NewAgent {
    /// Its slug.
    #[schema(min_length = 1, max_length = 128)]
    agent: String,
    #[schema(max_length = 1000)]
    description: Option<String>,
    /// At most 20.
    tags: Option<Vec<String>>,
    /// `"inherit"` (the default), a list of routes that replaces the team's, or `{"add": […]}`.
    #[schema(value_type = Option<Value>)]
    routes: Option<()>,
    /// When its messages are held back, time and again.
    maintenance: Option<Vec<MaintenanceView>>,
}

/// What is set of an agent. `null` unsets.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct AgentPatch {
    #[schema(max_length = 1000)]
    description: Option<String>,
    /// At most 20.
    tags: Option<Vec<String>>,
    /// `"inherit"`, a list of routes that replaces the team's, or `{"add": […]}`.
    #[schema(value_type = Option<Value>)]
    routes: Option<()>,
    /// When its messages are held back, time and again.
    maintenance: Option<Vec<MaintenanceView>>,
}

/// Makes an agent ahead of its first run. It counts towards the plan's agents.
#[utoipa::path(
    post,
    path = "/v1/agents",
    operation_id = "create_agent",
    tag = "agents",
    request_body = NewAgent,
    responses((status = 201, description = "The agent.", body = AgentView), Refusals, ManagedRefusals, ChangeRefusals, TakenRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn create(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Agents, request, make).await
}

/// One agent.
#[utoipa::path(
    get,
    path = "/v1/agents/{slug}",
    operation_id = "read_agent",
    tag = "agents",
    params(("slug" = String, Path, description = "Its slug, percent-encoded.")),
    responses((status = 200, description = "The agent.", body = AgentView), Refusals, ManagedRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn read(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::Agent, request, one).await
}

/// Changes what is set of an agent. Pauses and mutes are not touched.
#[utoipa::path(
    patch,
    path = "/v1/agents/{slug}",
    operation_id = "change_agent",
    tag = "agents",
    params(("slug" = String, Path, description = "Its slug, percent-encoded.")),
    request_body = AgentPatch,
    responses((status = 200, description = "The agent.", body = AgentView), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn patch(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Agent, request, changed).await
}

/// Deletes an agent: it is not judged any more, its ping tokens are revoked, and its slot is free. Its runs stay, and so do a
/// pause and a mute. It is there again once it reports again.
#[utoipa::path(
    delete,
    path = "/v1/agents/{slug}",
    operation_id = "delete_agent",
    tag = "agents",
    params(("slug" = String, Path, description = "Its slug, percent-encoded.")),
    responses((status = 204, description = "It is deleted."), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn delete(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Agent, request, removed).await
}

async fn one(mut call: Call) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let name = call.path().await;
    let row = known(&call, name.as_deref()).await?;
    let judged = super::judged(&call, &row).await?;
    let view = AgentView::in_settings(&row, &call.settings(), &judged, call.reads.now());
    object(StatusCode::OK, &view, &view.tag()?)
}

async fn make(call: Call, sent: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let given = sent.json()?;
    let members: Vec<&str> = std::iter::once("agent").chain(AgentDoc::MEMBERS).collect();
    let given = Fields::of(&given, "", &members)?;
    let slug = given.need("agent", slug)?;
    let mut wanted = AgentDoc::default();
    wanted.change(&given)?;
    let (team, reads) = (call.reader.team, &call.reads);
    known_routes(reads, team, &wanted.routes.mentioned("routes")).await?;

    let now = reads.now();
    let rows = reads.ask(call.queries.agents(team)).await?;
    let there = rows.into_iter().find(|row| row.slug == slug);
    if there.as_ref().is_some_and(|row| super::is_there(row, &call.settings())) {
        return Err(Problem::AgentExists(slug));
    }
    let made = reads.ask_registry(taking_slot(reads, &call, &slug)).await?;
    let first_seen = there.as_ref().map_or(now, |row| row.first_seen);
    let row = AgentRow { first_seen, ..made };
    wanted.created_at = Some(now);
    let written = call.change(|| {
        let wanted = wanted.clone();
        let (call, row) = (&call, &row);
        async move {
            let mut kept: Kept<AgentDoc> = Kept::read(&call.reads, team, kinds::AGENT, row.slug.as_str()).await?;
            kept.doc = wanted;
            let audited = Some(("agent.create", row.slug.to_string()));
            Ok(Change { writes: vec![kept.write()?], audited, answer: kept.doc })
        }
    });
    let set = written.await?;
    let view = AgentView::of(&row, &set, None, &call.settings(), &Standings::default(), now);
    object(StatusCode::CREATED, &view, &view.tag()?)
}

/// A slot of the plan for an agent. One that has it already goes on: the call before was broken off, or it was deleted and has
/// reported meanwhile.
async fn taking_slot(reads: &Reads, call: &Call, slug: &Slug) -> Result<AgentRow, RegistryError> {
    let (team, now) = (call.reader.team, reads.now());
    match call.registry.create_agent(team, slug.clone(), now).await {
        Ok(()) | Err(RegistryError::Exists { .. }) => {
            let id = agent_id(team, call.settings().names.key(slug));
            Ok(AgentRow { id, last_seen: None, ..AgentRow::seen(team, slug.clone(), now) })
        }
        Err(error) => Err(error),
    }
}

async fn changed(mut call: Call, sent: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let name = call.path().await;
    let row = known(&call, name.as_deref()).await?;
    let given = sent.json()?;
    let given = Fields::of(&given, "", &AgentDoc::MEMBERS)?;
    let (team, slug) = (call.reader.team, row.slug.as_str());
    let judged = super::judged(&call, &row).await?;
    let decide = || {
        let (call, row, given, judged) = (&call, &row, &given, &judged);
        async move {
            let reads = &call.reads;
            let mut kept: Kept<AgentDoc> = Kept::read(reads, team, kinds::AGENT, slug).await?;
            let schedule: Kept<ScheduleDoc> = Kept::read(reads, team, kinds::SCHEDULE, slug).await?;
            let settings = call.settings();
            let view = |set: &AgentDoc| AgentView::of(row, set, schedule.doc.current(), &settings, judged, reads.now());
            ETag::matched(Some(&view(&kept.doc).tag()?), call.headers())?;
            let before = kept.doc.clone();
            if !kept.doc.is_there(None) {
                // It was deleted and has reported again: what was deleted does not come back.
                kept.doc = AgentDoc::default();
            }
            kept.doc.change(given)?;
            known_routes(reads, team, &kept.doc.routes.mentioned("routes")).await?;
            let writes = if kept.doc == before { Vec::new() } else { vec![kept.write()?] };
            let view = view(&kept.doc);
            Ok(Change { writes, audited: Some(("agent.update", slug.to_owned())), answer: view })
        }
    };
    let view = call.change(decide).await?;
    object(StatusCode::OK, &view, &view.tag()?)
}

async fn removed(mut call: Call, _: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let name = call.path().await;
    let row = known(&call, name.as_deref()).await?;
    let (team, slug) = (call.reader.team, row.slug.as_str());
    let key = call.settings().names.key(&row.slug).clone();
    let decide = || {
        let (call, row, key) = (&call, &row, &key);
        async move {
            // It may have been renamed meanwhile.
            if call.settings().names.key(&row.slug) != key {
                return Err(Problem::Unknown { what: "agent", name: slug.to_owned() });
            }
            let now = call.reads.now();
            let reads = &call.reads;
            let mut kept: Kept<AgentDoc> = Kept::read(reads, team, kinds::AGENT, slug).await?;
            let mut schedule: Kept<ScheduleDoc> = Kept::read(reads, team, kinds::SCHEDULE, slug).await?;
            let (current, unjudged) = (schedule.doc.current(), Standings::default());
            let view = AgentView::of(row, &kept.doc, current, &call.settings(), &unjudged, now);
            ETag::matched(Some(&view.tag()?), call.headers())?;
            // Later than all that was received of it: a run that is received from now on brings it back.
            let deleted_at = row.last_seen.map_or(now, |seen| seen.max(now));
            kept.doc = AgentDoc { deleted_at: Some(deleted_at), ..AgentDoc::default() };
            let mut writes = vec![kept.write()?];
            if schedule.doc.set(now, None) {
                writes.push(schedule.write()?);
            }
            Ok(Change { writes, audited: Some(("agent.delete", slug.to_owned())), answer: () })
        }
    };
    // A stale request changes nothing. The documents are written last: until then the same call again completes it.
    decide().await?;
    let (reads, now) = (&call.reads, call.reads.now());
    let tokens = reads.ask_registry(call.registry.list_tokens(team)).await?;
    for token in tokens.into_iter().filter(|token| token.agent == row.slug && token.revoked_at.is_none()) {
        reads.ask_registry(call.registry.revoke_token(token.id, now)).await?;
    }
    reads.archive(&*call.registry, team, row.slug.clone(), key.clone()).await?;
    call.change(decide).await?;
    Ok(deleted())
}

/// A slug as clients send it.
///
/// # Errors
/// [`SettingFault`].
pub(super) fn slug(value: &Value, path: &str) -> Result<Slug, SettingFault> {
    let text = value.as_str().ok_or_else(|| SettingFault::at(path, "must be text"))?;
    Slug::sent(text).map_err(|error| SettingFault::at(path, error.to_string()))
}
