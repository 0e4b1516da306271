//! What the chassis needs to know of this port: how requests get their places and their refusals.

use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use tidegate_door::entry::with_type;
use tidegate_door::request_id::minted;
use tidegate_door::{Api, Entered, Entry, LikelyCall, OutcomesOf, Place, Refused, Route, Unreadable, WrongMethod};

use crate::answer::Answer;
use crate::call;
use crate::endpoint::Endpoint;
use crate::front_door::FrontDoor;
use crate::refusal::{Cause, Refusal, Why, envelope, unreadable};

impl Api for FrontDoor {
    type Endpoint = Endpoint;
    type Answer = Answer;
    type Refused = Refusal;
    type Place = Place;

    const OTHER: Endpoint = Endpoint::Other;
    const PORT: &'static str = "AgentGate";
    /// A call without a route is refused with its path alone.
    const ROUTES: &'static [Route] = &[];

    fn outcomes(&self) -> &OutcomesOf<Self> {
        &self.outcomes
    }

    fn random(&self) -> [u8; 10] {
        self.ids.random()
    }

    /// Always `req_` and a token of ours (AgentGate: transport and envelopes).
    fn request_id(&self, _: &HeaderMap) -> HeaderValue {
        minted(self.random())
    }

    fn enter(&self) -> Result<Place, Refusal> {
        self.in_flight.enter().ok_or_else(|| Why::TooManyInFlight.into())
    }

    fn max_body_bytes(&self) -> usize {
        self.config.max_body_bytes
    }

    fn form(_: Endpoint, _: &HeaderMap) {}

    fn unknown_route(parts: &Parts, _: Option<LikelyCall>) -> Refusal {
        Why::PathUnknown { path: parts.uri.path().to_owned() }.into()
    }

    fn wrong_method(parts: &Parts, _: &'static str, _: WrongMethod) -> Refusal {
        FrontDoor::unknown_route(parts, None)
    }

    async fn unrouted(entered: Entered<Self>, refused: Refusal) -> Refusal {
        call::unrouted(entered, refused).await
    }

    fn unreadable(kind: Unreadable) -> (StatusCode, String) {
        unreadable(kind)
    }
}

impl Refused for Refusal {
    type Cause = Cause;
    type Form = ();

    fn panicked() -> Self {
        Why::Panicked.into()
    }

    fn entry(&self) -> Entry<Cause> {
        self.why.entry()
    }

    fn written(&self, entry: &Entry<Cause>, (): ()) -> Response {
        self.written_for(&HeaderValue::from_static(""), entry, ())
    }

    fn written_for(&self, id: &HeaderValue, entry: &Entry<Cause>, (): ()) -> Response {
        let mut response = with_type("application/json", envelope(self, entry, id));
        if let Some(rate) = self.rate {
            rate.put_on(response.headers_mut());
        }
        response
    }
}
