//! The sender of alerts: tries what the outbox has stored, at least once each, and always under the same id.
//!
//! Each try asks for the route as it is then, so that a URL that has changed holds at once. What came of it is stored
//! before anything else of the message is done. A try that is cut off is repeated by whoever sends next.

use std::fmt;
use std::sync::Arc;

use tidegate_agentping_alerts::{Messages, Outbox};
use tidegate_agentping_settings::TeamSettings;
use tidegate_mirror::Mirror;
use tidegate_outbound::Outbound;
use tidegate_ports::{Clock, Documents, Rows};

mod attempt;
mod disabling;
mod mailer;
pub mod metrics;
mod outcome;
mod queue;
mod sender;
mod sweeping;
mod team_names;

pub use mailer::{AlertMailer, MailConfig, MailConfigError, MailTls};
pub use sender::AlertSender;
pub use team_names::TeamNames;

/// What the sender needs.
#[derive(Clone)]
pub struct SendingParts {
    pub rows: Arc<dyn Rows>,
    pub documents: Arc<dyn Documents>,
    pub settings: Mirror<TeamSettings>,
    pub clock: Arc<dyn Clock>,
    pub outbox: Outbox,
    pub client: Outbound,
    /// `None`: this deployment sends no mail.
    pub mailer: Option<AlertMailer>,
    /// The value of `User-Agent`.
    pub user_agent: String,
}

impl SendingParts {
    fn messages(&self) -> Messages {
        Messages::new(self.rows.clone())
    }
}

impl fmt::Debug for SendingParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendingParts")
            .field("client", &self.client)
            .field("mailer", &self.mailer)
            .finish_non_exhaustive()
    }
}
