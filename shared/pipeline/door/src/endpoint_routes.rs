//! The routes of one endpoint: which of its methods are served, and how a call by another one is refused.

use std::future::Future;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{self, MethodRouter};

use crate::api::{Api, Entered};
use crate::frame::framed;
use crate::wrong_method::WrongMethod;

/// `GET` and `HEAD` of an endpoint, each request run through `handle`.
pub fn get<A, H, F>(endpoint: A::Endpoint, handle: H) -> MethodRouter<Arc<A>>
where
    A: Api,
    H: FnOnce(Entered<A>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<A::Answer, A::Refused>> + Send,
{
    let answer = move |State(api), request| framed(api, endpoint, request, handle);
    refusing_other_methods(endpoint, "GET, HEAD", routing::get(answer))
}

/// `POST` of an endpoint, each request run through `handle`.
pub fn post<A, H, F>(endpoint: A::Endpoint, handle: H) -> MethodRouter<Arc<A>>
where
    A: Api,
    H: FnOnce(Entered<A>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<A::Answer, A::Refused>> + Send,
{
    let answer = move |State(api), request| framed(api, endpoint, request, handle);
    refusing_other_methods(endpoint, "POST", routing::post(answer))
}

/// The same routes. A call by another method counts under `endpoint`, and its refusal names those in `allow`.
pub fn refusing_other_methods<A: Api>(
    endpoint: A::Endpoint,
    allow: &'static str,
    routes: MethodRouter<Arc<A>>,
) -> MethodRouter<Arc<A>> {
    routes
        .fallback(async move |State(api): State<Arc<A>>, request: Request| refuse(api, endpoint, allow, request).await)
}

/// Refuses a call by a method that its route does not have.
pub(crate) async fn refuse<A: Api>(
    api: Arc<A>,
    endpoint: A::Endpoint,
    allow: &'static str,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let refused = A::wrong_method(&parts, allow, WrongMethod::of(A::ROUTES, A::PORT, &parts));
    let refuse = async move |entered: Entered<A>| Err(A::unrouted(entered, refused).await);
    framed(api, endpoint, Request::from_parts(parts, body), refuse).await
}
