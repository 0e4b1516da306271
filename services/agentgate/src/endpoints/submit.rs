//! `POST /v1/work-orders`: a work order, and its run.

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use tidegate_agentgate::command::SubmitRun;
use tidegate_agentgate::{Answer as DecidedAnswer, Command, Owner, Refusal as Decision, RunId, Scope};
use tidegate_door::Detached;
use tidegate_kernel::command::IdempotencyKey;
use tidegate_kernel::{FreeJson, Timestamp};
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::call::{Call, Needs, Window, client};
use crate::command_class::CommandClass;
use crate::content::{OrderContent, TemplateContent};
use crate::endpoint::Endpoint;
use crate::front_door::{FrontDoor, defect};
use crate::named_template::named_template;
use crate::parse::{Source, SubmissionBody, json_object};
use crate::refusal::{Refusal, Why};
use crate::refusal_shapes::{SubmissionRefusals, TemplateRefusals};
use crate::request_shapes::WorkOrderRequest;
use crate::submit::{Decided, MakeOrder, Order, refused, unexpected};
use crate::wire::seconds;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// A run that no worker has started after a day fails.
const PENDING_LIMIT_MS: u64 = 24 * 60 * 60 * 1_000;

/// A work order that was taken in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreatedWorkOrder {
    #[schema(example = "wo_01arz3ndektsv4rrffq69g5fav")]
    work_order_id: String,
    #[schema(example = "run_01arz3ndektsv4rrffq69g5fav")]
    run_id: String,
    #[schema(example = "pending")]
    status: &'static str,
    #[serde(serialize_with = "seconds")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// As it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    metadata: Option<FreeJson>,
}

/// Takes a work order in and queues its run. The answer comes once it is decided: the estimated cost is held.
#[utoipa::path(
    post,
    path = "/v1/work-orders",
    operation_id = "create_work_order",
    tag = "work orders",
    params(("Idempotency-Key" = inline(Option<String>), Header, description = "1 to 255 visible ASCII characters. The same again with the same body, within 24 hours, repeats the first answer with `Idempotency-Replayed: true`; with another body it is refused.")),
    request_body = WorkOrderRequest,
    responses((status = 201, description = "The run is queued.", body = CreatedWorkOrder), SubmissionRefusals, TemplateRefusals),
    security(("key" = [])),
)]
pub(crate) async fn submit(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    let needs = Needs::command(Scope::WorkOrdersWrite, CommandClass::Creates);
    let needs = Needs { window: Window::Submissions, ..needs };
    client(door, Endpoint::Submit, needs, request, take_in).await
}

async fn take_in(call: Call, body: Body) -> Result<Answer, Refusal> {
    let bytes = call.body(body).await?;
    let key = idempotency_key(&call.parts.headers)?;
    // From here on it is carried out even if the client leaves.
    Detached::new(async move {
        let body = json_object(&bytes).map_err(Why::Json)?;
        let (org, now) = (call.caller.org, call.received_at);
        let key = key.map(|key| call.door.secrets.idempotency(org, &key, &body.content));
        let submission = match SubmissionBody::read(body.object, call.door.config.webhook_allow_http) {
            Ok(submission) => submission,
            // A key that was used with another body says so first; a body that is wrong was never accepted.
            Err(errors) => {
                call.door.earlier(Owner::Org(org), key, now).await?;
                return Err(errors.into());
            }
        };
        drop(bytes);
        decide(&call, submission, key).await
    })
    .await
}

async fn decide(call: &Call, submission: SubmissionBody, key: Option<IdempotencyKey>) -> Result<Answer, Refusal> {
    let owner = Owner::Org(call.caller.org);
    let run = RunId::mint(call.received_at, &call.door.ids.random());
    let decided = call.door.carry_out_anew(&OnItsWay { call, submission: &submission, run, key }).await;
    let decided = match decided {
        // What is refused before it is decided is first held against the key.
        Err(refusal) if !matches!(refusal.why, Why::IdempotencyKeyReused) && refusal.why.is_callers() => {
            let earlier = call.door.earlier(owner, key, call.received_at).await?;
            Decided::Repeated(earlier.ok_or(refusal)?)
        }
        decided => decided?,
    };
    match decided {
        Decided::Answered(DecidedAnswer::Submitted { run, created_at_ms }) => created(run, created_at_ms, submission),
        Decided::Repeated(DecidedAnswer::Submitted { run, created_at_ms }) => {
            created(run, created_at_ms, submission).map(Answer::replayed)
        }
        Decided::Refused(decision) => Err(why(decision, &submission)),
        Decided::Answered(other) | Decided::Repeated(other) => Err(unexpected(&other)),
    }
}

