//! `POST /worker/v1/leases`: the oldest queued run, once there is one.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use tidegate_agentgate::command::AskLease;
use tidegate_agentgate::views::{self, OrderRow};
use tidegate_agentgate::{Answer as DecidedAnswer, Command, Grant, KeyedHash, OrgId, Owner, Refusal as Decision};
use tidegate_door::Detached;
use tidegate_kernel::command::OwnerId;
use tidegate_kernel::{FreeJson, Timestamp};
use tokio::time::{Instant, sleep_until};
use utoipa::ToSchema;

use super::call::{WorkerCall, fields, object, worker};
use crate::answer::Answer;
use crate::content::{OrderContent, TemplateContent, TenantContent};
use crate::endpoint::Endpoint;
use crate::front_door::FrontDoor;
use crate::parse::LeaseBody;
use crate::refusal::{Refusal, Why};
use crate::refusal_shapes::WorkerRefusals;
use crate::request_shapes::LeaseRequest;
use crate::submit::{Decided, Order, unexpected};
use crate::wire::seconds;

/// How often queues are looked at while a worker waits.
const LOOK_AGAIN: Duration = Duration::from_millis(150);
/// How long a row is not asked about after a refusal. A run that is queued behind it waits for this long at most, once
/// leases are granted again.
const REFUSED_REST: Duration = Duration::from_secs(1);

/// A run to work on. Empty: none was queued in time.
#[derive(Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LeaseAnswer {
    #[serde(flatten)]
    lease: Option<LeasedRun>,
}

/// A run that is the worker's until the lease expires.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LeasedRun {
    /// The run's id.
    run: String,
    work_order_id: String,
    /// Counts the run's leases from 1. Send it with progress and end.
    token: u32,
    #[serde(serialize_with = "seconds")]
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    #[schema(value_type = Object)]
    work_order: WorkOrderForWorker,
}

/// What is to be done.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WorkOrderForWorker {
    id: String,
    task_prompt: String,
    workspace_source: FreeJson,
    max_iterations: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_context: Option<TenantContent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gate_plan: Option<FreeJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<FreeJson>,
    /// The organization's own template that the source names.
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<TemplateContent>,
}

/// Leases the oldest queued run to a worker, and waits for one for `waitSeconds`, 30 at most.
#[utoipa::path(
    post,
    path = "/worker/v1/leases",
    operation_id = "lease_run",
    tag = "workers",
    request_body = LeaseRequest,
    responses((status = 200, description = "A run, or an empty object if none was queued in time.", body = LeaseAnswer), WorkerRefusals),
    security(("worker_key" = [])),
)]
pub(crate) async fn lease(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    worker(door, Endpoint::Lease, request, wait).await
}

async fn wait(call: WorkerCall, bytes: Vec<u8>) -> Result<Answer, Refusal> {
    let body = fields(LeaseBody::read(object(&bytes)?.object))?;
    drop(bytes);
    let name = call.door.secrets.worker(call.worker.key, &body.worker);
    let call = Arc::new(call);
    let deadline = Instant::now() + body.wait;
    // A grant whose answer was lost comes first.
    if let Some(org) = call.door.offers.take(name)
        && let Leasing::Granted(grant) = ask(&call, org, name).await?
    {
        return granted(&call, org, grant).await;
    }
    // Organizations whose deciders do not answer, and when no further one of them is waited for.
    let (mut silent, patience) = (HashSet::new(), deadline.max(Instant::now() + call.door.config.wait));
    loop {
        let (mut is_answered, mut failed) = (false, None);
        for queue in call.door.queues(call.worker).await? {
            if silent.contains(&queue.org) {
                continue;
            }
            if call.door.found_empty.rests(queue.org, &queue.row, Instant::now()) {
                is_answered = true;
                continue;
            }
            let Some(_asking) = call.door.asking.begin(queue.org, queue.row.queued) else { continue };
            let asked_at = Instant::now();
            match ask(&call, queue.org, name).await {
                Ok(Leasing::Granted(grant)) => return granted(&call, queue.org, grant).await,
                Ok(Leasing::NothingQueued) => {
                    is_answered = true;
                    call.door.found_empty.note(queue.org, queue.row, asked_at);
                }
                Ok(Leasing::Refused) => {
                    is_answered = true;
                    call.door.found_empty.note_for(queue.org, queue.row, asked_at, REFUSED_REST);
                }
                // The deciders of other organizations may answer.
                Err(refusal) if refusal.why.is_ours() => {
                    if failed.is_some() && Instant::now() >= patience {
                        return Err(refusal);
                    }
                    silent.insert(queue.org);
                    failed = Some(refusal);
                }
                Err(refusal) => return Err(refusal),
            }
        }
        if let Some(refusal) = failed.filter(|_| !is_answered) {
            return Err(refusal);
        }
        if Instant::now() >= deadline || call.door.draining.is_draining() {
            return Answer::done(StatusCode::OK, &LeaseAnswer::default());
        }
        sleep_until(deadline.min(Instant::now() + LOOK_AGAIN)).await;
    }
}

