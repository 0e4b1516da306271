//! `/v1/routes`: where the team's messages go.

pub(crate) mod asking;
pub(crate) mod deliveries;
pub(crate) mod questions;
mod removal;
mod view;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value};
use tidegate_agentping_alerts::route_request::RouteRandom;
use tidegate_agentping_alerts::{Messages, RouteRequest};
use tidegate_agentping_settings::{RouteDoc, RouteId, RouteTarget, SettingFault, kinds};
use tidegate_ports::{DocumentList, ScanOrder};

use crate::call::{Call, Sent, framed_change, framed_managed};
use crate::endpoint::Endpoint;
use crate::manage::{Change, ETag, Kept, NamePage, PAGE_PARAMETERS, deleted, object, page_of};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{
    AskingRefusals, ChangeRefusals, ManagedRefusals, NotFoundRefusals, Refusals, TakenRefusals,
};
use crate::weight::Weight;
use questions::Questions;
use view::{NewRouteBody, RouteList, RouteMade, RoutePatchBody, RouteView};

const LIST: &[&str] = &["routes"];
/// Routes of a team at most.
pub(crate) const MOST: usize = 200;

/// The team's routes, by name.
#[utoipa::path(
    get,
    path = "/v1/routes",
    operation_id = "list_routes",
    tag = "routes",
    params(
        ("limit" = inline(Option<u32>), Query, description = "At most so many; 50 if absent.", minimum = 1, maximum = 200),
        ("cursor" = inline(Option<String>), Query, description = "The `next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of routes.", body = RouteList), Refusals, ManagedRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn list(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::Routes, request, page).await
}

/// Makes a route. It gets no messages until the team or an agent names it. A webhook's secret is shown only in this answer.
#[utoipa::path(
    post,
    path = "/v1/routes",
    operation_id = "create_route",
    tag = "routes",
    request_body = NewRouteBody,
    responses(
        (status = 201, description = "The route.", body = RouteMade),
        Refusals, ManagedRefusals, ChangeRefusals, TakenRefusals, AskingRefusals,
    ),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn create(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Routes, request, make).await
}

/// One route.
#[utoipa::path(
    get,
    path = "/v1/routes/{id}",
    operation_id = "read_route",
    tag = "routes",
    params(("id" = String, Path, description = "The route's id.")),
    responses((status = 200, description = "The route.", body = RouteView), Refusals, ManagedRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn read(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::Route, request, one).await
}

/// Changes a route. `null` unsets a member. Enabling one that was disabled sends nothing old.
#[utoipa::path(
    patch,
    path = "/v1/routes/{id}",
    operation_id = "change_route",
    tag = "routes",
    params(("id" = String, Path, description = "The route's id.")),
    request_body = RoutePatchBody,
    responses(
        (status = 200, description = "The route.", body = RouteView),
        Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals, TakenRefusals, AskingRefusals,
    ),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn patch(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Route, request, changed).await
}

/// Deletes a route. What waits for it is not sent, and neither the team nor an agent names it any more.
#[utoipa::path(
    delete,
    path = "/v1/routes/{id}",
    operation_id = "delete_route",
    tag = "routes",
    params(("id" = String, Path, description = "The route's id.")),
    responses((status = 204, description = "It is gone."), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn delete(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Route, request, async move |mut call: Call, _: Sent| {
        call.parameters(&[])?;
        let id = named(&mut call).await?;
        removal::remove(&call, &id).await?;
        Ok(deleted())
    })
    .await
}

async fn page(call: Call) -> Result<Response, Problem> {
    let page = NamePage::read(&call.parameters(PAGE_PARAMETERS)?, LIST)?;
    let permit = call.reads.permit(Weight::Rows).await?;
    let mut all = all(&call).await?;
    all.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
    let after = page.after.as_deref();
    let wanted = all.into_iter().filter(|(_, route)| after.is_none_or(|after| route.name.as_str() > after));
    let (found, next_cursor) =
        page_of(wanted.take(page.limit + 1).collect(), &page, LIST, |(_, route)| route.name.to_string());
    let mut routes = Vec::new();
    for (id, route) in found {
        routes.push(view(&call, &id, &route).await?);
    }
    Ok(permit.json(&RouteList { routes, next_cursor })?)
}

