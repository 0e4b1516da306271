//! `GET` and `POST /v1/webhooks`: an organization's webhooks, and a new one.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use tidegate_agentgate::views::{self, WebhookRow};
use tidegate_agentgate::{Scope, WebhookId};
use tidegate_door::Detached;
use tidegate_ports::{Scan, ScanOrder};
use utoipa::ToSchema;

use super::webhook_wire::{Settings, Webhook, put, put_done};
use crate::answer::Answer;
use crate::call::{Call, Needs, client};
use crate::command_class::CommandClass;
use crate::content::WebhookContent;
use crate::endpoint::Endpoint;
use crate::front_door::{FrontDoor, decoded};
use crate::listing::ListPage;
use crate::parse::{Page, WebhookBody, json_object};
use crate::refusal::{Refusal, Why};
use crate::refusal_shapes::{CommandRefusals, ListRefusals, Refusals};
use crate::request_shapes::WebhookRequest;

/// More than an organization can have.
const SCAN_LIMIT: usize = 1_000;

/// A new webhook, and the secret that signs what is sent to it.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedWebhook {
    webhook: Webhook,
    /// Shown only here.
    #[schema(example = "whsec_0123456789abcdef0123456789abcdef0123456789abcdef")]
    secret: String,
}

/// The organization's webhooks, in the order of their creation.
#[utoipa::path(
    get,
    path = "/v1/webhooks",
    operation_id = "list_webhooks",
    tag = "webhooks",
    params(
        ("limit" = inline(Option<u32>), Query, description = "At most so many; 20 if absent.", minimum = 1, maximum = 100),
        ("offset" = inline(Option<u32>), Query, description = "After so many; 0 if absent."),
    ),
    responses((status = 200, description = "A page of webhooks.", body = ListPage<Webhook>), Refusals, ListRefusals),
    security(("key" = [])),
)]
pub(crate) async fn list(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    client(door, Endpoint::Webhooks, Needs::scope(Scope::WebhooksRead), request, page).await
}

async fn page(call: Call, mut body: Body) -> Result<Answer, Refusal> {
    call.pass(&mut body).await;
    drop(body);
    let page = Page::read(&call.query())?;
    let shard = views::webhook(call.caller.org, WebhookId::from_bits(0)).shard;
    let scan = Scan { view: views::WEBHOOKS, shard, after: None, order: ScanOrder::Ascending, limit: SCAN_LIMIT };
    let mut webhooks = Vec::new();
    for row in call.door.ask(call.door.views.scan(&scan)).await? {
        let Some(id) = WebhookId::parse(&row.row) else { continue };
        let row: WebhookRow = decoded(&row.doc)?;
        let content: WebhookContent = call.door.open(call.owner(), &row.content).await?;
        let settings = Settings { enabled: row.enabled, events: row.events, content };
        webhooks.push(Webhook::of(id, settings, row.created_at_ms, row.updated_at_ms));
    }
    Answer::read(&ListPage::cut(webhooks, page))
}

/// Makes a webhook. Its secret is in this answer and in no other.
#[utoipa::path(
    post,
    path = "/v1/webhooks",
    operation_id = "create_webhook",
    tag = "webhooks",
    request_body = WebhookRequest,
    responses((status = 201, description = "The webhook and its secret.", body = CreatedWebhook), CommandRefusals),
    security(("key" = [])),
)]
pub(crate) async fn create(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    let needs = Needs::command(Scope::WebhooksWrite, CommandClass::Creates);
    client(door, Endpoint::Webhooks, needs, request, make).await
}

async fn make(call: Call, body: Body) -> Result<Answer, Refusal> {
    let bytes = call.body(body).await?;
    Detached::new(async move {
        let body = json_object(&bytes).map_err(Why::Json)?;
        let body = WebhookBody::read(body.object, call.door.config.webhook_allow_http)?;
        let id = WebhookId::mint(call.received_at, &call.door.ids.random());
        let content = WebhookContent { url: body.url, description: body.description, headers: body.headers };
        let settings = Settings { enabled: body.enabled, events: body.events, content };
        let decided = call.door.carry_out(put(&call, id, 0, &settings).await?).await?;
        let (created_at, updated_at) = put_done(decided, id)?;
        let webhook = Webhook::of(id, settings, created_at, updated_at);
        Answer::done(StatusCode::CREATED, &CreatedWebhook { webhook, secret: call.door.secrets.webhook(id) })
    })
    .await
}
