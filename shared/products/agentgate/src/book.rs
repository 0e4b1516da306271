//! An organization's book: all that decisions about it depend on. Bounded; what has ended leaves it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidegate_kernel::Timestamp;

mod credits;
mod imbalance;
mod run;

pub use credits::{Charge, Credits};
pub use imbalance::Imbalance;
pub(crate) use run::after;
pub use run::{Lease, OpenRun, Work};

use crate::command::{Billing, KeyUse, is_false};
use crate::id::{KeyId, KeyedHash, RunId, WebhookId};
use crate::scope::Scopes;
use crate::sealed::Sealed;
use crate::status::EventType;
use crate::template::TemplateId;

/// The book of an organization, or of the fleet, which has keys only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// `None`: there is no such organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<Organization>,
    #[serde(default)]
    pub credits: Credits,
    /// Runs that have not ended. Their ids are in the order of their submissions only roughly.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub runs: BTreeMap<RunId, OpenRun>,
    /// Keys that were not revoked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<KeyId, LiveKey>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub webhooks: BTreeMap<WebhookId, BookedWebhook>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub templates: BTreeMap<TemplateId, BookedTemplate>,
    /// The last version of a webhook or a template. None is given twice, also not to an entry made again under an old
    /// id.
    #[serde(default)]
    pub last_version: u32,
}

impl Book {
    /// Keys, webhooks and templates at most, of each.
    pub const MAX_LISTED: usize = 100;
    /// Open runs at most, whatever the organization's concurrency.
    pub const MAX_RUNS: u32 = 100;
    /// Bytes of the organization's sealed name at most.
    pub const MAX_NAME_BYTES: usize = 1_024;

    /// What open runs hold, in cents. Each run has one hold.
    pub fn held_cents(&self) -> u64 {
        self.runs.values().fold(0, |sum, run| sum.saturating_add(run.hold_cents))
    }

    /// What a new run can hold, in cents.
    pub fn available_cents(&self) -> u64 {
        self.credits.balance_cents().saturating_sub(self.held_cents())
    }

    /// Runs that a worker can lease, in no order.
    pub fn queued(&self) -> impl Iterator<Item = (RunId, &OpenRun)> {
        self.runs.iter().filter(|(_, run)| run.is_queued()).map(|(id, run)| (*id, run))
    }

    /// The run that the next lease is of.
    pub fn oldest_queued(&self) -> Option<(RunId, &OpenRun)> {
        self.queued().min_by_key(|(id, run)| (run.created_at_ms, *id))
    }

    pub fn is_suspended(&self) -> bool {
        self.org.as_ref().is_some_and(|org| org.suspended)
    }
}

/// An organization's settings and state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Sealed>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspended: bool,
    /// It is suspended, too, and has no name.
    #[serde(default, skip_serializing_if = "is_false")]
    pub erased: bool,
    pub billing: Billing,
    /// Open runs at most.
    pub concurrency: u32,
    pub requests_per_minute: u32,
    pub submissions_per_minute: u32,
    pub created_at_ms: Timestamp,
}

impl Organization {
    /// Included in each cycle of a new organization, in cents.
    pub const NEW_INCLUDED_CENTS: u64 = 10_000;

    /// A new organization for which nothing was chosen (AgentGate: rate limits and concurrency).
    pub const fn new(created_at: Timestamp) -> Self {
        Organization {
            name: None,
            suspended: false,
            erased: false,
            billing: Billing::Ok,
            concurrency: 10,
            requests_per_minute: 100,
            submissions_per_minute: 20,
            created_at_ms: created_at,
        }
    }
}

/// A key that was not revoked, as its rows say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveKey {
    #[serde(rename = "use")]
    pub key_use: KeyUse,
    pub hash: KeyedHash,
    #[serde(default, skip_serializing_if = "no_scopes")]
    pub scopes: Scopes,
    pub created_at_ms: Timestamp,
}

const fn no_scopes(scopes: &Scopes) -> bool {
    scopes.is_empty()
}

/// What decisions need of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookedWebhook {
    pub version: u32,
    pub enabled: bool,
    pub events: Vec<EventType>,
    pub created_at_ms: Timestamp,
}

/// What decisions need of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookedTemplate {
    pub version: u32,
    pub created_at_ms: Timestamp,
}
