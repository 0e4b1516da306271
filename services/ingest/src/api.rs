//! What the chassis needs to know of this port: how requests get their place, answers and refusals.

use axum::response::Response;
use http::header::ACCEPT;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use tidegate_agentping::routes::{INGEST, ROUTES};
use tidegate_door::entry::with_type;
use tidegate_door::{Api, FormOf, LikelyCall, OutcomesOf, Place, Refused, Route, WrongMethod};

use crate::answers::{Answer, TEXT};
use crate::endpoint::Endpoint;
use crate::ingest::Ingest;
use crate::ping_text::ping_text;
use crate::refusal_table::{Cause, Entry, Problem};

const ERROR_CODE: HeaderName = HeaderName::from_static("x-agentping-error");

/// How an endpoint's refusals are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorForm {
    /// The JSON envelope (AgentPing: envelope).
    Json,
    /// Text, and the code in a header (AgentPing: ping).
    PingText,
    /// A ping that asked for JSON.
    PingJson,
}

impl Api for Ingest {
    type Endpoint = Endpoint;
    type Answer = Answer;
    type Refused = Problem;
    type Place = Place;

    const OTHER: Endpoint = Endpoint::Other;
    const PORT: &'static str = INGEST;
    const ROUTES: &'static [Route] = ROUTES;

    fn outcomes(&self) -> &OutcomesOf<Self> {
        &self.outcomes
    }

    fn random(&self) -> [u8; 10] {
        self.ids.random()
    }

    fn enter(&self) -> Result<Place, Problem> {
        let full = || {
            self.openings.refused();
            Problem::TooManyInFlight { retry_after_s: self.places_outage.failed(self.clock.now()) }
        };
        self.in_flight.enter().ok_or_else(full)
    }

    fn max_body_bytes(&self) -> usize {
        self.config.max_body_bytes
    }

    fn form(endpoint: Endpoint, headers: &HeaderMap) -> FormOf<Self> {
        match endpoint {
            Endpoint::Ping if wants_json(headers) => ErrorForm::PingJson,
            Endpoint::Ping => ErrorForm::PingText,
            _ => ErrorForm::Json,
        }
    }

    fn unknown_route(_: &Parts, likely: Option<LikelyCall>) -> Problem {
        Problem::NotFound { likely }
    }

    fn wrong_method(_: &Parts, allow: &'static str, why: WrongMethod) -> Problem {
        Problem::MethodNotAllowed { allow, why }
    }
}

impl Refused for Problem {
    type Cause = Cause;
    type Form = ErrorForm;

    fn panicked() -> Self {
        Problem::Panicked
    }

    fn entry(&self) -> Entry {
        Problem::entry(self)
    }

    fn written(&self, entry: &Entry, form: ErrorForm) -> Response {
        let mut response = match form {
            ErrorForm::PingText => with_type(TEXT, ping_text(self, entry)),
            ErrorForm::Json | ErrorForm::PingJson => entry.json(),
        };
        if form != ErrorForm::Json {
            response.headers_mut().insert(ERROR_CODE, HeaderValue::from_static(entry.code));
        }
        response
    }
}

/// `application/json` listed in `Accept` with a weight above 0; `*/*` means text (AgentPing: ping).
pub(crate) fn wants_json(headers: &HeaderMap) -> bool {
    let listed = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    listed.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        named && weight.is_none_or(|weight| weight.trim().parse::<f32>().is_ok_and(|weight| weight > 0.0))
    })
}

#[cfg(test)]
mod tests {
    use tidegate_door::Label;

    use super::*;

    #[test]
    fn counters_are_found_by_the_order_of_the_variants() {
        for (index, endpoint) in Endpoint::ALL.iter().enumerate() {
            assert_eq!(*endpoint as usize, index, "{endpoint:?}");
        }
        for (index, cause) in Cause::ALL.iter().enumerate() {
            assert_eq!(*cause as usize, index, "{cause:?}");
        }
    }

    #[test]
    fn json_must_be_asked_for_by_name() {
        for (accept, expected) in [
            ("application/json", true),
            ("text/html, Application/JSON;q=0.5", true),
            ("application/json;charset=utf-8;q=0.1", true),
            ("application/json;q=0", false),
            ("application/json; q=0.0, */*", false),
            ("application/json;q=x", false),
            ("*/*", false),
            ("application/*", false),
            ("application/jsonp", false),
            ("text/plain", false),
        ] {
            let headers: HeaderMap = [(ACCEPT, HeaderValue::from_static(accept))].into_iter().collect();
            assert_eq!(wants_json(&headers), expected, "{accept}");
        }
        assert!(!wants_json(&HeaderMap::new()));
    }
}
