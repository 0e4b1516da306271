//! `GET /v1/runs`: an organization's runs, newest first, by filter and page.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tidegate_agentgate::Scope;
use tidegate_agentgate::views::{self, RunListRow};
use tidegate_kernel::{SmolStr, Timestamp};
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::call::{Call, Needs, client};
use crate::endpoint::Endpoint;
use crate::front_door::{FrontDoor, defect};
use crate::listing::{ListPage, PAGE_BYTES};
use crate::parse::RunQuery;
use crate::refusal::Refusal;
use crate::refusal_shapes::{ListRefusals, Refusals};
use crate::wire::{seconds, seconds_option};

/// The log's clock may be a little ahead of ours, over the end of a month.
const AHEAD_MS: i64 = 60_000;

/// A run in a list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListedRun {
    id: String,
    work_order_id: String,
    #[schema(example = "pending")]
    status: &'static str,
    iterations: u32,
    #[serde(serialize_with = "seconds")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[serde(serialize_with = "seconds_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    completed_at: Option<Timestamp>,
}

/// A page of runs, as [`ListPage`] writes it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used: a generic one does not name its items")]
struct RunPage {
    data: Vec<ListedRun>,
    /// How many match.
    total: usize,
    limit: usize,
    offset: usize,
}

/// Runs of the organization, newest first. All filters given must hold.
#[utoipa::path(
    get,
    path = "/v1/runs",
    operation_id = "list_runs",
    tag = "runs",
    params(
        ("status" = inline(Option<String>), Query, description = "`pending`, `running`, `succeeded`, `failed` or `cancelled`."),
        ("tenantId" = inline(Option<String>), Query, description = "Of this tenant."),
        ("tenantUserId" = inline(Option<String>), Query, description = "Of this user of a tenant."),
        ("limit" = inline(Option<u32>), Query, description = "At most so many; 20 if absent.", minimum = 1, maximum = 100),
        ("offset" = inline(Option<u32>), Query, description = "After so many; 0 if absent."),
    ),
    responses((status = 200, description = "A page of runs.", body = RunPage), Refusals, ListRefusals),
    security(("key" = [])),
)]
pub(crate) async fn list(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    client(door, Endpoint::Runs, Needs::scope(Scope::RunsRead), request, page).await
}

async fn page(call: Call, mut body: Body) -> Result<Answer, Refusal> {
    call.pass(&mut body).await;
    drop(body);
    let query = RunQuery::read(&call.query())?;
    let (door, org) = (&call.door, call.caller.org);
    let tenant = query.tenant_id.as_deref().map(|id| door.secrets.tenant(org, id));
    let user = query.tenant_user_id.as_deref().map(|id| door.secrets.tenant_user(org, id));
    let matches = |row: &RunListRow| {
        query.status.is_none_or(|status| row.status == status)
            && (tenant.is_none() || row.tenant == tenant)
            && (user.is_none() || row.tenant_user == user)
    };
    let permit = door.permit(PAGE_BYTES).await?;
    let shards = shards(&call, None, None);
    let listed = door.list(views::RUN_LIST, shards, query.page, matches).await?;
    let runs: Vec<ListedRun> = listed.rows.into_iter().filter_map(|(row, doc)| one(&row, doc)).collect();
    let page = ListPage::of(runs, listed.total, query.page);
    Ok(Answer::found(permit.json(&page).map_err(defect)?))
}

/// The shards of the caller's organization by month, newest first, as far as they can hold what lies in a span.
pub(super) fn shards(
    call: &Call,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> impl Iterator<Item = SmolStr> + Send + use<> {
    let org = call.caller.org;
    let first = call.caller.created_at.plus_millis(-AHEAD_MS);
    let last = call.received_at.plus_millis(AHEAD_MS);
    let from = from.map_or(first, |from| from.max(first));
    let to = to.map_or(last, |to| to.min(last));
    views::months_back(from, to).map(move |month| views::month_shard(org, month))
}

fn one(row: &str, doc: RunListRow) -> Option<ListedRun> {
    let id = views::run_of_row(row)?;
    Some(ListedRun {
        id: id.to_string(),
        work_order_id: id.work_order().to_string(),
        status: doc.status.as_str(),
        iterations: doc.iterations,
        created_at: doc.created_at_ms,
        completed_at: doc.ended_at_ms,
    })
}
