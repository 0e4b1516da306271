//! The row of a credential, key or token, without its secret.

use scylla::response::query_result::QueryRowsResult;
use scylla::value::{CqlTimestamp, CqlValue, Row};
use tidegate_agentping::{KeyAccess, KeyLabel, Scope, Slug, TeamId};
use tidegate_agentping_ports::{HeldKey, KeyRow, TokenRow};
use tidegate_kernel::Timestamp;
use tidegate_ports::StoreError;

use crate::failure::unreadable;

/// `kind` is "key" or "token"; only a token has an agent. In the table a key that may only read has a kind of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CredentialRow {
    pub kind: &'static str,
    pub id: String,
    pub team: TeamId,
    pub agent: Option<Slug>,
    /// What a key may do.
    pub access: KeyAccess,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    /// Of a key; in a table of its own, so that it is not read with the row.
    pub label: Option<KeyLabel>,
}

const READ_KEY: &str = "read_key";

type Columns<'r> =
    (&'r str, &'r str, &'r str, Option<&'r str>, CqlTimestamp, Option<CqlTimestamp>, Option<CqlTimestamp>);

impl CredentialRow {
    pub fn scope(&self) -> Scope {
        self.agent.clone().map_or(Scope::Team, Scope::Agent)
    }

    /// The API key that it is.
    pub fn key(&self) -> Result<Option<HeldKey>, StoreError> {
        if self.agent.is_some() {
            return Ok(None);
        }
        let id = self.id.parse().map_err(|error| unreadable("a key", error))?;
        Ok(Some(HeldKey { id, access: self.access }))
    }

    /// The kind as the table has it.
    pub fn stored_kind(&self) -> &'static str {
        match self.access {
            KeyAccess::Read => READ_KEY,
            KeyAccess::Full => self.kind,
        }
    }

    /// Reads the columns that the `credential` statement selects.
    pub fn read(rows: &QueryRowsResult) -> Result<Option<Self>, StoreError> {
        let found = rows.maybe_first_row::<Columns<'_>>().map_err(|error| unreadable("a credential", error))?;
        let Some((kind, id, team, agent, created_at, revoked_at, expires_at)) = found else {
            return Ok(None);
        };
        let agent = agent.map(Slug::parse).transpose().map_err(|error| unreadable("a credential", error))?;
        Ok(Some(CredentialRow {
            kind: if kind == "token" { "token" } else { "key" },
            access: if kind == READ_KEY { KeyAccess::Read } else { KeyAccess::Full },
            id: id.to_owned(),
            team: team.parse().map_err(|error| unreadable("a credential", error))?,
            agent,
            created_at: Timestamp::from_millis(created_at.0),
            revoked_at: revoked_at.map(|at| Timestamp::from_millis(at.0)),
            expires_at: expires_at.map(|at| Timestamp::from_millis(at.0)),
            label: None,
        }))
    }

    pub fn into_key(self) -> Result<KeyRow, StoreError> {
        let id = self.id.parse().map_err(|error| unreadable("a key", error))?;
        let CredentialRow { team, access, created_at, revoked_at, label, .. } = self;
        Ok(KeyRow { id, team, access, created_at, revoked_at, label })
    }

    pub fn into_token(self) -> Result<TokenRow, StoreError> {
        Ok(TokenRow {
            id: self.id.parse().map_err(|error| unreadable("a token", error))?,
            team: self.team,
            agent: self.agent.ok_or_else(|| unreadable("a token", "it has no agent"))?,
            created_at: self.created_at,
            revoked_at: self.revoked_at,
            expires_at: self.expires_at,
        })
    }
}

impl From<KeyRow> for CredentialRow {
    fn from(row: KeyRow) -> Self {
        CredentialRow {
            kind: "key",
            id: row.id.to_string(),
            team: row.team,
            agent: None,
            access: row.access,
            created_at: row.created_at,
            revoked_at: row.revoked_at,
            expires_at: None,
            label: row.label,
        }
    }
}

impl From<TokenRow> for CredentialRow {
    fn from(row: TokenRow) -> Self {
        CredentialRow {
            kind: "token",
            id: row.id.to_string(),
            team: row.team,
            agent: Some(row.agent),
            access: KeyAccess::Full,
            created_at: row.created_at,
            revoked_at: row.revoked_at,
            expires_at: row.expires_at,
            label: None,
        }
    }
}

pub(super) fn cql_instant(instant: Timestamp) -> CqlTimestamp {
    CqlTimestamp(instant.as_millis())
}

/// Whether a conditional write was applied: the first column of its result. The other columns differ by case.
pub(crate) fn was_applied(answer: &QueryRowsResult) -> Result<bool, StoreError> {
    let row: Row = answer.first_row().map_err(|error| unreadable("a conditional write's answer", error))?;
    Ok(matches!(row.columns.first(), Some(Some(CqlValue::Boolean(true)))))
}
