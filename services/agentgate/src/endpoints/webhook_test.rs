//! `POST /v1/webhooks/{id}/test`: sends one synthetic event at once, past the log.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use tidegate_agentgate::{EventType, MessageId, RunId, Scope};
use utoipa::ToSchema;

use super::webhook_wire::{path_id, stored};
use crate::answer::Answer;
use crate::call::{Call, Needs, Window, client};
use crate::endpoint::Endpoint;
use crate::front_door::{FrontDoor, defect};
use crate::refusal::Refusal;
use crate::refusal_shapes::{CommandRefusals, WebhookRefusals};
use crate::webhook_message::WebhookEvent;
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
    let needs = Needs { window: Window::WebhookTests, ..Needs::scope(Scope::WebhooksWrite) };
    client(door, Endpoint::WebhookTest, needs, request, send).await
}

async fn send(call: Call, mut body: Body) -> Result<Answer, Refusal> {
    call.pass(&mut body).await;
    drop(body);
    let webhook = path_id(&call)?;
    let (row, content) = stored(&call, webhook).await?;
    let kind = row.events.first().copied().unwrap_or(EventType::RunCompleted);
    let event = sample(&call, kind);
    let (headers, secret) = (content.headers.unwrap_or_default(), call.door.secrets.webhook(webhook));
    let message = event.to(content.url, headers, &secret).map_err(defect)?;
    let status_code = call.door.send_test.send_test(message).await;
    let delivered = status_code.is_some_and(|status| (200..300).contains(&status));
    Answer::done(StatusCode::OK, &TestResult { delivered, status_code })
}

fn sample(call: &Call, kind: EventType) -> WebhookEvent<serde_json::Value> {
    let at = whole_seconds(call.received_at);
    let run = RunId::mint(call.received_at, &call.door.ids.random());
    let run = json!({
        "id": run, "workOrderId": run.work_order(), "status": "succeeded", "iterations": 1, "createdAt": at,
        "timing": { "startedAt": at, "completedAt": at, "durationMs": 0 }, "cost": { "credits": 0 },
    });
    WebhookEvent {
        id: MessageId::mint(call.received_at, &call.door.ids.random()),
        kind,
        created_at: call.received_at,
        data: json!({ "run": run, "tenantContext": null, "test": true }),
    }
}
