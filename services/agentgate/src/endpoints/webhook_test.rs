//! `POST /v1/webhooks/{id}/test`: sends one synthetic event at once, past the log.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use tidegate_agentgate::{EventType, MessageId, RunId, Scope};
use tidegate_kernel::SmolStr;
use utoipa::ToSchema;

use super::webhook_wire::{path_id, stored};
use crate::answer::Answer;
use crate::call::{Call, Needs, Window, client};
use crate::endpoint::Endpoint;
use crate::front_door::{FrontDoor, defect};
use crate::refusal::Refusal;
use crate::refusal_shapes::{CommandRefusals, WebhookRefusals};
use crate::send_test::TestMessage;
use crate::wire::whole_seconds;

/// How a test went.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TestResult {
    /// The receiver answered 2xx.
    delivered: bool,
    /// What it answered; null: nothing came, or its address is not allowed.
    #[schema(required = true)]
    status_code: Option<u16>,
}

/// Sends one event of a run that does not exist, and says what came back.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/test",
    operation_id = "test_webhook",
    tag = "webhooks",
    params(("id" = String, Path, description = "The webhook.")),
    responses((status = 200, description = "What came back.", body = TestResult), CommandRefusals, WebhookRefusals),
    security(("key" = [])),
)]
pub(crate) async fn test(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    let needs = Needs { scope: Scope::WebhooksWrite, window: Window::WebhookTests };
    client(door, Endpoint::WebhookTest, needs, request, send).await
}

async fn send(call: Call, mut body: Body) -> Result<Answer, Refusal> {
    call.pass(&mut body).await;
    drop(body);
    let webhook = path_id(&call)?;
    let (row, content) = stored(&call, webhook).await?;
    let kind = row.events.first().copied().unwrap_or(EventType::RunCompleted);
    let id = MessageId::mint(call.received_at, &call.door.ids.random());
    let message = TestMessage {
        url: content.url,
        headers: content.headers.unwrap_or_default().into_iter().collect(),
        secret: call.door.secrets.webhook(webhook),
        event: kind.as_str(),
        id: SmolStr::from(id.to_string()),
        body: sample(&call, id, kind)?,
    };
    let status_code = call.door.send_test.send(message).await;
    let delivered = status_code.is_some_and(|status| (200..300).contains(&status));
    Answer::done(StatusCode::OK, &TestResult { delivered, status_code })
}

fn sample(call: &Call, id: MessageId, kind: EventType) -> Result<Vec<u8>, Refusal> {
    let at = whole_seconds(call.received_at);
    let run = RunId::mint(call.received_at, &call.door.ids.random());
    let run = json!({
        "id": run, "workOrderId": run.work_order(), "status": "succeeded", "iterations": 1, "createdAt": at,
        "timing": { "startedAt": at, "completedAt": at, "durationMs": 0 }, "cost": { "credits": 0 },
    });
    let message = json!({
        "id": id, "type": kind.as_str(), "createdAt": at,
        "data": { "run": run, "tenantContext": null, "test": true },
    });
    serde_json::to_vec(&message).map_err(defect)
}
