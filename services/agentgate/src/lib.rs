//! AgentGate's front door: its endpoints over HTTP, the worker API, their wire bodies, and the one table from a cause to status,
//! code and text.
//!
//! A request is read in the documented order: key, windows, route, scope, shedding, body, fields, templates ([`call`]).
//! What changes anything is a command: it is appended to the log, and answered once it is decided ([`submit`]). What is
//! read comes from view rows ([`listing`]). Free content is sealed on the way in and opened on the way out
//! ([`content`]).

mod answer;
mod api;
mod call;
mod caller;
mod command_class;
mod config;
pub mod content;
mod credential;
mod credit_watch;
mod endpoint;
mod endpoints;
mod front_door;
mod input;
mod listing;
mod metrics;
mod named_template;
mod openapi;
mod parse;
mod port;
mod rates;
mod refusal;
mod refusal_shapes;
mod request_shapes;
mod run_object;
mod secrets;
mod send_test;
mod submit;
mod submit_command;
mod webhook_composer;
mod webhook_message;
mod wire;
mod worker;

pub use command_class::CommandClass;
pub use config::AgentGateConfig;
pub use credit_watch::CreditWatch;
pub use front_door::{FrontDoor, FrontDoorParts};
pub use input::{Input, RefusedInput};
pub use metrics::{METRICS, SHED_METRICS};
pub use openapi::openapi;
pub use secrets::Secrets;
pub use send_test::SendTest;
pub use submit_command::SubmitCommand;
pub use webhook_composer::{WEBHOOK_RETRIES, WebhookComposer};
pub use webhook_message::{EVENT_HEADER, SIGNATURE_HEADER};
