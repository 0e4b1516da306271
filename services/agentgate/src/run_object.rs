//! A run as clients and webhooks see it.

use serde::Serialize;
use serde_json::json;
use tidegate_agentgate::command::VerificationReport;
use tidegate_agentgate::views::{OrderRow, RunRow, VerificationRow};
use tidegate_agentgate::{Owner, RunErrorCode, RunId};
use tidegate_kernel::command::OwnerId;
use tidegate_kernel::{FreeJson, LogKey, Timestamp};
use utoipa::ToSchema;

use crate::content::{ResultContent, TenantContent};
use crate::front_door::{FrontDoor, defect};
use crate::refusal::Refusal;
use crate::wire::{seconds, seconds_option};

/// A run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    id: String,
    work_order_id: String,
    #[schema(example = "running")]
    status: &'static str,
    /// Completed so far.
    iterations: u32,
    #[serde(serialize_with = "seconds")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pr_url: Option<String>,
    timing: Timing,
    cost: Cost,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    tenant_context: Option<TenantContent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<RunError>,
}

/// When a run was worked on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Timing {
    #[serde(serialize_with = "seconds_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[serde(serialize_with = "seconds_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    completed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
}

/// What a run costs: so far while it is open, in all once it has ended.
#[derive(Debug, Serialize, ToSchema)]
struct Cost {
    credits: u64,
}

/// Why a run failed or was cancelled.
#[derive(Debug, Serialize, ToSchema)]
struct RunError {
    #[schema(example = "VERIFICATION_FAILED")]
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    details: Option<FreeJson>,
}

impl FrontDoor {
    /// A run from its rows.
    ///
    /// # Errors
    /// Its sealed content cannot be read.
    pub(crate) async fn run_object(
        &self,
        id: RunId,
        row: RunRow,
        order: Option<OrderRow>,
        verification: Option<VerificationRow>,
    ) -> Result<Run, Refusal> {
        let owner = Owner::Org(row.org).log_key();
        let result: ResultContent = match &row.result {
            Some(sealed) => self.open(owner, sealed).await?,
            None => ResultContent::default(),
        };
        let tenant_context = match order.and_then(|order| order.tenant_context) {
            Some(sealed) => Some(self.open(owner, &sealed).await?),
            None => None,
        };
        let error = match row.error_code {
            Some(code) => Some(self.run_error(owner, code, &row, &result, verification).await?),
            None => None,
        };
        let between = |start: Timestamp, end: Timestamp| end.millis_since(start);
        let duration_ms = row.started_at_ms.zip(row.ended_at_ms).map(|(start, end)| between(start, end));
        Ok(Run {
            id: id.to_string(),
            work_order_id: id.work_order().to_string(),
            status: row.status.as_str(),
            iterations: row.iterations,
            created_at: row.created_at_ms,
            pr_url: result.pr_url,
            timing: Timing { started_at: row.started_at_ms, completed_at: row.ended_at_ms, duration_ms },
            cost: Cost { credits: row.cost_cents },
            tenant_context,
            error,
        })
    }

    async fn run_error(
        &self,
        owner: LogKey,
        code: RunErrorCode,
        row: &RunRow,
        result: &ResultContent,
        verification: Option<VerificationRow>,
    ) -> Result<RunError, Refusal> {
        let details = match (&result.details, code) {
            (Some(sent), _) => Some(sent.clone()),
            (None, RunErrorCode::MaxIterationsReached) => {
                let last = match verification {
                    Some(row) => Some(self.verification_result(owner, row.verification).await?),
                    None => None,
                };
                let details = json!({ "iterations": row.iterations, "lastVerificationResult": last });
                Some(FreeJson::parse(&details.to_string()).map_err(defect)?)
            }
            (None, _) => None,
        };
        let message = result.message.clone().unwrap_or_else(|| default_message(code).to_owned());
        Ok(RunError { code: code.as_str(), message, details })
    }

    async fn verification_result(
        &self,
        owner: LogKey,
        report: VerificationReport,
    ) -> Result<serde_json::Value, Refusal> {
        let failures: serde_json::Value = match &report.failures {
            Some(sealed) => self.open(owner, sealed).await?,
            None => json!([]),
        };
        Ok(json!({ "level": report.level.as_str(), "passed": report.passed, "failures": failures }))
    }
}

fn default_message(code: RunErrorCode) -> &'static str {
    match code {
        RunErrorCode::MaxIterationsReached => "The run did not converge in the iterations allowed.",
        RunErrorCode::VerificationFailed => "Verification did not pass.",
        RunErrorCode::WorkspaceError => "The workspace could not be set up.",
        RunErrorCode::ExecutionTimeout => "The run took too long.",
        RunErrorCode::Cancelled => "The run was cancelled.",
    }
}
