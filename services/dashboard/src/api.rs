//! What the chassis needs to know of the pages: how they are counted, answered and refused.

use axum::response::Response;
use http::header::LOCATION;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use tidegate_agentping::routes::CONTROL;
use tidegate_door::{Api, LikelyCall, OutcomesOf, Refused, Route, WrongMethod};
use tokio::sync::OwnedSemaphorePermit;

use crate::endpoint::Endpoint;
use crate::problem::{Cause, Entry, Problem};
use crate::reads::Pages;
use crate::{form, layout, sign_in};

impl Api for Pages {
    type Endpoint = Endpoint;
    type Answer = Response;
    type Refused = Problem;
    type Place = OwnedSemaphorePermit;

    const OTHER: Endpoint = Endpoint::Other;
    const PORT: &'static str = CONTROL;
    /// Pages suggest no route of the API.
    const ROUTES: &'static [Route] = &[];

    fn outcomes(&self) -> &OutcomesOf<Self> {
        &self.outcomes
    }

    fn random(&self) -> [u8; 10] {
        self.ids.random()
    }

    fn enter(&self) -> Result<OwnedSemaphorePermit, Problem> {
        self.places.clone().try_acquire_owned().map_err(|_| Problem::Busy)
    }

    fn max_body_bytes(&self) -> usize {
        form::MAX_BYTES
    }

    fn form(_: Endpoint, _: &HeaderMap) {}

    fn unknown_route(_: &Parts, _: Option<LikelyCall>) -> Problem {
        Problem::NotFound
    }

    fn wrong_method(_: &Parts, allow: &'static str, _: WrongMethod) -> Problem {
        Problem::WrongMethod { allow }
    }
}

impl Refused for Problem {
    type Cause = Cause;
    type Form = ();

    fn panicked() -> Self {
        Problem::Panicked
    }

    fn entry(&self) -> Entry {
        Problem::entry(self)
    }

    fn written(&self, entry: &Entry, (): ()) -> Response {
        if self.shows_form() {
            return layout::response(sign_in::form(Some(&entry.message)));
        }
        let (page, filled_in) = match self {
            Problem::OnForm { page, filled_in, .. } => (Some(page.as_str()), filled_in.as_slice()),
            _ => (None, &[][..]),
        };
        let mut response = layout::response(layout::refusal(entry.status, &entry.message, page, filled_in));
        if matches!(self, Problem::NoSession) {
            response.headers_mut().insert(LOCATION, HeaderValue::from_static("/login"));
        }
        response
    }
}
