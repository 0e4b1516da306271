//! The template that a submission names.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use tidegate_agentgate::command::TemplateVersion;
use tidegate_agentgate::views::{self, TemplateRow};
use tidegate_agentgate::{BuiltIn, TemplateId};
use tidegate_kernel::FreeJson;

use crate::call::Call;
use crate::content::TemplateContent;
use crate::parse::{FieldErrors, Source};
use crate::refusal::{Refusal, Why};

/// The organization's own template that the source names, and its version. A built-in one needs neither.
///
/// # Errors
/// There is no such template, or a variable that it requires is missing.
pub(crate) async fn named_template(
    call: &Call,
    source: &Source,
) -> Result<Option<(TemplateContent, TemplateVersion)>, Refusal> {
    let Source::Template { template_id, variables } = source else { return Ok(None) };
    if BuiltIn::find(template_id).is_some() {
        return Ok(None);
    }
    let unknown = || Why::TemplateUnknown { template: template_id.clone() };
    let id = TemplateId::parse(template_id).map_err(|_| unknown())?;
    let row: Option<TemplateRow> = call.door.row(views::template(call.caller.org, &id)).await?;
    let row = row.ok_or_else(unknown)?;
    let content: TemplateContent = call.door.open(call.owner(), &row.content).await?;
    supplied(&content, variables.as_ref())?;
    Ok(Some((content, TemplateVersion { id, version: row.version })))
}

/// Each variable that is required and has no default is there.
fn supplied(template: &TemplateContent, variables: Option<&FreeJson>) -> Result<(), FieldErrors> {
    let read = |variables: &FreeJson| serde_json::from_str::<BTreeMap<String, IgnoredAny>>(variables.as_str()).ok();
    let sent = variables.and_then(read).unwrap_or_default();
    let required = template.variables.iter().flatten();
    let required = required.filter(|variable| variable.required == Some(true) && variable.default.is_none());
    let missing = required.filter(|variable| !sent.contains_key(&variable.name));
    FieldErrors::missing(missing.map(|variable| format!("workspaceSource.variables.{}", variable.name)))
}