/// What an organization's decider made of a request for a run.
#[derive(Debug, PartialEq)]
enum Leasing {
    Granted(Grant),
    NothingQueued,
    /// The organization serves no worker now. Its queue may be as its row says.
    Refused,
}

/// Asks an organization's decider for a run.
async fn ask(call: &Arc<WorkerCall>, org: OrgId, name: KeyedHash) -> Result<Leasing, Refusal> {
    let config = &call.door.config;
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let command = Command::Lease(AskLease {
        sent_with: call.worker.key,
        fleet: call.is_fleet(),
        worker: name,
        lease_ms: millis(config.lease),
        max_grants: config.max_grants,
        run_limit_ms: millis(config.run_deadline),
    });
    // The worker may have waited: the command is received now.
    let order = Order { owner: Owner::Org(org), command, key: None, received_at: call.door.clock.now() };
    let of_call = Arc::clone(call);
    let decided = Detached::new(async move {
        let decided = of_call.door.carry_out_unless_shed(order).await?;
        // Noted also where the worker's connection is gone by now: it asks again.
        if let Decided::Answered(DecidedAnswer::Leased(_)) | Decided::Repeated(DecidedAnswer::Leased(_)) = &decided {
            of_call.door.offers.note(name, org);
        }
        Ok::<_, Refusal>(decided)
    });
    leasing(decided.await?)
}

fn leasing(decided: Decided) -> Result<Leasing, Refusal> {
    match decided {
        Decided::Answered(DecidedAnswer::Leased(grant)) | Decided::Repeated(DecidedAnswer::Leased(grant)) => {
            Ok(Leasing::Granted(grant))
        }
        Decided::Answered(DecidedAnswer::NothingQueued {}) | Decided::Repeated(DecidedAnswer::NothingQueued {}) => {
            Ok(Leasing::NothingQueued)
        }
        Decided::Refused(Decision::KeyRevoked {}) => Err(Why::WorkerKeyInvalid.into()),
        Decided::Refused(_) => Ok(Leasing::Refused),
        Decided::Answered(other) | Decided::Repeated(other) => Err(unexpected(&other)),
    }
}

async fn granted(call: &WorkerCall, org: OrgId, grant: Grant) -> Result<Answer, Refusal> {
    let owner = Owner::Org(org).log_key();
    let order: Option<OrderRow> = call.door.row(views::order(grant.run)).await?;
    let order = order.ok_or_else(|| Why::Defect { cause: "a leased run has no order".to_owned() })?;
    let content: OrderContent = call.door.open(owner, &order.content).await?;
    let tenant_context = match &order.tenant_context {
        Some(sealed) => Some(call.door.open(owner, sealed).await?),
        None => None,
    };
    let work_order = WorkOrderForWorker {
        id: grant.run.work_order().to_string(),
        task_prompt: content.task_prompt,
        workspace_source: content.workspace_source,
        max_iterations: order.max_iterations,
        tenant_context,
        gate_plan: content.gate_plan,
        metadata: content.metadata,
        template: content.template,
    };
    let lease = LeasedRun {
        run: grant.run.to_string(),
        work_order_id: grant.run.work_order().to_string(),
        token: grant.token,
        expires_at: grant.expires_at_ms,
        work_order,
    };
    Answer::done(StatusCode::OK, &LeaseAnswer { lease: Some(lease) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row rests for long only after [`Leasing::NothingQueued`]: a refusal says nothing of the queue.
    #[test]
    fn a_refusal_is_no_empty_queue() {
        for (decided, expected) in [
            (Decided::Answered(DecidedAnswer::NothingQueued {}), Leasing::NothingQueued),
            (Decided::Repeated(DecidedAnswer::NothingQueued {}), Leasing::NothingQueued),
            (Decided::Refused(Decision::Suspended {}), Leasing::Refused),
            (Decided::Refused(Decision::UnknownOrganization {}), Leasing::Refused),
        ] {
            assert_eq!(leasing(decided).unwrap(), expected);
        }
        let refusal = leasing(Decided::Refused(Decision::KeyRevoked {})).unwrap_err();
        assert!(matches!(refusal.why, Why::WorkerKeyInvalid), "{refusal:?}");
    }
}
