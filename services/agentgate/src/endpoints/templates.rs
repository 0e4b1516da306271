//! `GET` and `POST /v1/templates`: the templates of an organization, and a new one.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use tidegate_agentgate::views::{self, TemplateRow};
use tidegate_agentgate::{BuiltIn, Scope};
use tidegate_door::Detached;
use tidegate_kernel::SmolStr;
use tidegate_ports::{Scan, ScanOrder};

use super::template_wire::{Template, put, put_done};
use crate::answer::Answer;
use crate::call::{Call, Needs, client};
use crate::command_class::CommandClass;
use crate::content::TemplateContent;
use crate::endpoint::Endpoint;
use crate::front_door::{FrontDoor, decoded};
use crate::listing::ListPage;
use crate::parse::{TemplateBody, TemplateQuery, json_object};
use crate::refusal::{Refusal, Why};
use crate::refusal_shapes::{CommandRefusals, ListRefusals, Refusals};
use crate::request_shapes::TemplateRequest;

/// More than an organization can have.
const SCAN_LIMIT: usize = 1_000;

/// The built-in templates, then the organization's own, each in the order of ids.
#[utoipa::path(
    get,
    path = "/v1/templates",
    operation_id = "list_templates",
    tag = "templates",
    params(
        ("tag" = inline(Option<String>), Query, description = "With this tag."),
        ("limit" = inline(Option<u32>), Query, description = "At most so many; 20 if absent.", minimum = 1, maximum = 100),
        ("offset" = inline(Option<u32>), Query, description = "After so many; 0 if absent."),
    ),
    responses((status = 200, description = "A page of templates.", body = ListPage<Template>), Refusals, ListRefusals),
    security(("key" = [])),
)]
pub(crate) async fn list(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    client(door, Endpoint::Templates, Needs::scope(Scope::TemplatesRead), request, page).await
}

async fn page(call: Call, mut body: Body) -> Result<Answer, Refusal> {
    call.pass(&mut body).await;
    drop(body);
    let query = TemplateQuery::read(&call.query())?;
    let mut templates: Vec<Template> = BuiltIn::ALL.iter().map(Template::built_in).collect();
    let shard = SmolStr::from(call.caller.org.to_string());
    let scan = Scan { view: views::TEMPLATES, shard, after: None, order: ScanOrder::Ascending, limit: SCAN_LIMIT };
    for row in call.door.ask(call.door.views.scan(&scan)).await? {
        let doc: TemplateRow = decoded(&row.doc)?;
        let content: TemplateContent = call.door.open(call.owner(), &doc.content).await?;
        templates.push(Template::own(&row.row, content, doc.created_at_ms, doc.updated_at_ms));
    }
    if let Some(tag) = query.tag {
        templates.retain(|template| template.tags.contains(&tag));
    }
    Answer::read(&ListPage::cut(templates, query.page))
}

/// Makes a template of the organization's own.
#[utoipa::path(
    post,
    path = "/v1/templates",
    operation_id = "create_template",
    tag = "templates",
    request_body = TemplateRequest,
    responses((status = 201, description = "The template.", body = Template), CommandRefusals),
    security(("key" = [])),
)]
pub(crate) async fn create(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    let needs = Needs::command(Scope::TemplatesWrite, CommandClass::Creates);
    client(door, Endpoint::Templates, needs, request, make).await
}

async fn make(call: Call, body: Body) -> Result<Answer, Refusal> {
    let bytes = call.body(body).await?;
    Detached::new(async move {
        let body = json_object(&bytes).map_err(Why::Json)?;
        let TemplateBody { id, name, source, description, variables, hooks, tags } = TemplateBody::read(body.object)?;
        let content = TemplateContent { name, source, description, variables, hooks, tags };
        let decided = call.door.carry_out(put(&call, &id, 0, &content).await?).await?;
        let (created_at, updated_at) = put_done(decided, &id)?;
        Answer::done(StatusCode::CREATED, &Template::own(id.as_str(), content, created_at, updated_at))
    })
    .await
}
