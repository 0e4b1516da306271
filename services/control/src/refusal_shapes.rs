//! How reads may be refused, for the description.

use std::collections::BTreeMap;

use serde::Serialize;
use tidegate_door::openapi::{RefusalRow, RefusalTable};
use utoipa::openapi::{ContentBuilder, Object, RefOr, Response, ResponseBuilder, Type};
use utoipa::{IntoResponses, ToSchema};

const fn table(rows: &'static [RefusalRow]) -> RefusalTable {
    RefusalTable { rows, envelope: "ErrorBody", retry_after: "Whole seconds after which to retry.", text_code: None }
}

/// How any authenticated read may be refused.
pub(crate) struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        const TABLE: RefusalTable = table(&[
            RefusalRow::new("400", "`invalid_field`, `unknown_field`, `invalid_id` or `unknown_region`."),
            RefusalRow::new("401", "`invalid_credential`, `region_mismatch`, or `scope_violation` for a ping token."),
            RefusalRow::new("500", "`internal`: the server failed."),
            RefusalRow::waiting("503", "`unavailable`: the data cannot be read right now."),
        ]);
        TABLE.responses()
    }
}

/// How else reading one run may be refused.
pub(crate) struct OneRunRefusals;

impl IntoResponses for OneRunRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        const TABLE: RefusalTable = table(&[RefusalRow::new("404", "`not_found`: the team has no such run.")]);
        TABLE.responses()
    }
}

/// How else asking for one record may be refused.
pub(crate) struct OneReceiptRefusals;

impl IntoResponses for OneReceiptRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        const TABLE: RefusalTable = table(&[
            RefusalRow::new("404", "`not_found`: the team has no such record."),
            RefusalRow::new("410", "`gone`: what became of the record is not kept any more."),
        ]);
        TABLE.responses()
    }
}

/// How else a request with a body may be refused.
pub(crate) struct BodyRefusals;

impl IntoResponses for BodyRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        const TABLE: RefusalTable = table(&[
            RefusalRow::new("400", "`invalid_json`, `invalid_field`, `unknown_field` or `unknown_region`."),
            RefusalRow::new("408", "`request_timeout`: the body did not arrive in time."),
            RefusalRow::new("413", "`payload_too_large`: more than 64 KiB."),
            RefusalRow::new("415", "`unsupported_encoding`: send gzip, or none."),
        ]);
        TABLE.responses()
    }
}

/// How else a request of the management API may be refused.
pub(crate) struct ManagedRefusals;

impl IntoResponses for ManagedRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        const TABLE: RefusalTable = table(&[RefusalRow::waiting(
            "429",
            "`rate_limit`: the team's requests of the management API are used up.",
        )]);
        TABLE.responses()
    }
}

/// How else a request that may name a mail address may be refused.
pub(crate) struct AskingRefusals;

impl IntoResponses for AskingRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        const TABLE: RefusalTable = table(&[RefusalRow::waiting(
            "429",
            "`rate_limit`, or `mail_limit`: the mail address was asked within a day, or too many were.",
        )]);
        TABLE.responses()
    }
}

/// How else a check of guard may be refused.
pub(crate) struct GuardRefusals;

impl IntoResponses for GuardRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        const TABLE: RefusalTable =
            table(&[RefusalRow::waiting("429", "`rate_limit`: the team's checks of guard are used up.")]);
        TABLE.responses()
    }
}

/// How else a change may be refused.
pub(crate) struct ChangeRefusals;

impl IntoResponses for ChangeRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        const TABLE: RefusalTable = table(&[
            RefusalRow::new(
                "400",
                "`invalid_json`, `invalid_field`, `unknown_field`, `agent_limit`, `plan_required` or `unknown_region`.",
            ),
            RefusalRow::new("403", "`read_only`: the key may only read."),
            RefusalRow::new("408", "`request_timeout`: the body did not arrive in time."),
            RefusalRow::new("412", "`stale`: what `If-Match` names is not what is there."),
            RefusalRow::new("413", "`payload_too_large`: more than 64 KiB."),
            RefusalRow::new("415", "`unsupported_encoding`: send gzip, or none."),
        ]);
        TABLE.responses()
    }
}

/// How else a request about one thing may be refused.
pub(crate) struct NotFoundRefusals;

impl IntoResponses for NotFoundRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        const TABLE: RefusalTable = table(&[RefusalRow::new("404", "`not_found`: the team has no such thing.")]);
        TABLE.responses()
    }
}

/// How else a request that makes something may be refused.
pub(crate) struct TakenRefusals;

impl IntoResponses for TakenRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        const TABLE: RefusalTable =
            table(&[RefusalRow::new("409", "`agent_exists`, `name_taken` or `ended`: what is there forbids it.")]);
        TABLE.responses()
    }
}

/// How else a file may be refused.
pub(crate) struct ConfigRefusals;

impl IntoResponses for ConfigRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        const TABLE: RefusalTable = table(&[RefusalRow::new(
            "400",
            "`invalid_json`, `invalid_field`, `unknown_field`, `unknown_region`, or `invalid_config` with `faults`: each with `line`, `path`, `message`.",
        )]);
        TABLE.responses()
    }
}

/// How a link of a mail may fail: as a page for people.
pub(crate) struct MailLinkRefusals;

impl IntoResponses for MailLinkRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let page = ContentBuilder::new().schema(Some(Object::with_type(Type::String))).build();
        let unknown = ResponseBuilder::new().description("The link is not (any more) one of ours.");
        let away = ResponseBuilder::new().description("The store cannot be reached now: try again.");
        let of = |status: &str, response: ResponseBuilder| (status.to_owned(), response.build().into());
        [of("404", unknown.content("text/html", page)), of("503", away)].into()
    }
}

/// What every error says.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// A code for programs.
    #[schema(example = "not_found")]
    error: &'static str,
    /// A sentence for people.
    #[schema(example = "There is no run 'run_eu_019e2c4f7a3b7c1d8e5fa0b1c2d3e4f5'.")]
    message: String,
    /// The one parameter to blame, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    field: Option<String>,
}
