//! The front door: the five AgentPing endpoints over HTTP, their wire bodies, and the one table from a cause to
//! status, code, headers and text. How a log, a gate or a store works is not known here.

mod acked;
mod answers;
mod call;
pub mod config;
mod endpoints;
mod frame;
mod ingest;
mod metrics;
pub mod openapi;
pub mod outcomes;
pub mod parse;
mod ping_text;
pub mod refusal_table;
mod text;

pub use config::IngestConfig;
pub use ingest::Ingest;
pub use metrics::METRICS;
pub use openapi::{openapi, openapi_json};
pub use tidegate_door::ServeReport;
