//! `GET /v1/guard/checks` and `GET /v1/guard/checks/{id}`: checks that blocked, kept for 30 days.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_agentping::TeamId;
use tidegate_agentping::id::{Id, IdKind, PublicKind};
use tidegate_agentping_ports::spend_rows::{GUARD_BLOCKS, day_shard};
use tidegate_agentping_pulse::spend::hour_of;
use tidegate_agentping_settings::guard::RuleShown;
use tidegate_agentping_settings::{GuardCheck, GuardVerdict};
use tidegate_kernel::timestamp::iso;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{KeptRow, RowKey, RowScan, RowWrite, Rows, ScanOrder, StoreError};
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::call::{Call, framed_managed};
use crate::endpoint::Endpoint;
use crate::manage::{ETag, NamePage, PAGE_PARAMETERS, object, page_of};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ManagedRefusals, NotFoundRefusals, Refusals};
use crate::weight::Weight;

/// How long an answer waits until its block is kept. It is kept later otherwise.
const KEEP_WITHIN: Duration = Duration::from_millis(200);
const LIST: &[&str] = &["guard_checks"];
/// Days of a listing that are read concurrently: most have no block.
const DAYS_AT_ONCE: usize = 8;

/// A check that blocked.
#[derive(Debug)]
pub(crate) enum GuardCheckKind {}
impl IdKind for GuardCheckKind {
    const PREFIX: &'static str = "gck";
}
impl PublicKind for GuardCheckKind {}
pub(crate) type GuardCheckId = Id<GuardCheckKind>;

/// A check that blocked, as it is kept and answered.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct GuardBlock {
    #[schema(example = "gck_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5")]
    id: String,
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What was asked: the members of the check that were understood.
    #[schema(value_type = Object)]
    request: GuardCheck,
    /// The ids of what blocked.
    #[schema(value_type = Vec<String>)]
    blocked_by: Vec<SmolStr>,
    /// Every rule that applied, and a pause.
    #[schema(value_type = Vec<Object>)]
    rules: Vec<RuleShown>,
}

