//! The OpenAPI description of a port: how its refusals and credentials are described, and how it is served.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use utoipa::Modify;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Object, OpenApi, PathItem, Ref, RefOr, ResponseBuilder, Type};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::api::Api;
use crate::endpoint_routes::refusing_other_methods;
use crate::frame::framed;

/// How requests of some endpoints may be refused, as rows of status and meaning.
#[derive(Clone, Copy, Debug)]
pub struct RefusalTable {
    pub rows: &'static [RefusalRow],
    /// The schema of the JSON refusal.
    pub envelope: &'static str,
    /// What `Retry-After` says, where it is sent.
    pub retry_after: &'static str,
    /// For endpoints that refuse in text too: the header with the code, and what it says.
    pub text_code: Option<(&'static str, &'static str)>,
}

/// One status, and when it is sent.
#[derive(Clone, Copy, Debug)]
pub struct RefusalRow {
    pub status: &'static str,
    pub meaning: &'static str,
    /// Whether `Retry-After` is sent with it.
    pub waits: bool,
}

impl RefusalRow {
    pub const fn new(status: &'static str, meaning: &'static str) -> Self {
        RefusalRow { status, meaning, waits: false }
    }

    /// With `Retry-After`.
    pub const fn waiting(status: &'static str, meaning: &'static str) -> Self {
        RefusalRow { status, meaning, waits: true }
    }
}

impl RefusalTable {
    /// The rows as responses of an operation, by status.
    pub fn responses(&self) -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        self.rows.iter().map(|row| (row.status.to_owned(), self.response(row).into())).collect()
    }

    fn response(&self, row: &RefusalRow) -> utoipa::openapi::Response {
        let envelope = ContentBuilder::new().schema(Some(Ref::from_schema_name(self.envelope))).build();
        let mut response = ResponseBuilder::new().description(row.meaning).content("application/json", envelope);
        if let Some((name, meaning)) = self.text_code {
            let text = ContentBuilder::new().schema(Some(Object::with_type(Type::String))).build();
            response = response.content("text/plain", text).header(name, header(Type::String, meaning));
        }
        if row.waits {
            response = response.header("Retry-After", header(Type::Integer, self.retry_after));
        }
        response.build()
    }
}

fn header(of: Type, meaning: &str) -> Header {
    HeaderBuilder::new().schema(Some(Object::with_type(of))).description(Some(meaning)).build()
}

/// A credential in `Authorization`, as a description says it. Operations refer to it by `name`.
#[derive(Clone, Copy, Debug)]
pub struct BearerScheme {
    pub name: &'static str,
    /// The credential's form.
    pub form: &'static str,
    pub about: &'static str,
}

impl Modify for BearerScheme {
    fn modify(&self, description: &mut OpenApi) {
        let BearerScheme { name, form, about } = *self;
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format(form).description(Some(about));
        let components = description.components.get_or_insert_default();
        components.add_security_scheme(name, SecurityScheme::Http(bearer.build()));
    }
}

/// Where a port takes its credential ([`presented`](crate::presented)), as its description says it. Operations refer to
/// the places as `bearer`, `key_header` and `key_query`.
#[derive(Clone, Copy, Debug)]
pub struct Transports {
    /// The credential's form.
    pub form: &'static str,
    pub about: &'static str,
    /// What it is called in a sentence.
    pub noun: &'static str,
    /// The header of the product's own.
    pub header: &'static str,
    /// The parameter of the query, and the calls that take it there.
    pub query: Option<(&'static str, &'static str)>,
}

impl Modify for Transports {
    fn modify(&self, description: &mut OpenApi) {
        let Transports { form, about, noun, header, query } = *self;
        BearerScheme { name: "bearer", form, about }.modify(description);
        let components = description.components.get_or_insert_default();
        let about = format!(
            "The same {noun}, for proxies that strip `Authorization`. Not looked at where `Authorization` is sent."
        );
        let header = ApiKey::Header(ApiKeyValue::with_description(header, &about));
        components.add_security_scheme("key_header", SecurityScheme::ApiKey(header));
        if let Some((parameter, calls)) = query {
            let about = format!("The same {noun} in the URL, for {calls} only. Not looked at where a header is sent.");
            let query = ApiKey::Query(ApiKeyValue::with_description(parameter, &about));
            components.add_security_scheme("key_query", SecurityScheme::ApiKey(query));
        }
    }
}

/// Described routes of one endpoint, with the refusal of the methods that they do not have.
pub fn of_endpoint<A: Api>(
    endpoint: A::Endpoint,
    (schemas, paths, routes): UtoipaMethodRouter<Arc<A>>,
) -> UtoipaMethodRouter<Arc<A>> {
    let methods = paths.paths.values().flat_map(methods).collect::<Vec<_>>().join(", ");
    // Made once for each route, which lives as long as the process.
    let routes = refusing_other_methods(endpoint, methods.leak(), routes);
    (schemas, paths, routes)
}

/// The methods of a path, as the header `Allow` names them.
fn methods(path: &PathItem) -> impl Iterator<Item = &'static str> + use<> {
    let described = [
        ("GET", path.get.is_some()),
        ("POST", path.post.is_some()),
        ("PUT", path.put.is_some()),
        ("PATCH", path.patch.is_some()),
        ("DELETE", path.delete.is_some()),
    ];
    described.into_iter().filter_map(|(method, is_described)| is_described.then_some(method))
}

/// A description as text, as it is served and checked in.
pub fn text(description: &OpenApi) -> String {
    description.to_pretty_json().expect("a description is plain data, and always serializes") + "\n"
}

/// Described routes, and `GET /openapi.json` with their description. `answer` makes an answer of its
/// text for each request.
pub fn with_description<A: Api>(routes: OpenApiRouter<Arc<A>>, answer: fn(Bytes) -> A::Answer) -> Router<Arc<A>> {
    let (routes, description) = routes.split_for_parts();
    routes.merge(description_route(text(&description).into(), answer))
}

/// `GET /openapi.json`. `answer` makes an answer of the text for each request.
pub fn description_route<A: Api>(text: Bytes, answer: fn(Bytes) -> A::Answer) -> Router<Arc<A>> {
    let serve = async move |State(api): State<Arc<A>>, request: Request| -> Response {
        framed(api, A::OTHER, request, async move |_| Ok(answer(text))).await
    };
    Router::new().route("/openapi.json", get(serve))
}
