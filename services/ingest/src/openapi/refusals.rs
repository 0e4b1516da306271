//! How any request may be refused, for the description.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::{ContentBuilder, Object, Ref, RefOr, Response, ResponseBuilder, Type};

/// By status: what it means, and whether `Retry-After` comes with it.
const STATUSES: [(&str, &str, bool); 10] = [
    ("400", "The request is faulty: `field` says where, if it is one place.", false),
    ("401", "The credential is missing, bad, of another region, or not for this.", false),
    ("405", "The route has other methods; see `Allow`.", false),
    ("408", "The body did not arrive in time.", false),
    ("409", "The id is taken by other content.", false),
    ("413", "The body is too large, as sent or decoded.", false),
    ("415", "Only gzip is decoded.", false),
    ("429", "The team's rate or monthly cap is used up.", true),
    ("500", "A defect of ours; send the same again, with backoff.", false),
    ("503", "We cannot take it in for now; send the same again.", true),
];

/// Of the JSON endpoints.
pub(crate) struct Refusals;

/// Of the ping: text, or the JSON envelope where `Accept` lists it.
pub(crate) struct PingRefusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses(false)
    }
}

impl IntoResponses for PingRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut responses = responses(true);
        // A ping has no body to be too large, too slow or encoded.
        for status in ["408", "413", "415"] {
            responses.remove(status);
        }
        responses
    }
}

fn responses(ping: bool) -> BTreeMap<String, RefOr<Response>> {
    STATUSES
        .iter()
        .map(|(status, meaning, waits)| ((*status).to_owned(), response(meaning, *waits, ping).into()))
        .collect()
}

fn response(meaning: &str, waits: bool, ping: bool) -> Response {
    let envelope = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
    let mut response = ResponseBuilder::new().description(meaning).content("application/json", envelope);
    if ping {
        let text = ContentBuilder::new().schema(Some(Object::with_type(Type::String))).build();
        let code = HeaderBuilder::new()
            .schema(Some(Object::with_type(Type::String)))
            .description(Some("The error's code."))
            .build();
        response = response.content("text/plain", text).header("X-AgentPing-Error", code);
    }
    if waits {
        let seconds = HeaderBuilder::new()
            .schema(Some(Object::with_type(Type::Integer)))
            .description(Some("Whole seconds after which to send the same again."))
            .build();
        response = response.header("Retry-After", seconds);
    }
    response.build()
}
