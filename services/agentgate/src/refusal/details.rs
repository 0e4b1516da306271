//! What a refusal says to programs: the members of `details`.

use serde_json::{Map, Value, json};

use super::{Why, WorkerFault};
use crate::parse::FieldErrors;
use crate::wire::whole_seconds;

impl Why {
    /// The members, none for most refusals.
    pub(super) fn details(&self) -> Map<String, Value> {
        let details = match self {
            Why::ScopeLacking { required, available } => {
                let available: Vec<&str> = available.iter().map(|scope| scope.as_str()).collect();
                json!({ "requiredScope": required.as_str(), "availableScopes": available })
            }
            Why::NoScopes { required } => json!({ "requiredScope": required.as_str() }),
            Why::TemplateBuiltIn { template } => json!({ "templateId": template, "builtIn": true }),
            Why::Fields(errors) | Why::WorkerBody(WorkerFault::Fields(errors)) => field_errors(errors),
            Why::RunEnded { run, status } => json!({ "runId": run, "status": status.as_str() }),
            Why::TooManyKept { limit, .. } => json!({ "limit": limit }),
            // The error reference has the first two names, the guide the others.
            Why::InsufficientCredits { required_cents, available_cents } => json!({
                "estimatedCost": required_cents, "availableCredits": available_cents,
                "required": required_cents, "available": available_cents,
            }),
            Why::Billing { reason } => json!({ "reason": reason }),
            Why::PathUnknown { path } => json!({ "path": path }),
            Why::RunUnknown { run } | Why::WorkerRunUnknown { run } | Why::TokenStale { run } => {
                json!({ "runId": run })
            }
            Why::WorkOrderUnknown { work_order } => json!({ "workOrderId": work_order }),
            Why::WebhookUnknown { webhook } => json!({ "webhookId": webhook }),
            Why::TemplateUnknown { template } => json!({ "templateId": template }),
            Why::RateLimited { limit, reset_at, .. } => {
                json!({ "limit": limit, "remaining": 0, "resetAt": whole_seconds(*reset_at) })
            }
            Why::ConcurrentLimit { limit, current } => json!({ "limit": limit, "current": current }),
            _ => return Map::new(),
        };
        match details {
            Value::Object(members) => members,
            // Each arm above makes an object.
            _ => Map::new(),
        }
    }
}

fn field_errors(errors: &FieldErrors) -> Value {
    json!({ "errors": errors.all() })
}
