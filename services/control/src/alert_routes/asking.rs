//! `/v1/routes/{id}/test` and `/v1/routes/{id}/rotate-secret`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use tidegate_agentping_alerts::signature::new_secret;
use tidegate_agentping_alerts::{Delivered, DeliveryState, Messages};
use tidegate_agentping_settings::route::PreviousSecret;
use tidegate_agentping_settings::{Fields, RouteDoc, RouteId, RouteTarget, SettingFault};
use tidegate_kernel::Timestamp;
use tidegate_kernel::timestamp::iso;
use tokio::time::{Instant, sleep};
use utoipa::ToSchema;

use super::{kept, named, random, tag, unknown};
use crate::call::{Call, Sent, framed_change, json};
use crate::endpoint::Endpoint;
use crate::manage::{Change, ETag, object};
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ChangeRefusals, ManagedRefusals, NotFoundRefusals, Refusals};

/// How long a test's outcome is waited for: more than a receiver may take.
const TRIED_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// What came of a test.
#[derive(Serialize, ToSchema)]
pub(crate) struct TestOutcome {
    ok: bool,
    /// The receiver's status.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u16, required = false)]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    error: Option<String>,
    took_ms: u64,
    #[schema(example = "whd_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5")]
    delivery_id: String,
}

/// A new secret. This answer is the only one that shows it.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewSecret {
    #[schema(example = "whsec_…")]
    secret: String,
    /// Until then messages are signed with the secret before as well.
    #[serde(with = "iso")]
    #[schema(value_type = String, format = DateTime)]
    previous_until: Timestamp,
}

/// Nothing is asked for of it.
#[derive(ToSchema)]
pub(crate) struct NoBody {}

/// Sends one test, also to a route that is disabled or muted, and says what came of it. It is tried once.
#[utoipa::path(
    post,
    path = "/v1/routes/{id}/test",
    operation_id = "test_route",
    tag = "routes",
    params(("id" = String, Path, description = "The route's id.")),
    request_body = Option<NoBody>,
    responses((status = 200, description = "What came of it.", body = TestOutcome), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn test(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::RouteTest, request, tested).await
}

/// Makes a new secret of a webhook. For 24 hours messages are signed with both.
#[utoipa::path(
    post,
    path = "/v1/routes/{id}/rotate-secret",
    operation_id = "rotate_route_secret",
    tag = "routes",
    params(("id" = String, Path, description = "The route's id.")),
    request_body = Option<NoBody>,
    responses((status = 200, description = "The new secret.", body = NewSecret), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn rotate(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::RouteSecret, request, rotated).await
}

async fn tested(mut call: Call, sent: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let id = named(&mut call).await?;
    Fields::of(&sent.json_or_none()?, "", &[])?;
    kept(&call, &id).await?;
    let route: RouteId = id.parse().map_err(|_| unknown(&id))?;
    let (team, managed) = (call.reader.team, &call.reads.managed);
    let delivery = call.reads.ask(managed.outbox.test(team, route, &*call.reads.ids)).await?;
    let messages = Messages::new(managed.rows.clone());
    let until = Instant::now() + TRIED_WITHIN;
    loop {
        let found = call.reads.ask(messages.one(team, delivery)).await?;
        if let Some(outcome) = found.as_ref().and_then(TestOutcome::of) {
            return json(&outcome);
        }
        if Instant::now() >= until {
            let error = Some(format!("it was not tried within {} s: nothing sends now", TRIED_WITHIN.as_secs()));
            let delivery_id = delivery.to_string();
            return json(&TestOutcome { ok: false, status: None, error, took_ms: 0, delivery_id });
        }
        sleep(LOOK_EVERY).await;
    }
}

impl TestOutcome {
    /// `None`: it is not tried yet.
    fn of(found: &Delivered) -> Option<Self> {
        let progress = &found.progress;
        if !progress.state.is_finished() {
            return None;
        }
        let last = progress.tries.last();
        let error = last.and_then(|last| last.error.clone()).or_else(|| progress.reason.clone());
        Some(TestOutcome {
            ok: progress.state == DeliveryState::Sent,
            status: last.and_then(|last| last.status),
            error,
            took_ms: last.map_or(0, |last| last.took_ms),
            delivery_id: found.doc.id.to_string(),
        })
    }
}

async fn rotated(mut call: Call, sent: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let id = named(&mut call).await?;
    Fields::of(&sent.json_or_none()?, "", &[])?;
    let secret = new_secret(&random(&call).0);
    let decide = || {
        let (call, id, secret) = (&call, &id, &secret);
        async move {
            let mut kept = kept(call, id).await?;
            ETag::matched(Some(&tag(id, kept.next_version(false))?), call.headers())?;
            let until = call.reads.now().plus_millis(RouteDoc::PREVIOUS_SECRET_MS);
            let RouteTarget::Webhook(webhook) = &mut kept.doc.target else {
                return Err(SettingFault::at("kind", "has no secret: only webhooks are signed").into());
            };
            webhook.previous = Some(PreviousSecret { secret: webhook.secret.clone(), until });
            webhook.secret = secret.clone();
            let audited = Some(("route.rotate", kept.doc.name.to_string()));
            Ok(Change { writes: vec![kept.write()?], audited, answer: (until, kept.next_version(true)) })
        }
    };
    let (previous_until, version) = call.change(decide).await?;
    let answer = NewSecret { secret: secret.expose().to_owned(), previous_until };
    object(StatusCode::OK, &answer, &tag(&id, version)?)
}
