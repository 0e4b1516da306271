//! What AgentPing tells people: routes, the messages to them, and how far each message is.
//!
//! Everything here is pure but for [the stored rows](rows): what a message says, how it looks for each kind of route, when
//! it is tried again, and what is muted. [`AlertOutbox`] stores messages, [`Messages`] reads them; whoever sends them is
//! elsewhere.

pub mod body;
pub mod delivery;
pub mod derived;
pub mod digest;
pub mod event;
pub mod guard;
pub mod health;
pub mod kept_answer;
pub mod mail;
pub mod metrics;
pub mod naming;
pub mod others;
pub mod outbox;
pub mod outstanding;
pub mod pagerduty;
pub mod quiet;
pub mod reading;
pub mod request;
pub mod route_request;
pub mod rows;
pub mod signature;
pub mod slack;
pub mod verdict;
pub mod wording;

pub use body::MessageBody;
pub use delivery::{Began, DeliveryDoc, DeliveryProgress, DeliveryRef, DeliveryState, DeliveryTry, GroupMember};
pub use digest::DigestFacts;
pub use event::{Addressees, AlertEvent, MessageEdge};
pub use health::{HealthState, RouteHealth};
pub use kept_answer::{kept_answer, shown_answer};
pub use mail::MailForm;
pub use naming::{FindTeamName, Naming};
pub use outbox::AlertOutbox;
pub use outstanding::{OpenAlert, Outstanding, Withheld, WithheldWhat};
pub use reading::{Delivered, DeliveryTotals, Messages};
pub use request::{AlertRequest, alert_request};
pub use route_request::RouteRequest;
pub use verdict::TryVerdict;
