//! The bodies of templates (AgentGate: templates).

use tidegate_agentgate::TemplateId;
use tidegate_kernel::FreeJson;

use super::fields::{Errors, Field, FieldErrors, FieldFault, Fields};
use super::json::Object;
use super::submission::MAX_FREE_BYTES;
use crate::content::VariableContent;

const MAX_NAME_CHARS: usize = 256;
const MAX_DESCRIPTION_CHARS: usize = 2_000;
const MAX_VARIABLES: usize = 50;
const MAX_TAGS: usize = 20;

/// A new template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateBody {
    pub id: TemplateId,
    pub name: String,
    pub source: FreeJson,
    pub description: Option<String>,
    pub variables: Option<Vec<VariableContent>>,
    pub hooks: Option<FreeJson>,
    pub tags: Option<Vec<String>>,
}

/// What changes of a template. What is not sent stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateChangeBody {
    pub name: Option<String>,
    pub source: Option<FreeJson>,
    pub description: Option<String>,
    pub variables: Option<Vec<VariableContent>>,
    pub hooks: Option<FreeJson>,
    pub tags: Option<Vec<String>>,
}

impl TemplateBody {
    /// # Errors
    /// [`FieldErrors`].
    pub fn read(object: Object<'_>) -> Result<Self, FieldErrors> {
        let errors = Errors::default();
        let fields = Fields::of(object, &errors);
        let id = fields.required("id").and_then(|field| slug(&field));
        let name = fields.required("name").and_then(|field| field.text(1..=MAX_NAME_CHARS));
        let source = fields.required("source").and_then(|field| source(&field));
        let rest = Rest::read(&fields);
        let read = || {
            let Rest { description, variables, hooks, tags } = rest?;
            Some(TemplateBody { id: id?, name: name?, source: source?, description, variables, hooks, tags })
        };
        let read = read();
        errors.or_else(read)
    }
}

impl TemplateChangeBody {
    /// # Errors
    /// [`FieldErrors`].
    pub fn read(object: Object<'_>) -> Result<Self, FieldErrors> {
        let errors = Errors::default();
        let fields = Fields::of(object, &errors);
        let name = fields.optional("name", |field| field.text(1..=MAX_NAME_CHARS));
        let source = fields.optional("source", |field| source(&field));
        let rest = Rest::read(&fields);
        let read = || {
            let Rest { description, variables, hooks, tags } = rest?;
            Some(TemplateChangeBody { name: name?, source: source?, description, variables, hooks, tags })
        };
        let read = read();
        errors.or_else(read)
    }
}

/// The members that no template needs.
struct Rest {
    description: Option<String>,
    variables: Option<Vec<VariableContent>>,
    hooks: Option<FreeJson>,
    tags: Option<Vec<String>>,
}

impl Rest {
    fn read(fields: &Fields<'_, '_>) -> Option<Self> {
        let description = fields.optional("description", |field| field.text(0..=MAX_DESCRIPTION_CHARS));
        let variables = fields.optional("variables", |field| field.each(MAX_VARIABLES, |one| variable(&one.object()?)));
        let hooks = fields.optional("hooks", |field| field.free_object(MAX_FREE_BYTES));
        let tags = fields.optional("tags", |field| field.each(MAX_TAGS, |tag| tag.text(1..=MAX_NAME_CHARS)));
        Some(Rest { description: description?, variables: variables?, hooks: hooks?, tags: tags? })
    }
}

fn slug(field: &Field<'_, '_>) -> Option<TemplateId> {
    let text = field.text(1..=TemplateId::MAX_CHARS)?;
    let message = "must be lowercase letters and digits, with hyphens between them";
    TemplateId::parse(&text).ok().or_else(|| field.fault(FieldFault::Format, message))
}

/// Kept as it was sent: an object with a known type.
fn source(field: &Field<'_, '_>) -> Option<FreeJson> {
    let members = field.object()?;
    let kind = members.required("type").and_then(|kind| kind.word(&["git", "url"]))?;
    let place = if kind == "git" { "repository" } else { "url" };
    members.required(place)?.text(1..=2_048)?;
    members.optional("branch", |branch| branch.text(1..=2_048))?;
    field.free(MAX_FREE_BYTES)
}

fn variable(fields: &Fields<'_, '_>) -> Option<VariableContent> {
    let name = fields.required("name").and_then(|field| field.text(1..=MAX_NAME_CHARS));
    let description = fields.optional("description", |field| field.text(0..=MAX_DESCRIPTION_CHARS));
    let required = fields.optional("required", |field| field.boolean());
    let default = fields.optional("default", |field| field.free(MAX_FREE_BYTES));
    Some(VariableContent { name: name?, description: description?, required: required?, default: default? })
}
