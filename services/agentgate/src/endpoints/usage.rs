//! `GET /v1/credits/usage`: what changed an organization's balance, newest first.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tidegate_agentgate::Scope;
use tidegate_agentgate::views::{self, OrderRow, TransactionRow};
use tidegate_kernel::{SmolStr, Timestamp};
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::call::{Call, Needs, client};
use crate::content::TenantContent;
use crate::endpoint::Endpoint;
use crate::front_door::{FrontDoor, decoded, defect};
use crate::listing::PAGE_BYTES;
use crate::parse::UsageQuery;
use crate::refusal::Refusal;
use crate::refusal_shapes::{ListRefusals, Refusals};
use crate::wire::seconds;

/// A change of the balance.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Transaction {
    id: String,
    #[serde(rename = "type")]
    #[schema(example = "deduction")]
    kind: &'static str,
    /// In cents, positive whatever the type.
    amount: u64,
    #[serde(serialize_with = "seconds")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_user_id: Option<String>,
}

/// A page of transactions.
#[derive(Serialize, ToSchema)]
pub(crate) struct TransactionPage {
    transactions: Vec<Transaction>,
    /// How many match.
    total: usize,
    limit: usize,
    offset: usize,
}

/// What changed the organization's balance, newest first. All filters given must hold.
#[utoipa::path(
    get,
    path = "/v1/credits/usage",
    operation_id = "list_transactions",
    tag = "credits",
    params(
        ("startDate" = inline(Option<String>), Query, description = "At or after this ISO 8601 time, or from the beginning of this day."),
        ("endDate" = inline(Option<String>), Query, description = "At or before this ISO 8601 time, or to the end of this day."),
        ("tenantId" = inline(Option<String>), Query, description = "Of this tenant."),
        ("tenantUserId" = inline(Option<String>), Query, description = "Of this user of a tenant."),
        ("type" = inline(Option<String>), Query, description = "`deduction`, `purchase` or `refund`."),
        ("limit" = inline(Option<u32>), Query, description = "At most so many; 50 if absent.", minimum = 1, maximum = 100),
        ("offset" = inline(Option<u32>), Query, description = "After so many; 0 if absent."),
    ),
    responses((status = 200, description = "A page of transactions.", body = TransactionPage), Refusals, ListRefusals),
    security(("key" = [])),
)]
pub(crate) async fn list(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    client(door, Endpoint::Usage, Needs::scope(Scope::CreditsRead), request, page).await
}

async fn page(call: Call, mut body: Body) -> Result<Answer, Refusal> {
    call.pass(&mut body).await;
    drop(body);
    let query = UsageQuery::read(&call.query())?;
    let (door, org) = (&call.door, call.caller.org);
    let tenant = query.tenant_id.as_deref().map(|id| door.secrets.tenant(org, id));
    let user = query.tenant_user_id.as_deref().map(|id| door.secrets.tenant_user(org, id));
    let matches = |row: &TransactionRow| {
        query.kind.is_none_or(|kind| row.kind == kind)
            && query.from.is_none_or(|from| row.created_at_ms >= from)
            && query.to.is_none_or(|to| row.created_at_ms < to)
            && (tenant.is_none() || row.tenant == tenant)
            && (user.is_none() || row.tenant_user == user)
    };
    let permit = door.permit(PAGE_BYTES).await?;
    let shards = super::runs::shards(&call, query.from, query.to);
    let listed = door.list(views::TRANSACTIONS, shards, query.page, matches).await?;
    let transactions = with_tenants(&call, listed.rows).await?;
    let (limit, offset) = (query.page.limit, query.page.offset);
    let page = TransactionPage { transactions, total: listed.total, limit, offset };
    Ok(Answer::found(permit.json(&page).map_err(defect)?))
}

/// The tenants stand in the orders of the runs that were charged for.
async fn with_tenants(call: &Call, rows: Vec<(SmolStr, TransactionRow)>) -> Result<Vec<Transaction>, Refusal> {
    let of_tenants = rows.iter().filter(|(_, row)| row.tenant.is_some() || row.tenant_user.is_some());
    let runs: Vec<_> = of_tenants.filter_map(|(_, row)| row.run).collect();
    let keys: Vec<_> = runs.iter().map(|run| views::order(*run)).collect();
    let docs = if keys.is_empty() { Vec::new() } else { call.door.ask(call.door.views.get(&keys)).await? };
    let mut tenants = HashMap::new();
    for (run, doc) in runs.into_iter().zip(docs) {
        let Some(doc) = doc else { continue };
        let order: OrderRow = decoded(&doc)?;
        if let Some(sealed) = &order.tenant_context {
            let content: TenantContent = call.door.open(call.owner(), sealed).await?;
            tenants.insert(run, content);
        }
    }
    let one = |(name, row): (SmolStr, TransactionRow)| {
        let id = views::transaction_of_row(&name)?;
        let tenant = row.run.and_then(|run| tenants.get(&run).cloned()).unwrap_or_default();
        Some(Transaction {
            id: id.to_string(),
            kind: row.kind.as_str(),
            amount: row.amount_cents,
            created_at: row.created_at_ms,
            run_id: row.run.map(|run| run.to_string()),
            tenant_id: tenant.tenant_id,
            tenant_user_id: tenant.tenant_user_id,
        })
    };
    Ok(rows.into_iter().filter_map(one).collect())
}
