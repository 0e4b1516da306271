//! What changes a book.

use tidegate_kernel::Timestamp;

use crate::book::{BookedTemplate, BookedWebhook, Charge, Lease, LiveKey, OpenRun, Organization};
use crate::command::{SubmitRun, VerificationReport};
use crate::id::{KeyId, RunId, TransactionId, WebhookId};
use crate::sealed::Sealed;
use crate::status::{Level, RunErrorCode, RunStatus};
use crate::template::TemplateId;

/// A change of a book, with what its view rows need and the book does not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The organization is made, or its settings change.
    OrganizationSet(Organization),
    Suspended {
        suspended: bool,
    },
    /// The organization has ended. Its keys, webhooks, templates and runs have ended before.
    Erased {},
    /// The balances and the allowance are set, at the organization's making also the billing cycle.
    CreditsSet {
        included_cents: u64,
        purchased_cents: u64,
        allowance_cents: u64,
        cycle_started_at: Timestamp,
    },
    CreditsBought {
        transaction: TransactionId,
        at: Timestamp,
        cents: u64,
    },
    /// A billing cycle begins.
    CycleBegun {
        at: Timestamp,
    },
    KeyPut {
        id: KeyId,
        key: LiveKey,
    },
    KeyRevoked {
        id: KeyId,
        key: LiveKey,
        at: Timestamp,
    },
    WebhookPut {
        id: WebhookId,
        webhook: BookedWebhook,
        content: Sealed,
        updated_at: Option<Timestamp>,
    },
    WebhookDropped {
        id: WebhookId,
    },
    TemplatePut {
        id: TemplateId,
        template: BookedTemplate,
        content: Sealed,
        updated_at: Option<Timestamp>,
    },
    TemplateDropped {
        id: TemplateId,
    },
    RunOpened {
        at: Timestamp,
        submit: Box<SubmitRun>,
    },
    /// A worker gets the run; the first time it starts.
    RunLeased {
        run: RunId,
        at: Timestamp,
        lease: Lease,
        max_grants: u32,
        until: Timestamp,
    },
    LeaseRenewed {
        run: RunId,
        expires_at: Timestamp,
    },
    /// The lease has lapsed; the run is queued again.
    LeaseLapsed {
        run: RunId,
    },
    IterationsDone {
        run: RunId,
        iterations: u32,
    },
    VerificationBegun {
        run: RunId,
        at: Timestamp,
        level: Level,
    },
    Verified {
        run: RunId,
        at: Timestamp,
        report: VerificationReport,
    },
    RunEnded(Box<EndedRun>),
}

/// A run's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedRun {
    pub id: RunId,
    /// The run as it was before.
    pub run: OpenRun,
    pub at: Timestamp,
    pub status: RunStatus,
    /// `None`: it succeeded.
    pub error_code: Option<RunErrorCode>,
    pub iterations: u32,
    pub charge: Charge,
    pub result: Option<Sealed>,
}