async fn one(mut call: Call) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let id = named(&mut call).await?;
    let kept = kept(&call, &id).await?;
    let view = view(&call, &id, &kept.doc).await?;
    object(StatusCode::OK, &view, &tag(&id, kept.next_version(false))?)
}

async fn make(call: Call, sent: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let given = members(&sent)?;
    let judged = judged(&call, &given).await;
    let request = RouteRequest::new(given);
    let team = call.reader.team;
    let id = RouteId::mint(team.region(), call.reads.now(), &call.reads.ids.random());
    let route = request.create((team, id), &random(&call), &|_| judged.clone(), call.reads.now())?;
    mail_can_be_sent(&call, &route)?;
    let (id, route) = (id.to_string(), &route);
    let decide = || {
        let (call, id) = (&call, &id);
        async move {
            name_is_free(call, id, route).await?;
            let audited = Some(("route.create", route.name.to_string()));
            let asked = Questions::of_one(call, (id.as_str(), route.clone()), None).await?;
            let kept = Kept::new(kinds::ROUTE, id, asked.route);
            let writes = std::iter::once(kept.write()?).chain(asked.question).collect();
            let version = kept.next_version(true);
            Ok(Change { writes, audited, answer: (kept.doc, version, asked.is_asked) })
        }
    };
    let (route, version, is_asked) = call.change(decide).await?;
    if is_asked {
        ask_to_confirm(&call, &id, &route).await;
    }
    let secret = match &route.target {
        RouteTarget::Webhook(webhook) => Some(webhook.secret.reveal().to_owned()),
        _ => None,
    };
    let made = RouteMade { route: view(&call, &id, &route).await?, secret };
    object(StatusCode::CREATED, &made, &tag(&id, version)?)
}

async fn changed(mut call: Call, sent: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let id = named(&mut call).await?;
    let given = members(&sent)?;
    let judged = judged(&call, &given).await;
    let (request, random) = (RouteRequest::new(given), random(&call));
    let parsed: RouteId = id.parse().map_err(|_| unknown(&id))?;
    let decide = || {
        let (call, id, request, random, judged) = (&call, &id, &request, &random, &judged);
        async move {
            let kept = kept(call, id).await?;
            ETag::matched(Some(&tag(id, kept.next_version(false))?), call.headers())?;
            let team = call.reader.team;
            let now = call.reads.now();
            let route = request.change((team, parsed), &kept.doc, random, &|_| judged.clone(), now)?;
            mail_can_be_sent(call, &route)?;
            if route.name != kept.doc.name {
                name_is_free(call, id, &route).await?;
            }
            let asked = Questions::of_one(call, (id.as_str(), route), Some(&kept.doc)).await?;
            let is_same = asked.route == kept.doc;
            let version = kept.next_version(!is_same);
            let audited = Some(("route.update", asked.route.name.to_string()));
            let kept = kept.with(asked.route);
            let mut writes = if is_same { Vec::new() } else { vec![kept.write()?] };
            writes.extend(asked.question);
            Ok(Change { writes, audited, answer: (kept.doc, version, asked.is_asked) })
        }
    };
    let (route, version, is_asked) = call.change(decide).await?;
    if is_asked {
        ask_to_confirm(&call, &id, &route).await;
    }
    let view = view(&call, &id, &route).await?;
    object(StatusCode::OK, &view, &tag(&id, version)?)
}

/// The route that the path names; one that is no id is unknown.
async fn named(call: &mut Call) -> Result<String, Problem> {
    let id = call.path().await.unwrap_or_default();
    match id.parse::<RouteId>() {
        Ok(_) => Ok(id),
        Err(_) => Err(unknown(&id)),
    }
}

fn unknown(id: &str) -> Problem {
    Problem::Unknown { what: "route", name: id.to_owned() }
}

async fn kept(call: &Call, id: &str) -> Result<Kept<RouteDoc>, Problem> {
    let found = Kept::<RouteDoc>::find(&call.reads, call.reader.team, kinds::ROUTE, id).await?;
    found.ok_or_else(|| unknown(id))
}

