//! How a process starts, is judged, and stops in order.
//!
//! A process is a list of parts. Each is told to stop by its own [`Stopper`], in the order of [`Stages`], and each
//! has a deadline of its own; what did not end in time stands in the [`ExitReport`], which is the exit code.

pub mod health;
pub mod likely_call;
pub mod ops;
pub mod parts;
pub mod request_id;
pub mod serve;
pub mod signals;
pub mod stages;
pub mod stop;
pub mod traffic_routes;

pub use health::{Health, Readiness};
pub use likely_call::{ApiPort, LikelyCall, likely_call};
pub use ops::{LaterRoutes, Ops};
pub use parts::{Part, Parts};
pub use serve::{ServeOptions, ServeReport, Unreadable, serve, serve_watched};
pub use stages::{ExitReport, Left, Stages};
pub use stop::{Stop, Stopper};
pub use traffic_routes::{Draining, NO_CORS, traffic_routes};
