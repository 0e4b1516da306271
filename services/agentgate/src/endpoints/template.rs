//! `GET`, `PUT` and `DELETE /v1/templates/{id}`: one template.

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use tidegate_agentgate::command::DropTemplate;
use tidegate_agentgate::{BuiltIn, Command, Owner, Refusal as Decision, Scope, TemplateId};
use tidegate_door::Detached;

use super::template_wire::{Template, built_in, own_path_id, path_id, put, put_done, stored, unknown};
use crate::answer::Answer;
use crate::call::{Call, Needs, client};
use crate::command_class::CommandClass;
use crate::content::TemplateContent;
use crate::endpoint::Endpoint;
use crate::front_door::FrontDoor;
use crate::parse::{TemplateChangeBody, json_object};
use crate::refusal::{Refusal, Why};
use crate::refusal_shapes::{CommandRefusals, Refusals, TemplateRefusals};
use crate::request_shapes::TemplateChangeRequest;
use crate::submit::{Decided, MakeOrder, Order, refused};

/// One template.
#[utoipa::path(
    get,
    path = "/v1/templates/{id}",
    operation_id = "get_template",
    tag = "templates",
    params(("id" = String, Path, description = "The template.")),
    responses((status = 200, description = "The template.", body = Template), Refusals, TemplateRefusals),
    security(("key" = [])),
)]
pub(crate) async fn read(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    client(door, Endpoint::Template, Needs::scope(Scope::TemplatesRead), request, one).await
}

async fn one(call: Call, mut body: Body) -> Result<Answer, Refusal> {
    call.pass(&mut body).await;
    drop(body);
    let id = path_id(&call)?;
    if let Some(template) = BuiltIn::find(id.as_str()) {
        return Answer::read(&Template::built_in(template));
    }
    let (row, content) = stored(&call, &id).await?;
    Answer::read(&Template::own(id.as_str(), content, row.created_at_ms, row.updated_at_ms))
}

/// Changes what is sent of a template. The rest stays.
#[utoipa::path(
    put,
    path = "/v1/templates/{id}",
    operation_id = "update_template",
    tag = "templates",
    params(("id" = String, Path, description = "The template.")),
    request_body = TemplateChangeRequest,
    responses((status = 200, description = "The template as it is now.", body = Template), CommandRefusals, TemplateRefusals),
    security(("key" = [])),
)]
pub(crate) async fn change(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    let needs = Needs::command(Scope::TemplatesWrite, CommandClass::Creates);
    client(door, Endpoint::Template, needs, request, merge).await
}

async fn merge(call: Call, body: Body) -> Result<Answer, Refusal> {
    let bytes = call.body(body).await?;
    Detached::new(async move {
        let id = own_path_id(&call)?;
        let body = json_object(&bytes).map_err(Why::Json)?;
        let change = TemplateChangeBody::read(body.object)?;
        let merge = Merge { call: &call, id: &id, change: &change };
        let decided = call.door.carry_out_anew(&merge).await?;
        put_done(decided, &id)?;
        // The views are written before the decision is known.
        let (row, content) = stored(&call, &id).await?;
        Answer::done(StatusCode::OK, &Template::own(id.as_str(), content, row.created_at_ms, row.updated_at_ms))
    })
    .await
}

/// A change on its way to the log.
struct Merge<'a> {
    call: &'a Call,
    id: &'a TemplateId,
    change: &'a TemplateChangeBody,
}

#[async_trait]
impl MakeOrder for Merge<'_> {
    /// What is stored now, with what changes.
    async fn order(&self) -> Result<Order, Refusal> {
        let (row, stands) = stored(self.call, self.id).await?;
        let change = self.change.clone();
        let content = TemplateContent {
            name: change.name.unwrap_or(stands.name),
            source: change.source.unwrap_or(stands.source),
            description: change.description.or(stands.description),
            variables: change.variables.or(stands.variables),
            hooks: change.hooks.or(stands.hooks),
            tags: change.tags.or(stands.tags),
        };
        put(self.call, self.id, row.version, &content).await
    }
}

/// Deletes a template of the organization's own. Work orders that were made from it stay as they are.
#[utoipa::path(
    delete,
    path = "/v1/templates/{id}",
    operation_id = "delete_template",
    tag = "templates",
    params(("id" = String, Path, description = "The template.")),
    responses((status = 204, description = "The template is gone."), CommandRefusals, TemplateRefusals),
    security(("key" = [])),
)]
pub(crate) async fn delete(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    let needs = Needs::command(Scope::TemplatesWrite, CommandClass::Rest);
    client(door, Endpoint::Template, needs, request, remove).await
}

async fn remove(call: Call, mut body: Body) -> Result<Answer, Refusal> {
    call.pass(&mut body).await;
    drop(body);
    Detached::new(async move {
        let id = own_path_id(&call)?;
        let command = Command::TemplateDrop(DropTemplate { sent_with: call.caller.key, template: id.clone() });
        let owner = Owner::Org(call.caller.org);
        let order = Order { owner, command, key: None, received_at: call.received_at };
        match call.door.carry_out(order).await? {
            Decided::Answered(_) | Decided::Repeated(_) => Ok(Answer::gone()),
            Decided::Refused(Decision::Unknown {}) => Err(unknown(&id)),
            Decided::Refused(Decision::BuiltIn {}) => Err(built_in(&id)),
            Decided::Refused(decision) => Err(refused(decision)),
        }
    })
    .await
}
