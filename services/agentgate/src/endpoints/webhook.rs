//! `GET`, `PATCH` and `DELETE /v1/webhooks/{id}`: one webhook.

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use tidegate_agentgate::command::DropWebhook;
use tidegate_agentgate::{Command, Owner, Refusal as Decision, Scope, WebhookId};
use tidegate_door::Detached;

use super::webhook_wire::{Settings, Webhook, path_id, put, put_done, stored, unknown};
use crate::answer::Answer;
use crate::call::{Call, Needs, client};
use crate::command_class::CommandClass;
use crate::content::WebhookContent;
use crate::endpoint::Endpoint;
use crate::front_door::FrontDoor;
use crate::parse::{WebhookChangeBody, json_object};
use crate::refusal::{Refusal, Why};
use crate::refusal_shapes::{CommandRefusals, Refusals, WebhookRefusals};
use crate::request_shapes::WebhookChangeRequest;
use crate::submit::{Decided, MakeOrder, Order, refused};

/// One webhook.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{id}",
    operation_id = "get_webhook",
    tag = "webhooks",
    params(("id" = String, Path, description = "The webhook.")),
    responses((status = 200, description = "The webhook.", body = Webhook), Refusals, WebhookRefusals),
    security(("key" = [])),
)]
pub(crate) async fn read(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    client(door, Endpoint::Webhook, Needs::scope(Scope::WebhooksRead), request, one).await
}

async fn one(call: Call, mut body: Body) -> Result<Answer, Refusal> {
    call.pass(&mut body).await;
    drop(body);
    let id = path_id(&call)?;
    let (row, content) = stored(&call, id).await?;
    let settings = Settings { enabled: row.enabled, events: row.events, content };
    Answer::read(&Webhook::of(id, settings, row.created_at_ms, row.updated_at_ms))
}

/// Changes what is sent of a webhook. The rest, its secret too, stays.
#[utoipa::path(
    patch,
    path = "/v1/webhooks/{id}",
    operation_id = "update_webhook",
    tag = "webhooks",
    params(("id" = String, Path, description = "The webhook.")),
    request_body = WebhookChangeRequest,
    responses((status = 200, description = "The webhook as it is now.", body = Webhook), CommandRefusals, WebhookRefusals),
    security(("key" = [])),
)]
pub(crate) async fn change(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    let needs = Needs::command(Scope::WebhooksWrite, CommandClass::Creates);
    client(door, Endpoint::Webhook, needs, request, merge).await
}

async fn merge(call: Call, body: Body) -> Result<Answer, Refusal> {
    let bytes = call.body(body).await?;
    Detached::new(async move {
        let body = json_object(&bytes).map_err(Why::Json)?;
        let change = WebhookChangeBody::read(body.object, call.door.config.webhook_allow_http)?;
        let id = path_id(&call)?;
        let merge = Merge { call: &call, id: &id, change: &change };
        let decided = call.door.carry_out_anew(&merge).await?;
        put_done(decided, id)?;
        // The views are written before the decision is known.
        let (row, content) = stored(&call, id).await?;
        let settings = Settings { enabled: row.enabled, events: row.events, content };
        Answer::done(StatusCode::OK, &Webhook::of(id, settings, row.created_at_ms, row.updated_at_ms))
    })
    .await
}

/// A change on its way to the log.
struct Merge<'a> {
    call: &'a Call,
    id: &'a WebhookId,
    change: &'a WebhookChangeBody,
}

#[async_trait]
impl MakeOrder for Merge<'_> {
    /// What is stored now, with what changes.
    async fn order(&self) -> Result<Order, Refusal> {
        let (row, content) = stored(self.call, *self.id).await?;
        let change = self.change.clone();
        let content = WebhookContent {
            url: change.url.unwrap_or(content.url),
            description: change.description.or(content.description),
            headers: content.headers,
        };
        let enabled = change.enabled.unwrap_or(row.enabled);
        let settings = Settings { enabled, events: change.events.unwrap_or(row.events), content };
        put(self.call, *self.id, row.version, &settings).await
    }
}

/// Deletes a webhook. Nothing more is sent to it.
#[utoipa::path(
    delete,
    path = "/v1/webhooks/{id}",
    operation_id = "delete_webhook",
    tag = "webhooks",
    params(("id" = String, Path, description = "The webhook.")),
    responses((status = 204, description = "The webhook is gone."), CommandRefusals, WebhookRefusals),
    security(("key" = [])),
)]
pub(crate) async fn delete(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    let needs = Needs::command(Scope::WebhooksWrite, CommandClass::Rest);
    client(door, Endpoint::Webhook, needs, request, remove).await
}

async fn remove(call: Call, mut body: Body) -> Result<Answer, Refusal> {
    call.pass(&mut body).await;
    drop(body);
    Detached::new(async move {
        let webhook = path_id(&call)?;
        let command = Command::WebhookDrop(DropWebhook { sent_with: call.caller.key, webhook });
        let owner = Owner::Org(call.caller.org);
        let order = Order { owner, command, key: None, received_at: call.received_at };
        match call.door.carry_out(order).await? {
            Decided::Answered(_) | Decided::Repeated(_) => Ok(Answer::gone()),
            Decided::Refused(Decision::Unknown {}) => Err(unknown(webhook)),
            Decided::Refused(decision) => Err(refused(decision)),
        }
    })
    .await
}
