//! What the chassis needs to know of this port: how requests get their places and their refusals.

use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use tidegate_door::entry::with_type;
use tidegate_door::{Api, Entry, LikelyCall, OutcomesOf, Place, Refused, Route, WrongMethod};

use crate::answer::Answer;
use crate::endpoint::Endpoint;
use crate::front_door::FrontDoor;
use crate::refusal::{Cause, Refusal, Why, envelope};

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