/// A page of checks that blocked.
#[derive(Serialize, ToSchema)]
pub(crate) struct GuardBlockList {
    /// Newest first.
    checks: Vec<GuardBlock>,
    /// Send it as `cursor` for the next page; null at the end.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// Keeps a block, and returns its id. If the store is slow or down, or `is_kept` is false, only the id is there.
pub(super) async fn keep(
    call: &Call,
    asked: &GuardCheck,
    verdict: &GuardVerdict,
    now: Timestamp,
    is_kept: bool,
) -> GuardCheckId {
    let reads = &call.reads;
    let id: GuardCheckId = reads.ids.mint(call.reader.team.region(), now);
    let block = GuardBlock {
        id: id.to_string(),
        at: now,
        request: asked.clone(),
        blocked_by: verdict.blocked_by.clone(),
        rules: verdict.rules.clone(),
    };
    let permit = reads.guard.writes.clone().try_acquire_owned();
    let (Ok(permit), Ok(doc), true) = (permit, serde_json::to_vec(&block), is_kept) else { return id };
    let rank = u64::try_from(now.as_millis()).unwrap_or_default();
    let write = RowWrite { key: key(call.reader.team, id), rank, doc: Some(doc) };
    let rows = reads.managed.rows.clone();
    let writing = tokio::spawn(async move {
        let _permit = permit;
        if let Err(error) = rows.put(Arc::new(vec![write]), now).await {
            tracing::warn!(kind = %error.kind(), %error, "a blocked check of guard is not kept");
        }
    });
    // It goes on being written.
    let _ = timeout(KEEP_WITHIN, writing).await;
    id
}

/// Within a shard, rows are in the order of time, as the ids are.
fn key(team: TeamId, id: GuardCheckId) -> RowKey {
    RowKey { table: &GUARD_BLOCKS, shard: day_shard(team, day_of(id.birth())), row: id.to_string().into() }
}

fn day_of(at: Timestamp) -> i64 {
    hour_of(at).div_euclid(24)
}

/// The newest blocks that come after this one in the list, at most `limit`.
async fn newest(
    rows: &dyn Rows,
    team: TeamId,
    after: Option<GuardCheckId>,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<GuardBlock>, StoreError> {
    // Another process's clock may be ahead.
    let newest = day_of(now) + 1;
    let last = after.map_or(newest, |id| day_of(id.birth()).min(newest));
    let first = day_of(now) - i64::from(GUARD_BLOCKS.keep_days);
    let of_day = |day: i64| {
        let after = after.filter(|id| day_of(id.birth()) == day).map(|id| SmolStr::from(id.to_string()));
        let (shard, order) = (day_shard(team, day), ScanOrder::Descending);
        let scan = RowScan { table: &GUARD_BLOCKS, shard, after, order, limit };
        async move { rows.scan(&scan).await }
    };
    let mut days = stream::iter((first..=last).rev()).map(of_day).buffered(DAYS_AT_ONCE);
    let mut found = Vec::new();
    while let Some(kept) = days.try_next().await? {
        found.extend(kept.iter().filter_map(block).take(limit - found.len()));
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}

/// A block of a later release is left out of lists.
fn block(row: &KeptRow) -> Option<GuardBlock> {
    let unread = |error: &serde_json::Error| tracing::warn!(row = %row.row, %error, "a blocked check cannot be read");
    serde_json::from_slice(&row.doc).inspect_err(unread).ok()
}

/// Checks that blocked in the last 30 days, newest first.
#[utoipa::path(
    get,
    path = "/v1/guard/checks",
    operation_id = "list_guard_checks",
    tag = "guard",
    params(
        ("limit" = inline(Option<u32>), Query, description = "At most so many; 50 if absent.", minimum = 1, maximum = 200),
        ("cursor" = inline(Option<String>), Query, description = "The `next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of checks.", body = GuardBlockList), Refusals, ManagedRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn list(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::GuardBlocks, request, page).await
}

/// A check that blocked.
#[utoipa::path(
    get,
    path = "/v1/guard/checks/{id}",
    operation_id = "read_guard_check",
    tag = "guard",
    params(("id" = String, Path, description = "The `guard_check_id` of an answer.", pattern = "^gck_(eu|us)_[0-9a-f]{32}$")),
    responses((status = 200, description = "The check.", body = GuardBlock), Refusals, ManagedRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn read(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::GuardBlock, request, one).await
}

async fn page(call: Call) -> Result<Response, Problem> {
    let page = NamePage::read(&call.parameters(PAGE_PARAMETERS)?, LIST)?;
    let Call { reads, reader, .. } = call;
    // Each block may have many rules.
    let permit = reads.permit(Weight::Listing).await?;
    let after = page.after.as_deref().and_then(|id| GuardCheckId::parse(id).ok());
    let found = newest(&*reads.managed.rows, reader.team, after, page.limit + 1, reads.now());
    let (checks, next_cursor) = page_of(reads.ask(found).await?, &page, LIST, |block| block.id.clone());
    Ok(permit.json(&GuardBlockList { checks, next_cursor })?)
}

async fn one(mut call: Call) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let name = call.path().await.unwrap_or_default();
    let unknown = || Problem::Unknown { what: "blocked check", name: name.clone() };
    let id = GuardCheckId::parse(&name).map_err(|_| unknown())?;
    let rows = &call.reads.managed.rows;
    let key = key(call.reader.team, id);
    let found = call.reads.ask(rows.get(std::slice::from_ref(&key))).await?.pop().flatten();
    let block: GuardBlock = serde_json::from_slice(&found.ok_or_else(unknown)?)?;
    object(StatusCode::OK, &block, &ETag::of(&block)?)
}
