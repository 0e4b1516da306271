//! Commands of clients.

use serde::{Deserialize, Serialize};

use super::is_false;
use crate::id::{KeyId, KeyedHash, RunId, WebhookId};
use crate::sealed::Sealed;
use crate::status::EventType;
use crate::template::TemplateId;

/// A work order, with its price and its limits as the front door read them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmitRun {
    pub sent_with: KeyId,
    /// Minted by the front door for this request alone. The work order has the same bits.
    pub run: RunId,
    /// The estimate, which is held until the run's end. More is never charged.
    pub hold_cents: u64,
    /// The price of one iteration.
    pub cents_per_iteration: u64,
    pub max_iterations: u32,
    /// A run that no worker has started by then fails.
    pub pending_limit_ms: u64,
    /// The organization's template that `content` was made with; none for a built-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateVersion>,
    /// Of the tenant's id, for filters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<KeyedHash>,
    /// Of the tenant's user's id, for filters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_user: Option<KeyedHash>,
    /// Whether `content` has a URL that receives the run's end.
    #[serde(default, skip_serializing_if = "is_false")]
    pub webhook_url: bool,
    /// Prompt, source, gate plan, metadata, webhook URL.
    pub content: Sealed,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_context: Option<Sealed>,
}

/// A template as the front door read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateVersion {
    pub id: TemplateId,
    pub version: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelRun {
    pub sent_with: KeyId,
    pub run: RunId,
}

/// A new webhook, or a changed one as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutWebhook {
    pub sent_with: KeyId,
    pub webhook: WebhookId,
    /// The version that was changed; 0: it is new.
    pub version: u32,
    pub enabled: bool,
    pub events: Vec<EventType>,
    /// URL, description, headers.
    pub content: Sealed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropWebhook {
    pub sent_with: KeyId,
    pub webhook: WebhookId,
}

/// A new template, or a changed one as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutTemplate {
    pub sent_with: KeyId,
    pub template: TemplateId,
    /// The version that was changed; 0: it is new.
    pub version: u32,
    /// Name, description, source, variables, hooks, tags.
    pub content: Sealed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropTemplate {
    pub sent_with: KeyId,
    pub template: TemplateId,
}
