//! The OpenAPI description of a port: how its refusals and credentials are described, and how it is served.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Object, Ref, RefOr, ResponseBuilder, Type};

use crate::api::Api;
use crate::frame::framed;

/// How requests of some endpoints may be refused, as rows of status and meaning.
#[derive(Clone, Copy, Debug)]
pub struct RefusalTable {
    pub rows: &'static [RefusalRow],
    /// The schema of the JSON refusal.
    pub envelope: &'static str,
    /// What `Retry-After` says, where it comes.
    pub retry_after: &'static str,
    /// Of endpoints that refuse in text too: the header with the code, and what it says.
    pub text_code: Option<(&'static str, &'static str)>,
}

/// One status.
#[derive(Clone, Copy, Debug)]
pub struct RefusalRow {
    pub status: &'static str,
    pub meaning: &'static str,
    /// `Retry-After` comes with it.
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
    /// As the responses of an operation, by status.
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

/// Where a credential may be sent.
#[derive(Clone, Copy, Debug)]
pub enum Transport {
    /// `Authorization: Bearer`, with the credential's form.
    Bearer { form: &'static str },
    /// A header of the product's own.
    Header { name: &'static str },
    /// A parameter of the query.
    Query { name: &'static str },
}

/// Describes a place for a credential under the name that operations refer to it by.
pub fn add_transport(
    description: &mut utoipa::openapi::OpenApi,
    scheme: &'static str,
    transport: Transport,
    about: &'static str,
) {
    let described = match transport {
        Transport::Bearer { form } => {
            let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format(form);
            SecurityScheme::Http(bearer.description(Some(about)).build())
        }
        Transport::Header { name } => {
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(name, about)))
        }
        Transport::Query { name } => SecurityScheme::ApiKey(ApiKey::Query(ApiKeyValue::with_description(name, about))),
    };
    description.components.get_or_insert_default().add_security_scheme(scheme, described);
}

/// `GET /openapi.json`. `answer` is made of the text for each request.
pub fn description_route<A: Api>(text: Bytes, answer: fn(Bytes) -> A::Answer) -> Router<Arc<A>> {
    let serve = async move |State(api): State<Arc<A>>, request: Request| -> Response {
        framed(api, A::OTHER, request, async move |_| Ok(answer(text))).await
    };
    Router::new().route("/openapi.json", get(serve))
}
