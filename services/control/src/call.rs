//! One read: the caller is authenticated before anything is read.

use std::future::Future;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Request};
use axum::response::Response;
use http::HeaderMap;
use http::request::Parts;
use serde::Serialize;
use tidegate_door::Entered;
use tidegate_door::body::read_past;
use tidegate_door::entry::with_type;

use crate::access::Reader;
use crate::body::MAX_BYTES;
use crate::endpoint::Endpoint;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::reads::Reads;

/// Runs one read through `read` and answers it, whatever happens.
pub(crate) fn framed<F, H>(
    reads: Arc<Reads>,
    endpoint: Endpoint,
    request: Request,
    read: H,
) -> impl Future<Output = Response>
where
    H: FnOnce(Call) -> F,
    F: Future<Output = Result<Response, Problem>>,
{
    let enter = async move |Entered { api: reads, parts, body, .. }: Entered<Reads>| {
        // A read has no body.
        drop(body);
        let reader = Reader::of(&reads, &parts.headers).await?;
        read(Call { reads, reader, parts }).await
    };
    tidegate_door::framed(reads, endpoint, request, enter)
}

/// The same for a read whose question is a body. The body of a caller who may not ask is read and discarded.
pub(crate) fn framed_with_body<F, H>(
    reads: Arc<Reads>,
    endpoint: Endpoint,
    request: Request,
    read: H,
) -> impl Future<Output = Response>
where
    H: FnOnce(Call, Body) -> F,
    F: Future<Output = Result<Response, Problem>>,
{
    let enter = async move |Entered { api: reads, parts, mut body, .. }: Entered<Reads>| match Reader::of(
        &reads,
        &parts.headers,
    )
    .await
    {
        Ok(reader) => read(Call { reads, reader, parts }, body).await,
        Err(problem) => {
            read_past(&parts.headers, &mut body, MAX_BYTES).await;
            Err(problem)
        }
    };
    tidegate_door::framed(reads, endpoint, request, enter)
}

/// A read by an authenticated caller.
pub(crate) struct Call {
    pub reads: Arc<Reads>,
    pub reader: Reader,
    parts: Parts,
}

impl Call {
    pub fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// The query's parameters, of which these are known.
    ///
    /// # Errors
    /// As [`Parameters::read`] has it.
    pub fn parameters(&self, known: &'static [&'static str]) -> Result<Parameters, Problem> {
        Parameters::read(&self.parts.uri, known)
    }

    /// The one variable segment of the path; `None` where its percent-encoding is not UTF-8.
    pub async fn path(&mut self) -> Option<String> {
        Path::from_request_parts(&mut self.parts, &()).await.ok().map(|Path(text)| text)
    }
}

/// An answer of one size whatever a team has, which needs no permit.
///
/// # Errors
/// [`Problem::Defect`]: it does not serialize.
pub(crate) fn json(body: &impl Serialize) -> Result<Response, Problem> {
    Ok(with_type("application/json", serde_json::to_vec(body)?))
}
