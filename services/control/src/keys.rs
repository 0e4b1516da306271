//! `GET /v1/keys`: a team's API keys, without their secrets. They are made and revoked by who operates the service.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tidegate_agentping::{KeyAccess, KeyId, KeyLabel};
use tidegate_agentping_ports::KeyRow;
use tidegate_agentping_ports::key_uses::last_key_uses;
use tidegate_kernel::Timestamp;
use tidegate_kernel::timestamp::{iso, iso_option};
use utoipa::ToSchema;

use crate::call::{Call, framed_managed};
use crate::endpoint::Endpoint;
use crate::manage::{NamePage, PAGE_PARAMETERS, page_of_newest};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ManagedRefusals, Refusals};
use crate::weight::Weight;

const LIST: &[&str] = &["keys"];

/// A page of the team's API keys, with those that are revoked.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyList {
    /// Newest first.
    keys: Vec<KeyView>,
    /// Send it as `cursor` for the next page; null at the end.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// An API key, without its secret.
#[derive(Serialize, ToSchema)]
struct KeyView {
    #[schema(value_type = String, example = "key_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5")]
    id: KeyId,
    /// What it is for; absent where whoever made it did not say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, max_length = 64)]
    label: Option<KeyLabel>,
    /// `full`, or `read`: it neither reports nor changes anything.
    #[schema(value_type = String, pattern = "^(full|read)$")]
    access: KeyAccess,
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last used, to about five minutes; absent where no use was noted.
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    last_used_at: Option<Timestamp>,
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    revoked_at: Option<Timestamp>,
}

/// The team's API keys, newest first, with those that are revoked. No secrets.
#[utoipa::path(
    get,
    path = "/v1/keys",
    operation_id = "list_keys",
    tag = "team",
    params(
        ("limit" = inline(Option<u32>), Query, description = "At most so many; 50 if absent.", minimum = 1, maximum = 200),
        ("cursor" = inline(Option<String>), Query, description = "The `next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of keys.", body = KeyList), Refusals, ManagedRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn list(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::Keys, request, page).await
}

async fn page(call: Call) -> Result<Response, Problem> {
    let page = NamePage::read(&call.parameters(PAGE_PARAMETERS)?, LIST)?;
    let Call { reads, reader, registry, .. } = call;
    let permit = reads.permit(Weight::Rows).await?;
    let rows = reads.ask_list(registry.list_keys(reader.team)).await?;
    let (rows, next_cursor) = page_of_newest(rows, &page, LIST, |row| (row.created_at, row.id));
    let ids: Vec<KeyId> = rows.iter().map(|row| row.id).collect();
    let uses = reads.ask(last_key_uses(&*reads.managed.rows, &ids)).await?;
    let keys = rows.into_iter().zip(uses).map(|(row, last_used_at)| KeyView::of(row, last_used_at)).collect();
    Ok(permit.json(&KeyList { keys, next_cursor })?)
}

impl KeyView {
    fn of(row: KeyRow, last_used_at: Option<Timestamp>) -> Self {
        let KeyRow { id, team: _, access, created_at, revoked_at, label } = row;
        KeyView { id, label, access, created_at, last_used_at, revoked_at }
    }
}
