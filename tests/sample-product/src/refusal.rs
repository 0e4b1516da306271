//! The product's table of refusals, and the envelope they come in.

use std::fmt::Display;

use axum::response::Response;
use http::StatusCode;
use serde_json::json;
use tidegate_door::entry::with_type;
use tidegate_door::{Entry, Refused};
use tracing::Level;

tidegate_door::causes! {
    BadMark "bad_mark" Refused;
    TooLarge "too_large" Refused;
    NoCounter "no_counter" Refused;
    NoRoute "no_route" Refused;
    PostOnly "post_only" Refused;
    GetOnly "get_only" Refused;
    Busy "busy" Refused;
    LogDown "log_down" Failed;
    LogSilent "log_silent" Unknown;
    StoreDown "store_down" Failed;
    Panicked "panicked" Failed;
}

/// A cause, and a sentence for people.
pub struct Refusal(Cause, String);

impl Cause {
    pub fn because(self, text: impl Display) -> Refusal {
        Refusal(self, text.to_string())
    }
}

impl Refused for Refusal {
    type Cause = Cause;
    type Form = ();

    fn panicked() -> Self {
        Cause::Panicked.because("This is our mistake.")
    }

    fn entry(&self) -> Entry<Cause> {
        let Refusal(cause, text) = self;
        let entry = |status, level| Entry::new(status, cause.label(), level, *cause, text.clone());
        match cause {
            Cause::BadMark => entry(StatusCode::BAD_REQUEST, Level::DEBUG),
            Cause::TooLarge => entry(StatusCode::PAYLOAD_TOO_LARGE, Level::DEBUG),
            Cause::NoCounter | Cause::NoRoute => entry(StatusCode::NOT_FOUND, Level::DEBUG),
            // The router names the route's methods in `Allow`.
            Cause::PostOnly | Cause::GetOnly => entry(StatusCode::METHOD_NOT_ALLOWED, Level::DEBUG),
            Cause::Busy => entry(StatusCode::SERVICE_UNAVAILABLE, Level::DEBUG).retry_after(1),
            Cause::LogDown | Cause::LogSilent | Cause::StoreDown => {
                entry(StatusCode::SERVICE_UNAVAILABLE, Level::WARN).retry_after(5)
            }
            Cause::Panicked => entry(StatusCode::INTERNAL_SERVER_ERROR, Level::ERROR),
        }
    }

    fn written(&self, entry: &Entry<Cause>, (): ()) -> Response {
        let body = json!({ "refused": { "why": entry.code, "text": entry.message } });
        with_type("application/json", body.to_string())
    }
}
