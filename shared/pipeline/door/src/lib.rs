//! The HTTP chassis of every port that a process opens, whatever the product behind it.
//!
//! A port has bounds on connections, headers, bodies and answers ([`serve`], [`body`], [`byte_budget`], [`in_flight`],
//! [`answer_budget`]); a request has an id ([`request_id`]) and its credential in one of three places ([`credential`]);
//! work that must be finished runs on after its client has left ([`detached`]). What a request means, and in which words
//! it is refused, is the product's.

pub mod answer_budget;
pub mod body;
pub mod byte_budget;
pub mod credential;
pub mod detached;
pub mod gzip;
pub mod in_flight;
pub mod likely_call;
mod metrics;
pub mod ops;
pub mod query;
pub mod request_id;
pub mod serve;
pub mod traffic_routes;

pub use answer_budget::{AnswerBudget, AnswerPermit};
pub use byte_budget::{ByteBudget, BytePermit, OverBudget};
pub use credential::presented;
pub use detached::Detached;
pub use in_flight::{InFlight, Place};
pub use likely_call::{LikelyCall, Route, likely_call};
pub use metrics::METRICS;
pub use ops::{LaterRoutes, Ops};
pub use serve::{ServeOptions, ServeReport, Unreadable, serve, serve_watched};
pub use traffic_routes::{Draining, NO_CORS, traffic_routes};
