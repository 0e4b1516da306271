//! The OpenAPI 3.1 description of this port, generated from the routes themselves.

mod refusals;
mod requests;

pub(crate) use refusals::{PingRefusals, Refusals};
pub use requests::{EventBatch, EventItem, HeartbeatBody, PingParameters, RunFinish, RunStart};

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::endpoints;
use crate::refusal_table::ErrorBody;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tidegate ingest API",
        description = "What AI agents report: runs, events, heartbeats. `202` is sent once the record is safe; a repeat \
                       of what is there is `200`. What is taken in has a receipt in `X-Tidegate-Receipt`: opaque, no \
                       secret; `GET /v1/receipts/{receipt}` of the read API tells for 30 days what became of the \
                       record. Every answer carries `x-request-id`, and every `429` and `503` \
                       `Retry-After` in whole seconds.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ErrorBody)),
    modifiers(&Credentials),
)]
struct Frame;

/// Where a credential may be sent.
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let components = description.components.get_or_insert_default();
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("apk_<region>_<32 hex> or ping_<region>_<32 hex>")
            .description(Some("A team API key, or for heartbeats a ping token."))
            .build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let header = ApiKeyValue::with_description(
            "X-AgentPing-Key",
            "The same credential, for proxies that strip `Authorization`. Not looked at where `Authorization` is sent.",
        );
        components.add_security_scheme("key_header", SecurityScheme::ApiKey(ApiKey::Header(header)));
        let query = ApiKeyValue::with_description(
            "key",
            "The same credential in the URL, for pings only. Not looked at where a header is sent.",
        );
        components.add_security_scheme("key_query", SecurityScheme::ApiKey(ApiKey::Query(query)));
    }
}

/// Everything but the routes.
pub(crate) fn frame() -> utoipa::openapi::OpenApi {
    Frame::openapi()
}

/// The description of this port, as served at `/openapi.json`.
pub fn openapi() -> utoipa::openapi::OpenApi {
    endpoints::described().into_openapi()
}

/// The same as text, as it is checked in.
///
/// # Errors
/// None in practice: a description is plain data.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    openapi().to_pretty_json().map(|text| text + "\n")
}

#[cfg(test)]
mod tests;
