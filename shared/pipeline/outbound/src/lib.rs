//! Requests to receivers that strangers name: judges URLs and addresses, connects to what it judged, and bounds what it
//! waits for and reads.
//!
//! A receiver's URL is a stranger's text, so that a request to it may be meant for a neighbour of this process
//! (server-side request forgery). [`Outbound::send`] judges the [URL](target), looks its name up once, judges every
//! [address](address) that came back, and connects to one of *these*: a name that changes its mind in between has nothing
//! to gain. A name that hangs [delays no other](look_ups). It follows no redirect, asks no proxy, waits and reads within [limits](SendLimits), and its errors name the
//! rule that was broken, never what a name resolved to.
//!
//! [`RetryPlan`] says when a try that failed is repeated, [`Compose`] is what a product implements for the sender of
//! its deliveries.

mod address;
mod answer;
mod client;
mod compose;
mod connection;
mod limits;
mod look_up_places;
mod look_ups;
mod message;
mod names;
mod networks;
mod plan;
mod receivers;
mod resolve;
mod send_error;
mod system_resolver;
mod target;
mod trust;

pub use address::AddressRule;
pub use answer::ReceiverAnswer;
pub use client::Outbound;
pub use compose::{Compose, Composed};
pub use limits::{LookUpLimits, SendLimits};
pub use look_ups::LookUps;
pub use message::Message;
pub use networks::Networks;
pub use plan::RetryPlan;
pub use receivers::{Receivers, Turn};
pub use resolve::Resolve;
pub use send_error::SendError;
pub use system_resolver::SystemResolver;
pub use target::{PortRule, ReceiverOrigin, Target, TargetPolicy, UrlRule};
pub use trust::{Trust, TrustError};
