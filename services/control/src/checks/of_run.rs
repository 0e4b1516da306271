//! `GET /v1/runs/{id}/checks`: what came of the checks of a run.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tidegate_agentping::{IdError, RunId, RunKey};
use tidegate_agentping_checks::CheckResult;
use tidegate_agentping_checks::rows::{CHECK_RESULTS, RunChecks, is_summary, run_shard, summary_key};
use tidegate_agentping_ports::spend_rows::whole_shard;
use utoipa::ToSchema;

use crate::call::{Call, framed_managed};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::reads::Reads;
use crate::refusal_shapes::{ManagedRefusals, OneRunRefusals, Refusals};
use crate::weight::Weight;

/// A result, as it is described.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes and is never made")]
pub(crate) struct CheckResultView {
    /// Absent in a trial.
    #[schema(example = "chkr_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5")]
    id: Option<String>,
    /// The check's id.
    check: String,
    /// The check's version that judged.
    version: u32,
    /// The run's id.
    run: String,
    /// `error`: it cannot be said, because something is too large.
    #[schema(pattern = "^(pass|fail|skipped|error)$")]
    outcome: String,
    /// What was asked, as text.
    expected: String,
    /// A number, a list of missing paths, a text, or null.
    #[schema(value_type = Value)]
    got: (),
    #[schema(format = DateTime)]
    at: String,
}

/// The results of a run.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunResults {
    #[schema(value_type = Vec<CheckResultView>)]
    results: Vec<CheckResult>,
    /// Events that come later change nothing any more.
    #[serde(rename = "final")]
    is_final: bool,
}

/// The results of a run's checks. A run is judged 30 seconds after its end, and again for 10 minutes as its events come.
#[utoipa::path(
    get,
    path = "/v1/runs/{id}/checks",
    operation_id = "read_run_checks",
    tag = "checks",
    params(("id" = String, Path, description = "The run's id.", pattern = "^run_(eu|us)_[0-9a-f]{32}$")),
    responses((status = 200, description = "The results.", body = RunResults), OneRunRefusals, Refusals, ManagedRefusals),
    security(("bearer" = []), ("key_header" = [])),
)]
pub(crate) async fn read(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    framed_managed(reads, Endpoint::RunChecks, request, all).await
}

async fn all(mut call: Call) -> Result<Response, Problem> {
    let malformed = Problem::RunIdMalformed(IdError::Pattern { prefix: "run" });
    let Some(id) = call.path().await else { return Err(malformed) };
    let run = RunId::parse(&id).map_err(Problem::RunIdMalformed)?;
    call.parameters(&[])?;
    let (reads, key) = (&call.reads, RunKey { team: call.reader.team, run });
    let permit = reads.permit(Weight::Rows).await?;
    let found = reads.ask(call.queries.run(key)).await?;
    found.filter(|found| found.opening().is_some()).ok_or(Problem::RunUnknown(run))?;
    let rows = reads.ask(whole_shard(&*reads.managed.rows, &CHECK_RESULTS, run_shard(key))).await?;
    let is_final =
        rows.iter().find(|row| is_summary(&row.row)).map(|row| serde_json::from_slice::<RunChecks>(&row.doc));
    let results: Result<Vec<CheckResult>, _> =
        rows.iter().filter(|row| !is_summary(&row.row)).map(|row| serde_json::from_slice(&row.doc)).collect();
    let is_final = is_final.transpose()?.is_some_and(|checks| checks.is_final);
    Ok(permit.json(&RunResults { results: results?, is_final })?)
}

/// Whether each of these runs passed its checks. A store that does not say is no reason not to show the runs.
pub(crate) async fn passed(reads: &Reads, keys: impl Iterator<Item = RunKey>) -> Vec<Option<bool>> {
    let keys: Vec<_> = keys.map(summary_key).collect();
    if keys.is_empty() {
        return Vec::new();
    }
    let count = keys.len();
    let found = reads.ask(reads.managed.rows.get(&keys)).await.unwrap_or_else(|_| vec![None; count]);
    let read = |doc: Option<Vec<u8>>| serde_json::from_slice::<RunChecks>(&doc?).ok()?.passed;
    found.into_iter().map(read).collect()
}
