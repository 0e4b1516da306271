//! How any request may be refused, for the description.

use std::collections::BTreeMap;

use serde::Serialize;
use tidegate_door::openapi::{RefusalRow, RefusalTable};
use utoipa::openapi::{RefOr, Response};
use utoipa::{IntoResponses, ToSchema};

const TABLE: RefusalTable = RefusalTable {
    rows: &[
        RefusalRow::new("400", "The request is faulty: `field` says where, if it is one place."),
        RefusalRow::new("401", "The credential is missing, bad, of another region, or not for this."),
        RefusalRow::new("403", "A key that may only read was used to report."),
        RefusalRow::new("405", "The route has other methods; see `Allow`."),
        RefusalRow::new("408", "The body did not arrive in time."),
        RefusalRow::new("409", "The id is taken by other content."),
        RefusalRow::new("413", "The body is too large, as sent or decoded."),
        RefusalRow::new("415", "Only gzip is decoded."),
        RefusalRow::waiting("429", "The team's rate or monthly cap is used up."),
        RefusalRow::new("500", "A defect of ours; send the same again, with backoff."),
        RefusalRow::waiting("503", "We cannot take it in for now; send the same again."),
    ],
    envelope: "ErrorBody",
    retry_after: "Whole seconds after which to send the same again.",
    text_code: None,
};

/// Of the JSON endpoints.
pub(crate) struct Refusals;

/// Of the ping: text, or the JSON envelope where `Accept` lists it.
pub(crate) struct PingRefusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        TABLE.responses()
    }
}

impl IntoResponses for PingRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let text_code = Some(("X-AgentPing-Error", "The error's code."));
        let mut responses = RefusalTable { text_code, ..TABLE }.responses();
        // A ping has no body to be too large, too slow or encoded.
        for status in ["408", "413", "415"] {
            responses.remove(status);
        }
        responses
    }
}

/// The error envelope (AgentPing: envelope). `cause` and `class` are additions to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody<'e> {
    /// A word for machines.
    #[schema(example = "missing_field")]
    pub error: &'e str,
    /// A sentence for people.
    #[schema(example = "Field 'agent' is required.")]
    pub message: &'e str,
    /// The request field to blame, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'e str>,
    /// With a `503` for overload: what there is too much of (`age`, `records`, `unknown`, `partition_halted`,
    /// `too_many_in_flight`, `too_many_bytes`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'e str>,
    /// With a `503` for overload: the class of requests that is refused now (`events`, `start`, `finish`, `heartbeat`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<&'e str>,
}
