//! What is known of a call by a method that its route does not have.

use http::Method;
use http::header::ORIGIN;
use http::request::Parts;

use crate::likely_call::{LikelyCall, Route, likely_call};

/// What a browser is answered that asks whether a page of another origin may call: no. Credentials belong on servers.
pub const NO_CORS: &str = "Pages of other origins may not call this port (no CORS): call it from a server, where the credential stays secret.";

/// What is known of a call by a method that its route does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongMethod {
    /// Nothing.
    Mistaken,
    /// A route elsewhere was likely meant.
    Elsewhere(LikelyCall),
    /// A browser asks whether a page of another origin may call.
    Preflight,
}

impl WrongMethod {
    /// Of a call to `port`, which has a route of its path among `routes`.
    pub fn of(routes: &'static [Route], port: &str, parts: &Parts) -> Self {
        if parts.method == Method::OPTIONS && parts.headers.contains_key(ORIGIN) {
            return WrongMethod::Preflight;
        }
        // The route's own methods are named anyway.
        let likely = likely_call(routes, port, &parts.method, parts.uri.path());
        likely.filter(|likely| !likely.here).map_or(WrongMethod::Mistaken, WrongMethod::Elsewhere)
    }

    /// The message with what is known after it.
    pub fn after(&self, message: String) -> String {
        match self {
            WrongMethod::Mistaken => message,
            WrongMethod::Elsewhere(likely) => format!("{message} {likely}"),
            WrongMethod::Preflight => format!("{message} {NO_CORS}"),
        }
    }
}
