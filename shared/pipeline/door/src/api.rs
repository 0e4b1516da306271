//! What a product says about its API on one port. The [frame](crate::frame) does the rest, the same for every product.

use std::future::{Future, ready};
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::entry::Entry;
use crate::label::Label;
use crate::likely_call::{LikelyCall, Route};
use crate::outcomes::{Outcomes, RefusalCause, RequestOutcome};
use crate::request_id;
use crate::serve::Unreadable;
use crate::wrong_method::WrongMethod;

/// One port's API: what its requests are counted under, what they are answered and refused with.
pub trait Api: Send + Sync + Sized + 'static {
    /// What requests are counted under.
    type Endpoint: Label;
    /// What a request is answered with.
    type Answer: Answered;
    /// Why a request is refused.
    type Refused: Refused;
    /// What a request holds while it is in progress.
    type Place: Send;

    /// The endpoint under which calls without a route are counted.
    const OTHER: Self::Endpoint;
    /// What this port is called among the [`ROUTES`](Api::ROUTES).
    const PORT: &'static str;
    /// The routes of all ports of the product, so that a wrong call can be answered with the right one.
    const ROUTES: &'static [Route];

    /// This port's counters.
    fn outcomes(&self) -> &OutcomesOf<Self>;

    /// Random bytes for an id of a request.
    fn random(&self) -> [u8; 10];

    /// A request's id: the one that its client sent, if it is usable, else a new one.
    fn request_id(&self, headers: &HeaderMap) -> HeaderValue {
        request_id::of(headers, || self.random())
    }

    /// A place for one more request.
    ///
    /// # Errors
    /// No place is free; the refusal to send.
    fn enter(&self) -> Result<Self::Place, Self::Refused>;

    /// The most bytes of a body that are read and discarded when its request is refused for lack of a place.
    fn max_body_bytes(&self) -> usize;

    /// In which form a request's refusal is written.
    fn form(endpoint: Self::Endpoint, headers: &HeaderMap) -> FormOf<Self>;

    /// What refuses a call that has no route, with the one that was likely meant.
    fn unknown_route(parts: &Parts, likely: Option<LikelyCall>) -> Self::Refused;

    /// What refuses a call by a method that its route does not have. `allow` names the route's methods as the header of
    /// that name does.
    fn wrong_method(parts: &Parts, allow: &'static str, why: WrongMethod) -> Self::Refused;

    /// Why a call without a route, or by a method that its route does not have, is refused in the end: `refused`,
    /// unless the product checks something before the route.
    fn unrouted(_: Entered<Self>, refused: Self::Refused) -> impl Future<Output = Self::Refused> + Send {
        ready(refused)
    }

    /// Status and JSON body of the answer to a request whose head cannot be read, for a port that is served by
    /// [`serve_front_door`](crate::serve_front_door).
    fn unreadable(kind: Unreadable) -> (StatusCode, String) {
        kind.answer()
    }
}

/// A request that has its place.
pub struct Entered<A: Api> {
    pub api: Arc<A>,
    pub place: A::Place,
    pub parts: Parts,
    pub body: Body,
}

/// The counters of an API.
pub type OutcomesOf<A> = Outcomes<<A as Api>::Endpoint, <<A as Api>::Refused as Refused>::Cause>;

/// The form of an API's refusals.
pub type FormOf<A> = <<A as Api>::Refused as Refused>::Form;

/// What a request is answered with that is not refused.
pub trait Answered: Send {
    /// The outcomes that there are of such an answer.
    const OUTCOMES: &'static [RequestOutcome];

    /// How the request ended: one of [`OUTCOMES`](Answered::OUTCOMES).
    fn outcome(&self) -> RequestOutcome;

    /// As it is sent.
    fn into_response(self) -> Response;
}

/// The answer to a read.
impl Answered for Response {
    const OUTCOMES: &'static [RequestOutcome] = &[RequestOutcome::Answered];

    fn outcome(&self) -> RequestOutcome {
        RequestOutcome::Answered
    }

    fn into_response(self) -> Response {
        self
    }
}

/// An answer with its outcome, for a port whose requests are accepted, repeated or read.
impl Answered for (RequestOutcome, Response) {
    const OUTCOMES: &'static [RequestOutcome] =
        &[RequestOutcome::Accepted, RequestOutcome::Repeated, RequestOutcome::Answered];

    fn outcome(&self) -> RequestOutcome {
        self.0
    }

    fn into_response(self) -> Response {
        self.1
    }
}

/// What a request is refused for.
pub trait Refused: Send + Sized {
    type Cause: RefusalCause;
    /// In which form it is written: JSON, text.
    type Form: Copy + Send;

    /// A handler panicked, which is a defect of ours.
    fn panicked() -> Self;

    /// Its line of the product's table.
    fn entry(&self) -> Entry<Self::Cause>;

    /// Body and content type, with headers of the product's own. The frame adds the status and the headers that the
    /// entry names.
    fn written(&self, entry: &Entry<Self::Cause>, form: Self::Form) -> Response;

    /// The same for the request with this id, where the body repeats it.
    fn written_for(&self, _id: &HeaderValue, entry: &Entry<Self::Cause>, form: Self::Form) -> Response {
        self.written(entry, form)
    }
}
