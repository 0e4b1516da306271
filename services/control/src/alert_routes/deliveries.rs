//! `/v1/routes/{id}/deliveries` and `/v1/deliveries/{id}/resend`: a route's messages, and one once more.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use tidegate_agentping::Slug;
use tidegate_agentping_alerts::reading::cursor_place;
use tidegate_agentping_alerts::rows::timed_name;
use tidegate_agentping_alerts::{Delivered, DeliveryTry, MessageEdge, Messages, shown_answer};
use tidegate_agentping_pulse::DeliveryId;
use tidegate_agentping_settings::{Fields, TeamSettings};
use tidegate_kernel::Timestamp;
use tidegate_kernel::timestamp::{iso, iso_option};
use utoipa::ToSchema;

use super::asking::NoBody;
use super::{kept, named};
use crate::call::{Call, Sent, framed_change, framed_managed};
use crate::endpoint::Endpoint;
use crate::manage::{NamePage, PAGE_PARAMETERS, page_of};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ChangeRefusals, ManagedRefusals, NotFoundRefusals, Refusals};
use crate::weight::Weight;

/// A page of a route's messages.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryList {
    /// Newest first.
    deliveries: Vec<DeliveryView>,
    totals: TotalsView,
    /// Send it as `cursor` for the next page; null at the end.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// How many messages the route has of the last 90 days: made = sent + failed + muted + waiting.
#[derive(Serialize, ToSchema)]
struct TotalsView {
    made: u64,
    sent: u64,
    failed: u64,
    muted: u64,
    waiting: u64,
}

/// A message to a route.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryView {
    #[schema(example = "whd_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5")]
    id: String,
    /// The route's id.
    route: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    incident_id: Option<String>,
    #[schema(example = "schedule_missed")]
    alert: &'static str,
    #[schema(value_type = Option<String>, required = true)]
    agent: Option<Slug>,
    /// `firing`, `resolved`, `repeat`, `reminder`, `flapping`, `group`, `unmuted`, `digest` or `test`.
    edge: &'static str,
    /// `waiting`, `sent`, `failed` or `muted`.
    status: &'static str,
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[serde(with = "iso_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    next_try_at: Option<Timestamp>,
    /// Why there is no further try, where none of them says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    reason: Option<String>,
    /// The exact text. Slack, mail and PagerDuty get what is made from it.
    body: String,
    tries: Vec<TryView>,
}

/// One try.
#[derive(Serialize, ToSchema)]
struct TryView {
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u16, required = false)]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    error: Option<String>,
    /// The first KiB of the answer. A key that may only read does not see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    answer: Option<String>,
    took_ms: u64,
}

/// A route's messages of the last 90 days, newest first.
#[utoipa::path(
    get,
    path = "/v1/routes/{id}/deliveries",
    operation_id = "list_deliveries",
    tag = "routes",
    params(
        ("id" = String, Path, description = "The route's id."),
        ("limit" = inline(Option<u32>), Query, description = "At most so many; 50 if absent.", minimum = 1, maximum = 200),
        ("cursor" = inline(Option<String>), Query, description = "The `next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of messages.", body = DeliveryList), Refusals, ManagedRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn list(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::Deliveries, request, page).await
}

/// Sends a message again, whatever became of it, with the same id.
#[utoipa::path(
    post,
    path = "/v1/deliveries/{id}/resend",
    operation_id = "resend_delivery",
    tag = "routes",
    params(("id" = String, Path, description = "The message's id.")),
    request_body = Option<NoBody>,
    responses((status = 202, description = "The message; it is tried now.", body = DeliveryView), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn resend(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::Resend, request, resent).await
}

async fn page(mut call: Call) -> Result<Response, Problem> {
    let parameters = call.parameters(PAGE_PARAMETERS)?;
    let id = named(&mut call).await?;
    let list = ["deliveries", id.as_str()];
    let page = NamePage::read(&parameters, &list)?;
    kept(&call, &id).await?;
    let permit = call.reads.permit(Weight::Listing).await?;
    let (messages, now) = (Messages::new(call.reads.managed.rows.clone()), call.reads.now());
    let after = page.after.as_deref().and_then(cursor_place);
    let found = call.reads.ask(messages.of_route(&id, after, page.limit + 1, now)).await?;
    let place = |one: &Delivered| timed_name(one.doc.made_at, one.doc.id).to_string();
    let (found, next_cursor) = page_of(found, &page, &list, place);
    let totals = call.reads.ask(messages.totals(&id, now)).await?;
    let (hides_answers, settings) = (call.is_read_only(), call.settings());
    let list = DeliveryList {
        deliveries: found.into_iter().map(|one| DeliveryView::of(one, &settings, hides_answers)).collect(),
        totals: TotalsView {
            made: totals.made,
            sent: totals.sent,
            failed: totals.failed,
            muted: totals.muted,
            waiting: totals.waiting,
        },
        next_cursor,
    };
    Ok(permit.json(&list)?)
}

async fn resent(mut call: Call, sent: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let id = call.path().await.unwrap_or_default();
    Fields::of(&sent.json_or_none()?, "", &[])?;
    let unknown = || Problem::Unknown { what: "delivery", name: id.clone() };
    let parsed: DeliveryId = id.parse().map_err(|_| unknown())?;
    let outbox = &call.reads.managed.outbox;
    let again = call.reads.ask(outbox.resend(call.reader.team, parsed)).await?.ok_or_else(unknown)?;
    let mut response = crate::call::json(&DeliveryView::of(again, &call.settings(), false))?;
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

impl DeliveryView {
    /// `hides_answers`: a receiver's answer may repeat what only its owner knows. In those that former builds stored,
    /// what is secret of the route is blanked here. Once the route is gone it is not known, so no answer is shown.
    pub fn of(one: Delivered, settings: &TeamSettings, hides_answers: bool) -> Self {
        let Delivered { doc, progress } = one;
        let target = settings.routes.get(&doc.route).map(|route| &route.target);
        let shown = |answer: String| target.map(|target| shown_answer(target, &answer));
        let tried = |one: DeliveryTry| TryView {
            at: one.at,
            status: one.status,
            error: one.error,
            answer: one.answer.filter(|_| !hides_answers).and_then(shown),
            took_ms: one.took_ms,
        };
        DeliveryView {
            id: doc.id.to_string(),
            route: doc.route.to_string(),
            incident_id: doc.incident.map(|incident| incident.to_string()),
            alert: doc.alert.as_str(),
            agent: doc.agent.map(|key| match doc.edge {
                // It names no agent of the team.
                MessageEdge::Test => key,
                _ => settings.names.name(&key).clone(),
            }),
            edge: doc.edge.as_str(),
            status: progress.state.as_str(),
            created_at: doc.made_at,
            next_try_at: progress.next_try_at,
            reason: progress.reason,
            body: doc.body,
            tries: progress.tries.into_iter().map(tried).collect(),
        }
    }
}
