//! What the chassis needs to know of this port: how reads get their answers and refusals.

use axum::response::Response;
use http::HeaderMap;
use http::request::Parts;
use serde_json::json;
use tidegate_agentping::routes::{CONTROL, ROUTES};
use tidegate_agentping_settings::configuration::ConfigFault;
use tidegate_door::entry::with_type;
use tidegate_door::{Api, LikelyCall, OutcomesOf, Refused, Route, WrongMethod};

use crate::body;
use crate::endpoint::Endpoint;
use crate::problem::{Cause, Entry, Problem};
use crate::reads::Reads;

impl Api for Reads {
    type Endpoint = Endpoint;
    type Answer = Response;
    type Refused = Problem;
    /// What bounds reads is the bytes of their answers.
    type Place = ();

    const OTHER: Endpoint = Endpoint::Other;
    const PORT: &'static str = CONTROL;
    const ROUTES: &'static [Route] = ROUTES;

    fn outcomes(&self) -> &OutcomesOf<Self> {
        &self.outcomes
    }

    fn random(&self) -> [u8; 10] {
        self.ids.random()
    }

    fn enter(&self) -> Result<(), Problem> {
        Ok(())
    }

    fn max_body_bytes(&self) -> usize {
        body::MAX_BYTES
    }

    fn form(_: Endpoint, _: &HeaderMap) {}

    fn unknown_route(parts: &Parts, likely: Option<LikelyCall>) -> Problem {
        Problem::RouteUnknown { path: parts.uri.path().to_owned(), likely }
    }

    fn wrong_method(parts: &Parts, allow: &'static str, why: WrongMethod) -> Problem {
        Problem::MethodNotAllowed { method: parts.method.clone(), allow, why }
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
        match self {
            Problem::ConfigInvalid(faults) => with_faults(entry, faults),
            _ => entry.json(),
        }
    }
}

/// The envelope of every refusal, with the faults of a file.
fn with_faults(entry: &Entry, faults: &[ConfigFault]) -> Response {
    let body = json!({ "error": entry.code, "message": entry.message, "faults": faults });
    with_type("application/json", body.to_string())
}
