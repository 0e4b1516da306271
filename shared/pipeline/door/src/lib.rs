//! The HTTP chassis of every port that a process opens, whatever the product behind it.
//!
//! A port has bounds on connections, headers, bodies and answers ([`serve`], [`body`], [`byte_budget`], [`in_flight`],
//! [`answer_budget`]). A request has an id ([`request_id`]), its credential in one of three places ([`credential`]), and
//! exactly one outcome ([`outcomes`]), which the [`frame`] around it sees to. Calls without a route get an answer that
//! points to the right one ([`unrouted`], [`likely_call`]), and a method that a route does not have is refused with those
//! that it has ([`endpoint_routes`]). Work that must be finished runs on after its client has left
//! ([`detached`]).
//!
//! What a request means, and in which words it is refused, is the product's: it says so by an [`Api`], and by a table of
//! refusals with an [`Entry`] for each.

pub mod answer_budget;
pub mod api;
pub mod body;
pub mod byte_budget;
mod causes;
pub mod credential;
pub mod detached;
pub mod endpoint_routes;
pub mod entry;
pub mod frame;
pub mod gzip;
pub mod in_flight;
pub mod label;
pub mod likely_call;
mod metrics;
pub mod openapi;
pub mod ops;
pub mod outcomes;
pub mod query;
pub mod request_id;
pub mod serve;
mod serve_front_door;
pub mod traffic_routes;
pub mod unrouted;
pub mod wrong_method;

pub use answer_budget::{AnswerBudget, AnswerPermit};
pub use api::{Answered, Api, Entered, FormOf, OutcomesOf, Refused};
pub use byte_budget::{ByteBudget, BytePermit, OverBudget};
pub use credential::{BearerKey, presented};
pub use detached::Detached;
pub use entry::{Entry, Overload};
pub use frame::framed;
pub use in_flight::{InFlight, Place};
pub use label::Label;
pub use likely_call::{LikelyCall, Route, likely_call, with_likely_call};
pub use metrics::METRICS;
pub use ops::{LaterRoutes, Ops};
pub use outcomes::{OutcomeMetrics, Outcomes, RefusalCause, RequestOutcome};
pub use serve::{ServeOptions, ServeReport, Unreadable, serve};
pub use serve_front_door::serve_front_door;
pub use traffic_routes::{Draining, health_route, stamped, traffic_routes};
pub use unrouted::with_fallbacks;
pub use wrong_method::{NO_CORS, WrongMethod};
