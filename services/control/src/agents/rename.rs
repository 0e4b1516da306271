//! `POST /v1/agents/{slug}/rename`: another name for an agent (AC-77). Its id, runs, slots, incidents and tokens stay its
//! own, and what is set of it moves along.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use tidegate_agentping::{AgentNames, Rename, Slug};
use tidegate_agentping_ports::{AgentRow, NamesDoc};
use tidegate_agentping_settings::{AgentDoc, Fields, ScheduleDoc, SettingFault, kinds};
use tidegate_ports::MAX_WRITES;
use tokio::time::sleep;
use utoipa::ToSchema;

use super::moves::Move;
use super::one::slug;
use super::{AgentView, judged, known};
use crate::call::{Call, Sent, framed_change};
use crate::endpoint::Endpoint;
use crate::manage::{Change, ETag, Kept, object};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ChangeRefusals, ManagedRefusals, NotFoundRefusals, Refusals, TakenRefusals};
use crate::standing::Standings;

/// Bytes of all renames of a team at most: a document has its bound.
const MAX_NAMES_BYTES: usize = 100_000;

/// The new name.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct RenameBody {
    /// A slug that no agent of the team has.
    #[schema(min_length = 1, max_length = 128)]
    to: String,
}

/// Gives an agent another name. Its id stays, and so does all that it has: runs, spend, slots, incidents, tokens, schedule,
/// checks, routes, pause, mute, badges, and guard rules that name it. A run that is sent under the old name afterwards is a
/// new agent's; a ping with a token of the agent is the agent's under each name that it had. Answered once every front door
/// goes by it, which takes some three seconds.
#[utoipa::path(
    post,
    path = "/v1/agents/{slug}/rename",
    operation_id = "rename_agent",
    tag = "agents",
    params(("slug" = String, Path, description = "Its slug, percent-encoded.")),
    request_body = RenameBody,
    responses((status = 200, description = "The agent under its new name.", body = AgentView), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals, TakenRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn rename(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::AgentRename, request, renamed).await
}

async fn renamed(mut call: Call, sent: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let name = call.path().await;
    known(&call, name.as_deref()).await?;
    let given = sent.json()?;
    let to = Fields::of(&given, "", &["to"])?.need("to", slug)?;
    let decide = || {
        let (call, name, to) = (&call, name.as_deref(), &to);
        decided(call, name, to)
    };
    let (row, is_new) = call.change(decide).await?;
    if is_new {
        // Front doors keep what names mean for as long as they keep credentials.
        sleep(call.reads.rename_wait).await;
    }
    let judged = judged(&call, &row).await?;
    let view = AgentView::in_settings(&row, &call.settings(), &judged, call.reads.now());
    object(StatusCode::OK, &view, &view.tag()?)
}

/// The rename with all that moves, as one change; the answer is the agent, and whether it has a new name.
async fn decided(call: &Call, name: Option<&str>, to: &Slug) -> Result<Change<(AgentRow, bool)>, Problem> {
    let (reads, team, now) = (&call.reads, call.reader.team, call.reads.now());
    // Read first: whoever renames at the same time conflicts on it.
    let mut names: Kept<NamesDoc> = Kept::read(reads, team, kinds::NAMES, kinds::WHOLE_TEAM).await?;
    let row = known(call, name).await?;
    let from = &row.slug;
    let set: Kept<AgentDoc> = Kept::read(reads, team, kinds::AGENT, from.as_str()).await?;
    let schedule: Kept<ScheduleDoc> = Kept::read(reads, team, kinds::SCHEDULE, from.as_str()).await?;
    let unjudged = Standings::default();
    let view = AgentView::of(&row, &set.doc, schedule.doc.current(), &call.settings(), &unjudged, now);
    ETag::matched(Some(&view.tag()?), call.headers())?;
    if from == to {
        return Ok(Change { writes: Vec::new(), audited: None, answer: (row, false) });
    }
    if is_taken(call, to).await? {
        return Err(Problem::AgentExists(to.clone()));
    }
    let displaced = AgentNames::displaced(to, names.doc.renames.len());
    let mut writes = Move { from, to, displaced: &displaced }.writes(reads, team).await?;
    names.doc.renames.push(Rename { from: from.clone(), to: to.clone(), at: now });
    let write = names.write()?;
    let is_full = names.doc.renames.len() > NamesDoc::MAX_RENAMES
        || write.doc.as_ref().is_some_and(|doc| doc.len() > MAX_NAMES_BYTES);
    if is_full {
        let most = NamesDoc::MAX_RENAMES;
        return Err(SettingFault::at("to", format!("would be one more than the {most} renames that a team has")).into());
    }
    writes.push(write);
    // One is the entry of the audit.
    if writes.len() >= MAX_WRITES {
        let fault = format!("would change more guard rules and badges than the {MAX_WRITES} documents of one change");
        return Err(SettingFault::at("to", fault).into());
    }
    let audited = Some(("agent.rename", format!("{from} → {to}")));
    let answer = (AgentRow { slug: to.clone(), ..row.clone() }, true);
    Ok(Change { writes, audited, answer })
}

/// Whether an agent has the name. A deleted one gives it away.
async fn is_taken(call: &Call, name: &Slug) -> Result<bool, Problem> {
    let (reads, team) = (&call.reads, call.reader.team);
    let rows = reads.ask(call.queries.agents(team)).await?;
    let Some(holder) = rows.into_iter().find(|row| row.slug == *name) else { return Ok(false) };
    let set: Kept<AgentDoc> = Kept::read(reads, team, kinds::AGENT, name.as_str()).await?;
    Ok(set.doc.is_there(holder.last_seen))
}
