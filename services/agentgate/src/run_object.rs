//! A run as clients and webhooks see it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tidegate_agentgate::command::VerificationReport;
use tidegate_agentgate::views::{OrderRow, RunRow, VerificationRow};
use tidegate_agentgate::{Owner, RunErrorCode, RunId, Sealed};
use tidegate_commands::sealing::{Sealer, SealerError};
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

/// Why the sealed content of an owner cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error(transparent)]
    Sealer(#[from] SealerError),
    #[error("sealed content is not what was sealed: {0}")]
    Content(#[from] serde_json::Error),
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
        Run::opened(&self.sealer, id, row, order, verification).await.map_err(|error| match &error {
            Unreadable::Sealer(error) => self.unsealable(error),
            Unreadable::Content(error) => defect(error),
        })
    }
}

impl Run {
    /// A run from its rows.
    ///
    /// # Errors
    /// Its sealed content cannot be read.
    pub(crate) async fn opened(
        sealer: &Sealer,
        id: RunId,
        row: RunRow,
        order: Option<OrderRow>,
        verification: Option<VerificationRow>,
    ) -> Result<Run, Unreadable> {
        let owner = Owner::Org(row.org).log_key();
        let result: ResultContent = match &row.result {
            Some(sealed) => open(sealer, owner, sealed).await?,
            None => ResultContent::default(),
        };
        let tenant_context = match order.and_then(|order| order.tenant_context) {
            Some(sealed) => Some(open(sealer, owner, &sealed).await?),
            None => None,
        };
        let error = match row.error_code {
            Some(code) => Some(run_error(sealer, owner, code, &row, &result, verification).await?),
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

    /// As it was sent with the submission.
    pub(crate) const fn tenant_context(&self) -> Option<&TenantContent> {
        self.tenant_context.as_ref()
    }
}

/// A sealed document of an owner.
///
/// # Errors
/// The owner's key cannot be read, or the document was not sealed with it.
pub(crate) async fn open<T: DeserializeOwned>(
    sealer: &Sealer,
    owner: LogKey,
    sealed: &Sealed,
) -> Result<T, Unreadable> {
    Ok(serde_json::from_slice(&sealer.open(owner, sealed.as_str()).await?)?)
}

async fn run_error(
    sealer: &Sealer,
    owner: LogKey,
    code: RunErrorCode,
    row: &RunRow,
    result: &ResultContent,
    verification: Option<VerificationRow>,
) -> Result<RunError, Unreadable> {
    let details = match (&result.details, code) {
        (Some(sent), _) => Some(sent.clone()),
        (None, RunErrorCode::MaxIterationsReached) => {
            let last = match verification {
                Some(row) => Some(verification_result(sealer, owner, row.verification).await?),
                None => None,
            };
            let details = json!({ "iterations": row.iterations, "lastVerificationResult": last });
            Some(serde_json::from_value(details)?)
        }
        (None, _) => None,
    };
    let message = result.message.clone().unwrap_or_else(|| default_message(code).to_owned());
    Ok(RunError { code: code.as_str(), message, details })
}

async fn verification_result(
    sealer: &Sealer,
    owner: LogKey,
    report: VerificationReport,
) -> Result<serde_json::Value, Unreadable> {
    let failures: serde_json::Value = match &report.failures {
        Some(sealed) => open(sealer, owner, sealed).await?,
        None => json!([]),
    };
    Ok(json!({ "level": report.level.as_str(), "passed": report.passed, "failures": failures }))
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
