//! The body of a submission (AgentGate: POST /v1/work-orders).

use serde::Serialize;
use tidegate_kernel::FreeJson;

use super::fields::{Errors, Field, FieldErrors, FieldFault, Fields};
use super::json::{Kind, Object};
use super::url::webhook_url;
use crate::content::TenantContent;

const MAX_PROMPT_CHARS: usize = 10_000;
const MAX_NAME_CHARS: usize = 2_048;
const MAX_ID_CHARS: usize = 256;
/// Bytes of a free object at most.
pub(super) const MAX_FREE_BYTES: usize = 16 << 10;
const DEFAULT_ITERATIONS: u64 = 10;
const LEVELS: [&str; 4] = ["L0", "L1", "L2", "L3"];
const FORMATS: [&str; 3] = ["zip", "tar.gz", "tar"];

/// A submission with its defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SubmissionBody {
    pub task_prompt: String,
    pub source: Source,
    pub max_iterations: u32,
    pub gate_plan: Option<FreeJson>,
    pub webhook_url: Option<String>,
    pub tenant: Option<TenantContent>,
    pub metadata: Option<FreeJson>,
}

/// Where the workspace comes from. Serialized, it is the documented `workspaceSource`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(crate) enum Source {
    Git {
        repository: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
    },
    Template {
        template_id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        variables: Option<FreeJson>,
    },
    Url {
        url: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        format: Option<&'static str>,
    },
}

impl SubmissionBody {
    /// # Errors
    /// [`FieldErrors`].
    pub fn read(object: Object<'_>, allow_http: bool) -> Result<Self, FieldErrors> {
        let errors = Errors::default();
        let read = read(&Fields::of(object, &errors), allow_http);
        errors.or_else(read)
    }
}

/// Every member is read before any of them is found missing or wrong, so that all errors are found.
fn read(fields: &Fields<'_, '_>, allow_http: bool) -> Option<SubmissionBody> {
    let task_prompt = fields.required("taskPrompt").and_then(|field| field.text(1..=MAX_PROMPT_CHARS));
    let source = fields.required("workspaceSource").and_then(|field| source(&field.object()?));
    let max_iterations = fields.optional("maxIterations", |field| field.whole(1..=100));
    let gate_plan = fields.optional("gatePlan", |field| gate_plan(&field));
    let webhook_url = fields.optional("webhookUrl", |field| webhook_url(&field, allow_http));
    let tenant = fields.optional("tenantContext", |field| tenant(&field.object()?));
    let metadata = fields.optional("metadata", |field| field.free_object(MAX_FREE_BYTES));
    Some(SubmissionBody {
        task_prompt: task_prompt?,
        source: source?,
        max_iterations: u32::try_from(max_iterations?.unwrap_or(DEFAULT_ITERATIONS)).ok()?,
        gate_plan: gate_plan?,
        webhook_url: webhook_url?,
        tenant: tenant?,
        metadata: metadata?,
    })
}

/// The source of a workspace, of any type.
fn source(fields: &Fields<'_, '_>) -> Option<Source> {
    let name = |name: &str| fields.required(name).and_then(|field| field.text(1..=MAX_NAME_CHARS));
    match fields.required("type")?.word(&["git", "template", "url"])? {
        "git" => git(fields),
        "template" => {
            let template_id = name("templateId");
            let variables = fields.optional("variables", |field| field.free_object(MAX_FREE_BYTES));
            Some(Source::Template { template_id: template_id?, variables: variables? })
        }
        _ => {
            let url = fields.required("url").and_then(|field| archive_url(&field));
            let format = fields.optional("format", |field| field.word(&FORMATS));
            Some(Source::Url { url: url?, format: format? })
        }
    }
}

/// A Git repository. Whether it can be reached is found out by the worker.
pub(super) fn git(fields: &Fields<'_, '_>) -> Option<Source> {
    let text = |field: Field<'_, '_>| field.text(1..=MAX_NAME_CHARS);
    let repository = fields.required("repository").and_then(text);
    let branch = fields.optional("branch", text);
    let commit = fields.optional("commit", text);
    Some(Source::Git { repository: repository?, branch: branch?, commit: commit? })
}

fn archive_url(field: &Field<'_, '_>) -> Option<String> {
    let text = field.text(1..=MAX_NAME_CHARS)?;
    match url::Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "https" | "http") => Some(text),
        Ok(_) => field.fault(FieldFault::Value, "must be an https or http URL"),
        Err(_) => field.fault(FieldFault::Format, "must be an absolute URL"),
    }
}

/// A plan of gates: an object whose `levels` are known, or a text of such levels. It is kept as it was sent.
fn gate_plan(field: &Field<'_, '_>) -> Option<FreeJson> {
    match field.kind() {
        Kind::Text => {
            let text = field.string()?;
            if !text.split(',').all(|level| LEVELS.contains(&level.trim())) {
                return field.fault(FieldFault::Value, "must be levels of L0, L1, L2, L3, separated by commas");
            }
        }
        Kind::Object => {
            let levels = field.object()?;
            levels.optional("levels", |levels| levels.each(LEVELS.len(), |level| level.word(&LEVELS)))?;
        }
        _ => return field.fault(FieldFault::Format, "must be an object or a string"),
    }
    field.free(MAX_FREE_BYTES)
}

fn tenant(fields: &Fields<'_, '_>) -> Option<TenantContent> {
    let id = |name: &str| fields.optional(name, |field| field.text(1..=MAX_ID_CHARS));
    let (tenant_id, tenant_user_id) = (id("tenantId"), id("tenantUserId"));
    let metadata = fields.optional("metadata", |field| field.free_object(MAX_FREE_BYTES));
    Some(TenantContent { tenant_id: tenant_id?, tenant_user_id: tenant_user_id?, metadata: metadata? })
}
