//! A template on the wire and in the store, and the command that stores one.

use serde::Serialize;
use tidegate_agentgate::command::PutTemplate;
use tidegate_agentgate::views::{self, TemplateRow};
use tidegate_agentgate::{Answer as DecidedAnswer, BuiltIn, Command, Owner, Refusal as Decision, TemplateId};
use tidegate_kernel::{FreeJson, Timestamp};
use utoipa::ToSchema;

use crate::call::Call;
use crate::content::{TemplateContent, VariableContent};
use crate::parse::{FieldErrors, FieldFault};
use crate::refusal::{Refusal, Why};
use crate::submit::{Decided, Order, refused, unexpected};
use crate::wire::seconds_option;

/// A template.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Template {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Of the organization's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    source: Option<FreeJson>,
    #[schema(value_type = Vec<Object>)]
    variables: Vec<VariableContent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    hooks: Option<FreeJson>,
    pub tags: Vec<String>,
    /// Every organization has it, and none can change it.
    built_in: bool,
    #[serde(serialize_with = "seconds_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    created_at: Option<Timestamp>,
    #[serde(serialize_with = "seconds_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    updated_at: Option<Timestamp>,
}

impl Template {
    pub fn built_in(template: &BuiltIn) -> Self {
        Template {
            id: template.id.to_owned(),
            name: template.name.to_owned(),
            description: Some(template.description.to_owned()),
            source: None,
            variables: Vec::new(),
            hooks: None,
            tags: template.tags.iter().map(|tag| (*tag).to_owned()).collect(),
            built_in: true,
            created_at: None,
            updated_at: None,
        }
    }

    pub fn own(id: &str, content: TemplateContent, created_at: Timestamp, updated_at: Option<Timestamp>) -> Self {
        Template {
            id: id.to_owned(),
            name: content.name,
            description: content.description,
            source: Some(content.source),
            variables: content.variables.unwrap_or_default(),
            hooks: content.hooks,
            tags: content.tags.unwrap_or_default(),
            built_in: false,
            created_at: Some(created_at),
            updated_at,
        }
    }
}

/// The template that the path names.
pub(super) fn path_id(call: &Call) -> Result<TemplateId, Refusal> {
    let text = call.id("/v1/templates/");
    TemplateId::parse(&text).map_err(|_| Why::TemplateUnknown { template: text }.into())
}

/// A template that the organization can change.
pub(super) fn own_path_id(call: &Call) -> Result<TemplateId, Refusal> {
    let id = path_id(call)?;
    if id.is_built_in() { Err(built_in(&id)) } else { Ok(id) }
}

pub(super) fn built_in(id: &TemplateId) -> Refusal {
    Why::TemplateBuiltIn { template: id.to_string() }.into()
}

pub(super) fn unknown(id: &TemplateId) -> Refusal {
    Why::TemplateUnknown { template: id.to_string() }.into()
}

/// A template of the caller's own, as it is stored now.
pub(super) async fn stored(call: &Call, id: &TemplateId) -> Result<(TemplateRow, TemplateContent), Refusal> {
    let row: Option<TemplateRow> = call.door.row(views::template(call.caller.org, id)).await?;
    let row = row.ok_or_else(|| unknown(id))?;
    let content = call.door.open(call.owner(), &row.content).await?;
    Ok((row, content))
}

/// The command that stores a template made from `version`; 0: it is new.
pub(super) async fn put(
    call: &Call,
    id: &TemplateId,
    version: u32,
    content: &TemplateContent,
) -> Result<Order, Refusal> {
    let content = call.door.seal(call.owner(), content).await?;
    let put = PutTemplate { sent_with: call.caller.key, template: id.clone(), version, content };
    let owner = Owner::Org(call.caller.org);
    Ok(Order { owner, command: Command::TemplatePut(put), key: None, received_at: call.received_at })
}

/// What a put answers: when the template was created and updated.
pub(super) fn put_done(decided: Decided, id: &TemplateId) -> Result<(Timestamp, Option<Timestamp>), Refusal> {
    match decided {
        Decided::Answered(DecidedAnswer::Stored { created_at_ms, updated_at_ms, .. }) => {
            Ok((created_at_ms, updated_at_ms))
        }
        Decided::Refused(Decision::Exists {} | Decision::BuiltIn {}) => {
            Err(FieldErrors::of("id", FieldFault::Value, "is taken").into())
        }
        Decided::Refused(Decision::Unknown {}) => Err(unknown(id)),
        Decided::Refused(Decision::ListFull { limit }) => Err(Why::TooManyKept { what: "templates", limit }.into()),
        Decided::Refused(decision) => Err(refused(decision)),
        Decided::Answered(other) | Decided::Repeated(other) => Err(unexpected(&other)),
    }
}
