//! A webhook on the wire and in the store, and the command that stores one.

use serde::Serialize;
use tidegate_agentgate::command::PutWebhook;
use tidegate_agentgate::views::{self, WebhookRow};
use tidegate_agentgate::{Answer as DecidedAnswer, Command, EventType, Owner, Refusal as Decision, WebhookId};
use tidegate_kernel::Timestamp;
use utoipa::ToSchema;

use crate::call::Call;
use crate::content::WebhookContent;
use crate::refusal::{Refusal, Why};
use crate::submit::{Decided, Order, refused, unexpected};
use crate::wire::{seconds, seconds_option};

/// A webhook. Its secret is never shown again.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Webhook {
    pub id: String,
    pub url: String,
    #[schema(value_type = Vec<String>)]
    pub events: Vec<EventType>,
    pub enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(serialize_with = "seconds")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[serde(serialize_with = "seconds_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Timestamp>,
}

/// A webhook's changing parts.
#[derive(Clone)]
pub(crate) struct Settings {
    pub enabled: bool,
    pub events: Vec<EventType>,
    pub content: WebhookContent,
}

impl Webhook {
    pub fn of(id: WebhookId, settings: Settings, created_at: Timestamp, updated_at: Option<Timestamp>) -> Self {
        let Settings { enabled, events, content } = settings;
        let WebhookContent { url, description, headers: _ } = content;
        Webhook { id: id.to_string(), url, events, enabled, description, created_at, updated_at }
    }
}

/// The webhook that the path names.
pub(super) fn path_id(call: &Call) -> Result<WebhookId, Refusal> {
    let text = call.id("/v1/webhooks/");
    WebhookId::parse(&text).ok_or_else(|| Why::WebhookUnknown { webhook: text }.into())
}

pub(super) fn unknown(id: WebhookId) -> Refusal {
    Why::WebhookUnknown { webhook: id.to_string() }.into()
}

/// A webhook of the caller's, as it is stored now.
pub(super) async fn stored(call: &Call, id: WebhookId) -> Result<(WebhookRow, WebhookContent), Refusal> {
    let row: Option<WebhookRow> = call.door.row(views::webhook(call.caller.org, id)).await?;
    let row = row.ok_or_else(|| unknown(id))?;
    let content = call.door.open(call.owner(), &row.content).await?;
    Ok((row, content))
}

/// The command that stores a webhook made from `version`; 0: it is new.
pub(super) async fn put(call: &Call, id: WebhookId, version: u32, settings: &Settings) -> Result<Order, Refusal> {
    let command = Command::WebhookPut(PutWebhook {
        sent_with: call.caller.key,
        webhook: id,
        version,
        enabled: settings.enabled,
        events: settings.events.clone(),
        content: call.door.seal(call.owner(), &settings.content).await?,
    });
    Ok(Order { owner: Owner::Org(call.caller.org), command, key: None, received_at: call.received_at })
}

/// What a put answers: when the webhook was created and updated.
pub(super) fn put_done(decided: Decided, id: WebhookId) -> Result<(Timestamp, Option<Timestamp>), Refusal> {
    match decided {
        Decided::Answered(DecidedAnswer::Stored { created_at_ms, updated_at_ms, .. }) => {
            Ok((created_at_ms, updated_at_ms))
        }
        Decided::Refused(Decision::Unknown {}) => Err(unknown(id)),
        Decided::Refused(Decision::ListFull { limit }) => Err(Why::TooManyKept { what: "webhooks", limit }.into()),
        Decided::Refused(decision) => Err(refused(decision)),
        Decided::Answered(other) | Decided::Repeated(other) => Err(unexpected(&other)),
    }
}
