//! `GET /v1/work-orders/{id}`: what was asked for.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tidegate_agentgate::views::{self, OrderRow, RunRow};
use tidegate_agentgate::{Scope, WorkOrderId};
use tidegate_kernel::{FreeJson, Timestamp};
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::call::{Call, Needs, client};
use crate::content::{OrderContent, TenantContent};
use crate::endpoint::Endpoint;
use crate::front_door::{FrontDoor, decoded};
use crate::refusal::{Refusal, Why};
use crate::refusal_shapes::{Refusals, WorkOrderRefusals};
use crate::wire::seconds;

/// A work order. Its status is its run's.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkOrder {
    id: String,
    task_prompt: String,
    #[schema(value_type = Object)]
    workspace_source: FreeJson,
    max_iterations: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    gate_plan: Option<FreeJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    tenant_context: Option<TenantContent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    metadata: Option<FreeJson>,
    run_id: String,
    #[schema(example = "running")]
    status: &'static str,
    #[serde(serialize_with = "seconds")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// One work order.
#[utoipa::path(
    get,
    path = "/v1/work-orders/{id}",
    operation_id = "get_work_order",
    tag = "work orders",
    params(("id" = String, Path, description = "The work order.")),
    responses((status = 200, description = "The work order.", body = WorkOrder), Refusals, WorkOrderRefusals),
    security(("key" = [])),
)]
pub(crate) async fn read(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    client(door, Endpoint::WorkOrder, Needs::scope(Scope::WorkOrdersRead), request, one).await
}

async fn one(call: Call, mut body: Body) -> Result<Answer, Refusal> {
    call.pass(&mut body).await;
    drop(body);
    let text = call.id("/v1/work-orders/");
    let unknown = || Why::WorkOrderUnknown { work_order: text.clone() };
    let id = WorkOrderId::parse(&text).ok_or_else(unknown)?;
    let [order, run] = call.door.docs([views::order(id.run()), views::run(id.run())]).await?;
    let (Some(order), Some(run)) = (order, run) else { return Err(unknown().into()) };
    let (order, run): (OrderRow, RunRow) = (decoded(&order)?, decoded(&run)?);
    if order.org != call.caller.org {
        return Err(unknown().into());
    }
    let content: OrderContent = call.door.open(call.owner(), &order.content).await?;
    let tenant_context = match &order.tenant_context {
        Some(sealed) => Some(call.door.open(call.owner(), sealed).await?),
        None => None,
    };
    Answer::read(&WorkOrder {
        id: id.to_string(),
        task_prompt: content.task_prompt,
        workspace_source: content.workspace_source,
        max_iterations: order.max_iterations,
        gate_plan: content.gate_plan,
        webhook_url: content.webhook_url,
        tenant_context,
        metadata: content.metadata,
        run_id: id.run().to_string(),
        status: run.status.as_str(),
        created_at: order.created_at_ms,
    })
}
