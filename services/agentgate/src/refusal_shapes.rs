//! How requests may be refused, for the description.

use std::collections::BTreeMap;

use serde::Serialize;
use tidegate_door::openapi::{RefusalRow, RefusalTable};
use utoipa::openapi::{RefOr, Response};
use utoipa::{IntoResponses, ToSchema};

/// What every refusal says.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    error: ErrorObject,
}

/// Why a request was refused.
#[derive(Serialize, ToSchema)]
struct ErrorObject {
    /// A code for programs.
    #[schema(example = "RUN_NOT_FOUND")]
    code: &'static str,
    /// A sentence for people.
    message: String,
    /// What depends on the code: `errors` with `field` and `message`, `requiredScope`, `limit`, ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    details: Option<serde_json::Value>,
}

macro_rules! shapes {
    ($($(#[$about:meta])* $name:ident = [$($row:expr),+ $(,)?];)+) => {$(
        $(#[$about])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                const TABLE: RefusalTable = RefusalTable {
                    rows: &[$($row),+],
                    envelope: "ErrorBody",
                    retry_after: "Whole seconds after which to retry.",
                    text_code: None,
                };
                TABLE.responses()
            }
        }
    )+};
}

const KEY: RefusalRow =
    RefusalRow::new("401", "`MISSING_API_KEY`, `INVALID_API_KEY_FORMAT`, `INVALID_API_KEY` or `EXPIRED_API_KEY`.");
const SCOPE: RefusalRow =
    RefusalRow::new("403", "`INSUFFICIENT_PERMISSIONS`, `SCOPE_REQUIRED` or `ORGANIZATION_SUSPENDED`.");
const FIELDS: RefusalRow =
    RefusalRow::new("400", "`INVALID_REQUEST`, `MISSING_FIELD`, `INVALID_FORMAT` or `INVALID_VALUE`.");
const RATE: RefusalRow = RefusalRow::waiting("429", "`RATE_LIMITED`: the requests of this minute are used up.");
const FAILED: RefusalRow = RefusalRow::new("500", "`INTERNAL_ERROR`: the server failed.");
const BUSY: RefusalRow = RefusalRow::waiting("503", "`SERVICE_UNAVAILABLE`: nothing was done; retry later.");
const LATE: RefusalRow = RefusalRow::new("504", "`TIMEOUT`: it may still be done.");

shapes! {
    /// How any request of a client may be refused.
    Refusals = [KEY, SCOPE, RATE, FAILED, BUSY];
    /// How else a list may be refused.
    ListRefusals = [FIELDS];
    /// How a command may be refused.
    CommandRefusals = [FIELDS, KEY, SCOPE, RATE, FAILED, BUSY, LATE];
    /// How a cancel may be refused.
    CancelRefusals =
        [RefusalRow::new("400", "`INVALID_REQUEST`: the run has ended."), KEY, SCOPE, RATE, FAILED, BUSY, LATE];
    /// How a submission may be refused.
    SubmissionRefusals = [
        FIELDS, KEY, RefusalRow::new("402", "`INSUFFICIENT_CREDITS` or `BILLING_ERROR`."), SCOPE,
        RefusalRow::waiting("429", "`RATE_LIMITED`, or `CONCURRENT_LIMIT`: as many runs are open as may be."),
        FAILED, BUSY, LATE,
    ];
    RunRefusals = [RefusalRow::new("404", "`RUN_NOT_FOUND`.")];
    WorkOrderRefusals = [RefusalRow::new("404", "`WORK_ORDER_NOT_FOUND`.")];
    WebhookRefusals = [RefusalRow::new("404", "`WEBHOOK_NOT_FOUND`.")];
    TemplateRefusals = [RefusalRow::new("404", "`TEMPLATE_NOT_FOUND`.")];
    /// How any request of a worker may be refused.
    WorkerRefusals = [
        RefusalRow::new("400", "`INVALID_REQUEST`."), RefusalRow::new("401", "`INVALID_WORKER_KEY`."),
        FAILED, BUSY, LATE,
    ];
    /// How else a report about a run may be refused.
    LeaseRefusals = [
        RefusalRow::new("404", "`RUN_NOT_FOUND`."),
        RefusalRow::new("409", "`STALE_TOKEN`: the lease is over."),
    ];
}
