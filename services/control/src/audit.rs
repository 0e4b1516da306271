//! `GET /v1/audit`: who changed what, newest first.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tidegate_agentping_settings::{AuditDoc, kinds};
use tidegate_kernel::timestamp::iso;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{Document, DocumentList, ScanOrder};
use utoipa::ToSchema;

use crate::call::{Call, framed_managed};
use crate::endpoint::Endpoint;
use crate::manage::{NamePage, PAGE_PARAMETERS, page_of};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ManagedRefusals, Refusals};
use crate::weight::Weight;

const LIST: &[&str] = &["audit"];

/// A page of what was changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditList {
    /// Newest first.
    entries: Vec<AuditView>,
    /// Send it as `cursor` for the next page; null at the end.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// One change.
#[derive(Serialize, ToSchema)]
struct AuditView {
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The id of the key.
    #[schema(value_type = String)]
    by: SmolStr,
    #[schema(value_type = String, example = "schedule.update")]
    action: SmolStr,
    /// The name or slug of what was changed; empty for the whole team.
    #[schema(value_type = String)]
    what: SmolStr,
}

/// What was changed by whom in the last 90 days, newest first. It holds no secrets.
#[utoipa::path(
    get,
    path = "/v1/audit",
    operation_id = "list_audit",
    tag = "team",
    params(
        ("limit" = inline(Option<u32>), Query, description = "At most so many; 50 if absent.", minimum = 1, maximum = 200),
        ("cursor" = inline(Option<String>), Query, description = "The `next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of entries.", body = AuditList), Refusals, ManagedRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn list(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::Audit, request, page).await
}

async fn page(call: Call) -> Result<Response, Problem> {
    let page = NamePage::read(&call.parameters(PAGE_PARAMETERS)?, LIST)?;
    let Call { reads, reader, .. } = call;
    let permit = reads.permit(Weight::Rows).await?;
    let space = reader.team.to_string();
    let list = DocumentList {
        space: &space,
        kind: kinds::AUDIT,
        prefix: "",
        after: page.after.as_deref(),
        order: ScanOrder::Descending,
        limit: page.limit + 1,
    };
    let found = reads.ask(reads.managed.documents.list(&list)).await?;
    let (found, next_cursor) = page_of(found, &page, LIST, |document| document.name.to_string());
    let entries = found.iter().filter_map(view).collect();
    Ok(permit.json(&AuditList { entries, next_cursor })?)
}

/// An entry of a later release is left out.
fn view(document: &Document) -> Option<AuditView> {
    let AuditDoc { at, by, action, what } = serde_json::from_slice(&document.doc).ok()?;
    Some(AuditView { at, by, action, what })
}
