//! The bodies as they may be sent, for the description. [`parse`](crate::parse) reads them.
#![allow(dead_code, reason = "these types describe and are never made")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

/// A work order.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct WorkOrderRequest {
    /// What is to be done.
    #[schema(min_length = 1, max_length = 10_000)]
    task_prompt: String,
    /// `type` is `git` (with `repository`, `branch`, `commit`), `template` (`templateId`, `variables`) or `url` (`url`,
    /// `format`).
    #[schema(value_type = Object)]
    workspace_source: Value,
    #[schema(minimum = 1, maximum = 100, default = 10)]
    max_iterations: Option<u32>,
    /// `{"levels": ["L0", …]}`, or levels separated by commas.
    #[schema(value_type = Option<Value>)]
    gate_plan: Option<Value>,
    /// Receives the run's end.
    #[schema(max_length = 2_048)]
    webhook_url: Option<String>,
    /// `tenantId`, `tenantUserId`, `metadata`.
    #[schema(value_type = Option<Object>)]
    tenant_context: Option<Value>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
}

/// A new webhook.
#[derive(ToSchema)]
pub(crate) struct WebhookRequest {
    /// An https URL.
    #[schema(max_length = 2_048)]
    url: String,
    #[schema(min_items = 1)]
    events: Vec<String>,
    #[schema(default = true)]
    enabled: Option<bool>,
    description: Option<String>,
    /// Sent with every message.
    headers: Option<BTreeMap<String, String>>,
}

/// What changes of a webhook.
#[derive(ToSchema)]
pub(crate) struct WebhookChangeRequest {
    url: Option<String>,
    events: Option<Vec<String>>,
    enabled: Option<bool>,
    description: Option<String>,
}

/// A new template.
#[derive(ToSchema)]
pub(crate) struct TemplateRequest {
    /// Lowercase letters and digits, with hyphens between them.
    #[schema(max_length = 64)]
    id: String,
    name: String,
    /// `type` is `git` or `url`.
    #[schema(value_type = Object)]
    source: Value,
    description: Option<String>,
    /// Each with `name`, `description`, `required`, `default`.
    #[schema(value_type = Option<Vec<Object>>)]
    variables: Option<Vec<Value>>,
    #[schema(value_type = Option<Object>)]
    hooks: Option<Value>,
    tags: Option<Vec<String>>,
}

/// What changes of a template.
#[derive(ToSchema)]
pub(crate) struct TemplateChangeRequest {
    name: Option<String>,
    #[schema(value_type = Option<Object>)]
    source: Option<Value>,
    description: Option<String>,
    #[schema(value_type = Option<Vec<Object>>)]
    variables: Option<Vec<Value>>,
    #[schema(value_type = Option<Object>)]
    hooks: Option<Value>,
    tags: Option<Vec<String>>,
}

/// A call for work.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct LeaseRequest {
    /// Tells the workers of a key apart. One that asks again before its first report gets the same run.
    #[schema(min_length = 1, max_length = 128)]
    worker: String,
    /// How long to wait for a run; more than 30 counts as 30.
    #[schema(default = 0)]
    wait_seconds: Option<u32>,
}

/// How far a run is.
#[derive(ToSchema)]
pub(crate) struct ProgressRequest {
    /// That of the lease.
    token: u32,
    /// Done so far.
    iterations: Option<u32>,
    /// `level`, `passed`, `failures`.
    #[schema(value_type = Option<Object>)]
    verification: Option<Value>,
}

/// How a run ended.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct FinishRequest {
    /// That of the lease.
    token: u32,
    /// `succeeded` or `failed`.
    status: String,
    iterations: Option<u32>,
    pr_url: Option<String>,
    /// Of a failed run: `code`, `message`, `details`.
    #[schema(value_type = Option<Object>)]
    error: Option<Value>,
}