/// Every write of a route is another version of it.
fn tag(id: &str, version: u64) -> Result<ETag, Problem> {
    ETag::of(&(id, version))
}

async fn view(call: &Call, id: &str, route: &RouteDoc) -> Result<RouteView, Problem> {
    let messages = Messages::new(call.reads.managed.rows.clone());
    let health = call.reads.ask(messages.health(call.reader.team, id)).await?;
    Ok(RouteView::of(id, route, &health, call.is_read_only()))
}

fn members(sent: &Sent) -> Result<Map<String, Value>, Problem> {
    match sent.json()? {
        Value::Object(members) => Ok(members),
        _ => Err(SettingFault::at("", "must be a JSON object").into()),
    }
}

/// What is to be said of the URL that was given, if one was.
async fn judged(call: &Call, given: &Map<String, Value>) -> Result<(), String> {
    match given.get("url").and_then(Value::as_str) {
        Some(url) => judged_url(call, url).await,
        None => Ok(()),
    }
}

/// What is to be said of a URL, as the sender judges it.
pub(crate) async fn judged_url(call: &Call, url: &str) -> Result<(), String> {
    match &call.reads.managed.receivers {
        Some(receivers) => receivers.judge(url).await.map_err(|error| error.to_string()),
        None => Err("this process sends nothing".to_owned()),
    }
}

pub(crate) fn random(call: &Call) -> RouteRandom {
    let mut bytes = [0; 32];
    for part in bytes.chunks_mut(10) {
        part.copy_from_slice(&call.reads.ids.random()[..part.len()]);
    }
    RouteRandom(bytes)
}

/// Whether this deployment sends mail: that needs a server, and for the links in it the deployment's own URL.
pub(crate) fn sends_mail(call: &Call) -> bool {
    let managed = &call.reads.managed;
    managed.sends_mail && managed.outbox.naming().public_url.is_some()
}

fn mail_can_be_sent(call: &Call, route: &RouteDoc) -> Result<(), Problem> {
    if matches!(route.target, RouteTarget::Email(_)) && !sends_mail(call) {
        return Err(SettingFault::at("kind", "cannot be email here: this deployment sends no mail").into());
    }
    Ok(())
}

/// No other route of the team has the name, and there is room for one more.
async fn name_is_free(call: &Call, id: &str, route: &RouteDoc) -> Result<(), Problem> {
    let all = all(call).await?;
    if all.iter().any(|(other, known)| other != id && known.name == route.name) {
        return Err(Problem::NameTaken { what: "route", name: route.name.to_string() });
    }
    match all.len() >= MOST && !all.iter().any(|(other, _)| other == id) {
        true => Err(SettingFault::at("", format!("cannot make another route: the team has {MOST}")).into()),
        false => Ok(()),
    }
}

async fn all(call: &Call) -> Result<Vec<(String, RouteDoc)>, Problem> {
    let (space, kind, order) = (call.reader.team.to_string(), kinds::ROUTE, ScanOrder::Ascending);
    let list = DocumentList { space: &space, kind, prefix: "", after: None, order, limit: MOST + 1 };
    let found = call.reads.ask(call.reads.managed.documents.list(&list)).await?;
    let read = found.iter().filter_map(|document| {
        let route = tidegate_agentping_settings::team::read::<RouteDoc>(&space, document)?;
        Some((document.name.to_string(), route))
    });
    Ok(read.collect())
}

/// Asks a mail address whether it wants messages. If that fails, the route stays unconfirmed: its next change within the
/// day asks again.
pub(crate) async fn ask_to_confirm(call: &Call, id: &str, route: &RouteDoc) {
    let (RouteTarget::Email(mail), Ok(id)) = (&route.target, id.parse::<RouteId>()) else { return };
    let asked = call.reads.managed.outbox.ask(call.reader.team, id, mail);
    if let Err(problem) = call.reads.ask(asked).await {
        tracing::warn!(route = %id, ?problem, "a mail address could not be asked to confirm");
    }
}
