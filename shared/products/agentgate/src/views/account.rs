//! Rows about an organization: itself, its credits, keys, webhooks and templates.

use serde::{Deserialize, Serialize};
use tidegate_kernel::Timestamp;

use crate::command::{Billing, KeyUse, is_false};
use crate::cycle;
use crate::id::{KeyId, KeyedHash, RunId};
use crate::owner::Owner;
use crate::scope::Scopes;
use crate::sealed::Sealed;
use crate::status::EventType;

/// An organization's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Sealed>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspended: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub erased: bool,
    pub billing: Billing,
    pub concurrency: u32,
    pub requests_per_minute: u32,
    pub submissions_per_minute: u32,
    pub created_at_ms: Timestamp,
}

/// An organization's credits as of its last decision. [`BalanceRow::at`] says how they are now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceRow {
    /// Left of the included credits of the present cycle.
    pub included_cents: u64,
    pub purchased_cents: u64,
    /// Held by open runs.
    pub held_cents: u64,
    pub open_runs: u32,
    /// Included in each cycle.
    pub allowance_cents: u64,
    pub cycle_started_at_ms: Timestamp,
    /// When the organization was made: cycles begin on its day of the month.
    pub created_at_ms: Timestamp,
}

impl BalanceRow {
    /// The credits as they are at `now`: a billing cycle that began since then is counted.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        let started_at_ms = cycle::latest_start(self.created_at_ms, now);
        if started_at_ms <= self.cycle_started_at_ms {
            return self;
        }
        let needed_cents = self.held_cents.saturating_sub(self.purchased_cents);
        BalanceRow {
            included_cents: self.allowance_cents.max(needed_cents),
            cycle_started_at_ms: started_at_ms,
            ..self
        }
    }

    pub const fn total_cents(&self) -> u64 {
        self.included_cents.saturating_add(self.purchased_cents)
    }

    /// What a new run can hold.
    pub const fn available_cents(&self) -> u64 {
        self.total_cents().saturating_sub(self.held_cents)
    }

    /// When the present cycle ends.
    pub fn cycle_ends_at(&self) -> Timestamp {
        cycle::end(self.created_at_ms, self.cycle_started_at_ms)
    }
}

/// A key of a client or a worker. It says nothing of the key itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialRow {
    pub key: KeyId,
    pub owner: Owner,
    #[serde(rename = "use")]
    pub key_use: KeyUse,
    pub hash: KeyedHash,
    pub scopes: Scopes,
    pub created_at_ms: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at_ms: Option<Timestamp>,
}

/// A change of an organization's credits. Its id and its instant are in the row's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionRow {
    #[serde(rename = "type")]
    pub kind: TransactionType,
    pub amount_cents: u64,
    pub created_at_ms: Timestamp,
    /// The run that was charged for. Its order row has the tenant context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<KeyedHash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_user: Option<KeyedHash>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionType {
    /// The charge of a run.
    Deduction,
    Purchase,
    /// Nothing makes one yet.
    Refund,
}

impl TransactionType {
    pub const ALL: [TransactionType; 3] =
        [TransactionType::Deduction, TransactionType::Purchase, TransactionType::Refund];

    pub const fn as_str(self) -> &'static str {
        match self {
            TransactionType::Deduction => "deduction",
            TransactionType::Purchase => "purchase",
            TransactionType::Refund => "refund",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookRow {
    pub version: u32,
    pub enabled: bool,
    pub events: Vec<EventType>,
    /// URL, description, headers.
    pub content: Sealed,
    pub created_at_ms: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at_ms: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateRow {
    pub version: u32,
    /// Name, description, source, variables, hooks, tags.
    pub content: Sealed,
    pub created_at_ms: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at_ms: Option<Timestamp>,
}
