//! The commands on the log. Their JSON is a contract: `docs/agentgate/records.md` says what may change.

use serde::{Deserialize, Serialize};
use tidegate_kernel::command::CommandSource;

mod client;
mod operator;
mod worker;

pub use client::{CancelRun, DropTemplate, DropWebhook, PutTemplate, PutWebhook, SubmitRun, TemplateVersion};
pub use operator::{AddCredit, Billing, KeyUse, PutKey, PutOrganization, RevokeKey, SetSuspension};
pub use worker::{AskLease, FinishRun, ReportProgress, VerificationReport};

use crate::id::KeyId;

/// A request of a client, a worker or an operator, or that time has passed. JSON: `{"<kind>": {…}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    Submit(Box<SubmitRun>),
    Cancel(CancelRun),
    WebhookPut(PutWebhook),
    WebhookDrop(DropWebhook),
    TemplatePut(PutTemplate),
    TemplateDrop(DropTemplate),
    Lease(AskLease),
    Progress(ReportProgress),
    Finish(FinishRun),
    OrgPut(PutOrganization),
    KeyPut(PutKey),
    KeyRevoke(RevokeKey),
    Credit(AddCredit),
    Suspend(SetSuspension),
    /// The organization ends for good. Whoever sends it destroys the data key after the decision.
    Erase {},
    /// Time has passed.
    Tick {},
}

/// The key that a command was sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A key of the organization, which its book knows.
    Key(KeyId),
    /// A worker's key of the fleet, which the organization's book does not know.
    Fleet(KeyId),
}

impl Command {
    pub const fn source(&self) -> CommandSource {
        match self {
            Command::OrgPut(_)
            | Command::KeyPut(_)
            | Command::KeyRevoke(_)
            | Command::Credit(_)
            | Command::Suspend(_)
            | Command::Erase {} => CommandSource::Operator,
            Command::Tick {} => CommandSource::Tick,
            Command::Submit(_)
            | Command::Cancel(_)
            | Command::WebhookPut(_)
            | Command::WebhookDrop(_)
            | Command::TemplatePut(_)
            | Command::TemplateDrop(_)
            | Command::Lease(_)
            | Command::Progress(_)
            | Command::Finish(_) => CommandSource::Client,
        }
    }

    /// `None`: an operator or a tick.
    pub const fn sender(&self) -> Option<Sender> {
        let (key, is_fleet) = match self {
            Command::Submit(submit) => (submit.sent_with, false),
            Command::Cancel(cancel) => (cancel.sent_with, false),
            Command::WebhookPut(put) => (put.sent_with, false),
            Command::WebhookDrop(drop) => (drop.sent_with, false),
            Command::TemplatePut(put) => (put.sent_with, false),
            Command::TemplateDrop(drop) => (drop.sent_with, false),
            Command::Lease(lease) => (lease.sent_with, lease.fleet),
            Command::Progress(progress) => (progress.sent_with, progress.fleet),
            Command::Finish(finish) => (finish.sent_with, finish.fleet),
            Command::OrgPut(_)
            | Command::KeyPut(_)
            | Command::KeyRevoke(_)
            | Command::Credit(_)
            | Command::Suspend(_)
            | Command::Erase {}
            | Command::Tick {} => return None,
        };
        Some(if is_fleet { Sender::Fleet(key) } else { Sender::Key(key) })
    }
}

/// For members that are left out when they are false.
pub(crate) const fn is_false(flag: &bool) -> bool {
    !*flag
}