fn created(run: RunId, created_at: Timestamp, submission: SubmissionBody) -> Result<Answer, Refusal> {
    let body = CreatedWorkOrder {
        work_order_id: run.work_order().to_string(),
        run_id: run.to_string(),
        status: "pending",
        created_at,
        metadata: submission.metadata,
    };
    Answer::done(StatusCode::CREATED, &body)
}

fn why(decision: Decision, submission: &SubmissionBody) -> Refusal {
    let why = match decision {
        Decision::BillingUnusable {} => Why::Billing { reason: "no_billing_account" },
        Decision::CreditsInsufficient { required_cents, available_cents } => {
            Why::InsufficientCredits { required_cents, available_cents }
        }
        Decision::ConcurrencyReached { limit, open } => Why::ConcurrentLimit { limit, current: open },
        Decision::Unknown {} => match &submission.source {
            Source::Template { template_id, .. } => Why::TemplateUnknown { template: template_id.clone() },
            Source::Git { .. } | Source::Url { .. } => return unexpected(&decision),
        },
        other => return refused(other),
    };
    why.into()
}

/// A submission on its way to the log.
struct OnItsWay<'a> {
    call: &'a Call,
    submission: &'a SubmissionBody,
    run: RunId,
    key: Option<IdempotencyKey>,
}

#[async_trait]
impl MakeOrder for OnItsWay<'_> {
    /// From the template as it is stored now.
    async fn order(&self) -> Result<Order, Refusal> {
        let OnItsWay { call, submission, run, key } = *self;
        let (door, org) = (&call.door, call.caller.org);
        let (template, version) = named_template(call, &submission.source).await?.unzip();
        let content = order_content(submission, template)?;
        let tenant = submission.tenant.as_ref();
        let tenant_id = tenant.and_then(|tenant| tenant.tenant_id.as_deref());
        let user_id = tenant.and_then(|tenant| tenant.tenant_user_id.as_deref());
        let tenant_context = match tenant {
            Some(tenant) => Some(door.seal(call.owner(), tenant).await?),
            None => None,
        };
        let cents = u64::from(door.config.estimate_cents_per_iteration);
        let command = Command::Submit(Box::new(SubmitRun {
            sent_with: call.caller.key,
            run,
            hold_cents: cents.saturating_mul(u64::from(submission.max_iterations)),
            cents_per_iteration: cents,
            max_iterations: submission.max_iterations,
            pending_limit_ms: PENDING_LIMIT_MS,
            template: version,
            tenant: tenant_id.map(|id| door.secrets.tenant(org, id)),
            tenant_user: user_id.map(|id| door.secrets.tenant_user(org, id)),
            webhook_url: submission.webhook_url.is_some(),
            content: door.seal(call.owner(), &content).await?,
            tenant_context,
        }));
        Ok(Order { owner: Owner::Org(org), command, key, received_at: call.received_at })
    }
}

/// What is sealed of a submission, made from a template of the organization's own or from none.
///
/// # Errors
/// The source has no JSON form, which is a defect.
pub(crate) fn order_content(
    submission: &SubmissionBody,
    template: Option<TemplateContent>,
) -> Result<OrderContent, Refusal> {
    Ok(OrderContent {
        task_prompt: submission.task_prompt.clone(),
        workspace_source: free(&submission.source)?,
        gate_plan: submission.gate_plan.clone(),
        metadata: submission.metadata.clone(),
        webhook_url: submission.webhook_url.clone(),
        template,
    })
}

fn free(source: &Source) -> Result<FreeJson, Refusal> {
    FreeJson::parse(&serde_json::to_string(source).map_err(defect)?).map_err(defect)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let bytes = value.as_bytes();
    let well_formed = (1..=255).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    match value.to_str() {
        Ok(text) if well_formed && values.next().is_none() => Ok(Some(text.to_owned())),
        _ => Err(Why::IdempotencyKeyMalformed.into()),
    }
}
