//! Commands of operators.

use serde::{Deserialize, Serialize};

use super::is_false;
use crate::id::{KeyId, KeyedHash, TransactionId};
use crate::scope::Scopes;
use crate::sealed::Sealed;

/// A new organization, or changes of one. What is `None` stays; a new one has the defaults of
/// [`crate::book::Organization::new`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutOrganization {
    #[serde(default, skip_serializing_if = "is_false")]
    pub new: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Sealed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing: Option<Billing>,
    /// Included in each billing cycle, from the present one on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub included_cents: Option<u64>,
    /// The balance of purchased credits from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purchased_cents: Option<u64>,
    /// Open runs at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submissions_per_minute: Option<u32>,
}

/// Whether an organization can be charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Billing {
    #[default]
    Ok,
    None,
}

/// A new key. The log has its hash only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutKey {
    pub key: KeyId,
    #[serde(rename = "use")]
    pub key_use: KeyUse,
    pub hash: KeyedHash,
    /// Of a client's key.
    #[serde(default, skip_serializing_if = "no_scopes")]
    pub scopes: Scopes,
}

/// Who uses a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyUse {
    /// `org_live_…`.
    Client,
    /// `agw_live_…` of one organization.
    Worker,
    /// `agw_live_…` for every organization; its owner is the fleet.
    Fleet,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeKey {
    pub key: KeyId,
}

/// Purchased credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddCredit {
    pub transaction: TransactionId,
    pub cents: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetSuspension {
    pub suspended: bool,
}

const fn no_scopes(scopes: &Scopes) -> bool {
    scopes.is_empty()
}
