//! `/v1/checks/{id}`: one check, read, changed, deleted.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use tidegate_agentping_checks::{CheckDoc, CheckId};
use tidegate_agentping_settings::kinds;

use super::{CheckBody, CheckView, free_name, taken_name};
use crate::call::{Call, Sent, framed_change, framed_managed};
use crate::endpoint::Endpoint;
use crate::manage::{Change, ETag, Kept, deleted, object};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ChangeRefusals, ManagedRefusals, NotFoundRefusals, Refusals, TakenRefusals};

/// A check.
#[utoipa::path(
    get,
    path = "/v1/checks/{id}",
    operation_id = "read_check",
    tag = "checks",
    params(("id" = String, Path, description = "The check's id.", pattern = "^chk_(eu|us)_[0-9a-f]{32}$")),
    responses((status = 200, description = "The check.", body = CheckView), Refusals, ManagedRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn read(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::Check, request, one).await
}

/// Changes the members that are given: a new version, which judges runs that end later. Results of former versions stay.
#[utoipa::path(
    patch,
    path = "/v1/checks/{id}",
    operation_id = "change_check",
    tag = "checks",
    params(("id" = String, Path, description = "The check's id.", pattern = "^chk_(eu|us)_[0-9a-f]{32}$")),
    request_body = CheckBody,
    responses((status = 200, description = "The check.", body = CheckView), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals, TakenRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn patch(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Check, request, changed).await
}

/// Removes a check. Its results stay.
#[utoipa::path(
    delete,
    path = "/v1/checks/{id}",
    operation_id = "delete_check",
    tag = "checks",
    params(("id" = String, Path, description = "The check's id.", pattern = "^chk_(eu|us)_[0-9a-f]{32}$")),
    responses((status = 204, description = "It is removed."), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn delete(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Check, request, removed).await
}

async fn one(mut call: Call) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let id = call.path().await.unwrap_or_default();
    let view = CheckView::of(&id, &known(&call, &id).await?.doc);
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
            kept.doc.change(given, call.reader.plan, call.reads.now())?;
            let mut writes = Vec::new();
            if kept.doc != before {
                writes.push(kept.write()?);
            }
            if kept.doc.name != before.name {
                writes.push(free_name(call, &kept.doc, id).await?.write()?);
                writes.extend(taken_name(call, &before).await?.map(|name| name.removal()));
            }
            let audited = Some(("check.update", format!("{} {}", kept.doc.agent, kept.doc.name)));
            Ok(Change { writes, audited, answer: CheckView::of(id, &kept.doc) })
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
            writes.extend(taken_name(call, &kept.doc).await?.map(|name| name.removal()));
            let audited = Some(("check.delete", format!("{} {}", kept.doc.agent, kept.doc.name)));
            Ok(Change { writes, audited, answer: () })
        }
    };
    call.change(decide).await?;
    Ok(deleted())
}

/// The check of the team with this id.
///
/// # Errors
/// [`Problem::Unknown`]; the store's.
pub(super) async fn known(call: &Call, id: &str) -> Result<Kept<CheckDoc>, Problem> {
    Kept::known(call, kinds::CHECK, "check", (id, CheckId::parse(id).is_ok())).await
}

fn if_matched(call: &Call, id: &str, kept: &Kept<CheckDoc>) -> Result<(), Problem> {
    ETag::matched(Some(&ETag::of(&CheckView::of(id, &kept.doc))?), call.headers())
}
