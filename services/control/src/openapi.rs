//! The OpenAPI 3.1 description, generated from the routes themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Object, Ref, RefOr, Response, ResponseBuilder, Type};
use utoipa::{IntoResponses, Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::ErrorBody;
use crate::reads::Reads;
use crate::{agents, listing, receipt, run, spend, usage};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tidegate read API",
        description = "What a team's runs, agents, usage and spend are, and what became of its records. Every answer is \
                       within the team of the API key that asks. Every answer carries `x-request-id` (the one sent, if it was usable) and `Cache-Control: no-store`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ErrorBody)),
    modifiers(&Keys),
)]
struct Description;

/// Where an API key may be sent.
struct Keys;

impl Modify for Keys {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let components = description.components.get_or_insert_default();
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("apk_<region>_<32 hex>")
            .description(Some("One of the team's API keys."))
            .build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let header = ApiKeyValue::with_description(
            "X-AgentPing-Key",
            "The same key, for proxies that strip `Authorization`. Not looked at where `Authorization` is sent.",
        );
        components.add_security_scheme("key_header", SecurityScheme::ApiKey(ApiKey::Header(header)));
    }
}

/// The routes that the description is generated from: a route cannot be served and not be described.
pub(crate) fn routes() -> OpenApiRouter<Arc<Reads>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(listing::list))
        .routes(routes!(run::read))
        .routes(routes!(agents::list))
        .routes(routes!(usage::read))
        .routes(routes!(spend::read))
        .routes(routes!(receipt::read))
}

/// The description of this port, as served at `/openapi.json`.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}

/// The same as text, as it is checked in.
///
/// # Errors
/// None in practice: a description is plain data.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    openapi().to_pretty_json().map(|text| text + "\n")
}

/// How any authenticated read may be refused.
pub(crate) struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let seconds = HeaderBuilder::new()
            .schema(Some(Object::with_type(Type::Integer)))
            .description(Some("Whole seconds after which to retry."))
            .build();
        BTreeMap::from([
            refusal("400", "`invalid_field`, `unknown_field`, `invalid_id` or `unknown_region`.").into_pair(),
            refusal("401", "`invalid_credential`, `region_mismatch`, or `scope_violation` for a ping token.")
                .into_pair(),
            refusal("500", "`internal`: the server failed.").into_pair(),
            refusal("503", "`unavailable`: the data cannot be read right now.")
                .header("Retry-After", seconds)
                .into_pair(),
        ])
    }
}

/// How reading one run may be refused beside that.
pub(crate) struct OneRunRefusals;

impl IntoResponses for OneRunRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        BTreeMap::from([refusal("404", "`not_found`: the team has no such run.").into_pair()])
    }
}

/// How asking for one record may be refused beside that.
pub(crate) struct OneReceiptRefusals;

impl IntoResponses for OneReceiptRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        BTreeMap::from([
            refusal("404", "`not_found`: the team has no such record.").into_pair(),
            refusal("410", "`gone`: what became of the record is not kept any more.").into_pair(),
        ])
    }
}

struct Described {
    status: &'static str,
    response: ResponseBuilder,
}

fn refusal(status: &'static str, description: &str) -> Described {
    let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
    Described { status, response: ResponseBuilder::new().description(description).content("application/json", body) }
}

impl Described {
    fn header(self, name: &str, header: utoipa::openapi::Header) -> Self {
        Described { response: self.response.header(name, header), ..self }
    }

    fn into_pair(self) -> (String, RefOr<Response>) {
        (self.status.to_owned(), RefOr::T(self.response.build()))
    }
}
