//! `POST /v1/checks/{id}/try`: what a check, or a change of it, would say of a run. Nothing is stored.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::Value;
use tidegate_agentping::{RunId, RunKey};
use tidegate_agentping_checks::{CheckId, CheckResult, Evaluator, RunFacts, ToolCall};
use tidegate_agentping_ports::each_event;
use tidegate_agentping_settings::{Fields, SettingFault};
use tokio::task::spawn_blocking;
use utoipa::ToSchema;

use super::of_run::CheckResultView;
use super::one::known;
use crate::call::{Call, Sent, framed_change, json};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ChangeRefusals, ManagedRefusals, NotFoundRefusals, Refusals};
use crate::weight::Weight;

/// Events of a run that a trial looks at.
const MOST_EVENTS: usize = 5_000;

/// A run to try a check on.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct TrialBody {
    #[schema(pattern = "^run_(eu|us)_[0-9a-f]{32}$")]
    run_id: String,
    /// Members of the check's type in place of those that it has.
    #[schema(value_type = Option<Object>)]
    definition: Option<()>,
}

/// Tries a check on a run, also with other members of its type. Nothing is stored.
#[utoipa::path(
    post,
    path = "/v1/checks/{id}/try",
    operation_id = "try_check",
    tag = "checks",
    params(("id" = String, Path, description = "The check's id.", pattern = "^chk_(eu|us)_[0-9a-f]{32}$")),
    request_body = TrialBody,
    responses((status = 200, description = "What it says, without an id.", body = CheckResultView), Refusals, ManagedRefusals, ChangeRefusals, NotFoundRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn attempt(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_change(reads, Endpoint::CheckTrial, request, tried).await
}

async fn tried(mut call: Call, sent: Sent) -> Result<Response, Problem> {
    call.parameters(&[])?;
    let name = call.path().await.unwrap_or_default();
    let kept = known(&call, &name).await?;
    let id = CheckId::parse(&name).map_err(|_| Problem::Unknown { what: "check", name })?;
    let given = sent.json()?;
    let fields = Fields::of(&given, "", &["run_id", "definition"])?;
    let run = fields.need("run_id", run_id)?;
    let doc = match fields.read("definition", |value, _| Ok(value.clone()))? {
        Some(definition) => kept.doc.tried(&definition, call.reader.plan)?,
        None => kept.doc,
    };
    let (reads, key) = (&call.reads, RunKey { team: call.reader.team, run });
    let now = reads.now();
    let _permit = reads.permit(Weight::RunWithEvents).await?;
    let found = reads.ask(call.queries.run(key)).await?;
    let found = found.filter(|found| found.opening().is_some()).ok_or(Problem::RunUnknown(run))?;
    let mut calls = Vec::new();
    let see = |row: &tidegate_agentping_ports::EventRow| calls.extend(ToolCall::of(&row.event));
    let are_all = reads.ask(each_event(&*call.queries, key, MOST_EVENTS, see)).await?;
    let facts = RunFacts::of(&found, are_all.then_some(calls), now);
    // Compiling and evaluating take up to some milliseconds.
    let judged = spawn_blocking(move || {
        let evaluator = Evaluator::of(id, &doc);
        let began = Instant::now();
        evaluator.judge(key, &facts, now, || began.elapsed())
    });
    let result = judged.await.map_err(|error| Problem::Defect { cause: error.to_string() })?;
    json(&CheckResult { id: None, ..result })
}

fn run_id(value: &Value, path: &str) -> Result<RunId, SettingFault> {
    let id = value.as_str().and_then(|text| RunId::parse(text).ok());
    id.ok_or_else(|| SettingFault::at(path, "must be a run's id: run_<region>_<32 hex>"))
}
