//! The front door: the five AgentPing endpoints over HTTP, their wire bodies, and the one table from a cause to
//! status, code, headers and text. How a log, a gate or a store works is not known here.

mod acked;
mod answers;
mod api;
mod call;
pub mod config;
pub mod endpoint;
mod endpoints;
mod ingest;
mod metrics;
pub mod openapi;
mod openings;
pub mod parse;
mod ping_text;
mod port;
pub mod refusal_shapes;
pub mod refusal_table;
mod reports;
pub mod request_shapes;
mod text;

pub use config::IngestConfig;
pub use endpoint::Endpoint;
pub use ingest::Ingest;
pub use metrics::METRICS;
pub use openapi::openapi;
pub use openings::{OpeningCounts, Openings};
pub use reports::DoorReports;
pub use tidegate_door::ServeReport;
