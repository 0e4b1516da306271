//! API keys and ping tokens. A row has the SHA-256 of its secret and nothing else of it.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use tidegate_agentping::id::PublicKind;
use tidegate_agentping::{CredentialHash, Id, KeyAccess, KeyId, KeyLabel, Scope, Slug, TeamId, TokenId};
use tidegate_agentping_ports::{AgentRow, CredentialRecord, HeldKey, KeyRow, RegistryError, TokenRow};
use tidegate_kernel::Timestamp;

use super::change::{Unmade, exists, not_found, plan_of};
use super::{agents, plan_at, slug_at};
use crate::agentping::store::id_blob::{IdBlob, blob_of, id_at};
use crate::sqlite::failure::unreadable;

/// The credential with its team's plan, in one read by primary key.
pub(super) fn find(connection: &Connection, hash: &CredentialHash) -> rusqlite::Result<Option<CredentialRecord>> {
    let mut statement = connection.prepare_cached(
        "SELECT team, agent, expires_at_ms, plan, id, access FROM credentials JOIN teams USING (team) \
         WHERE hash = ?1 AND revoked_at_ms IS NULL AND archived_at_ms IS NULL",
    )?;
    let record = |row: &Row<'_>| {
        let agent: Option<String> = row.get(1)?;
        Ok(CredentialRecord {
            team: id_at(row, 0)?,
            scope: if agent.is_some() { Scope::Agent(slug_at(row, 1)?) } else { Scope::Team },
            key: match agent {
                None => Some(HeldKey { id: id_at(row, 4)?, access: access_at(row, 5)? }),
                Some(_) => None,
            },
            expires_at: instant(row, 2)?,
            plan: plan_at(row, 3)?,
            names: Arc::default(),
        })
    };
    statement.query_row(params![hash.0], record).optional()
}

pub(super) fn create_key(change: &Transaction<'_>, row: &KeyRow, hash: &CredentialHash) -> Result<(), Unmade> {
    plan_of(change, row.team)?;
    let credential = NewCredential {
        kind: "key",
        id: row.id,
        team: row.team,
        agent: None,
        access: Some(row.access).filter(|access| *access != KeyAccess::Full),
        label: row.label.as_ref(),
        created_at: row.created_at,
        revoked_at: row.revoked_at,
        expires_at: None,
    };
    credential.insert(change, hash)
}

/// `seen` are the agents that the store knows of. Together with those of the registry they count towards the plan's cap,
/// without the archived ones. The token's own agent is no longer archived afterwards.
pub(super) fn create_token(
    change: &Transaction<'_>,
    row: &TokenRow,
    hash: &CredentialHash,
    seen: Vec<AgentRow>,
) -> Result<(), Unmade> {
    agents::take_slot(change, row.team, &row.agent, row.created_at, seen)?;
    insert_token(change, row, hash)
}

pub(super) fn rotate_token(
    change: &Transaction<'_>,
    old: TokenId,
    old_expires_at: Timestamp,
    new: TokenId,
    new_hash: &CredentialHash,
    now: Timestamp,
) -> Result<TokenRow, Unmade> {
    let found = change
        .prepare_cached(
            "SELECT id, team, agent, created_at_ms, revoked_at_ms, expires_at_ms FROM credentials \
             WHERE kind = 'token' AND id = ?1",
        )?
        .query_row(params![blob_of(old)], token_at)
        .optional()?;
    let row = found.ok_or_else(|| not_found("token", old))?;
    if row.revoked_at.is_some() || row.expires_at.is_some_and(|end| end <= now) {
        return Err(RegistryError::Ended { what: "token", id: old.to_string() }.into());
    }
    // Rotating twice never makes the first token live longer.
    let expires_at = row.expires_at.map_or(old_expires_at, |end| end.min(old_expires_at));
    change.execute(
        "UPDATE credentials SET expires_at_ms = ?2 WHERE kind = 'token' AND id = ?1",
        params![blob_of(old), expires_at.as_millis()],
    )?;
    let fresh = TokenRow { id: new, created_at: now, revoked_at: None, expires_at: None, ..row };
    insert_token(change, &fresh, new_hash)?;
    Ok(fresh)
}

/// Revokes the new token, and removes the expiry that the rotation gave the old one.
pub(super) fn undo_rotation(
    change: &Transaction<'_>,
    old: TokenId,
    old_expires_at: Timestamp,
    new: TokenId,
    at: Timestamp,
) -> Result<(), Unmade> {
    revoke(change, "token", new, at)?;
    change.execute(
        "UPDATE credentials SET expires_at_ms = NULL WHERE kind = 'token' AND id = ?1 AND expires_at_ms = ?2",
        params![blob_of(old), old_expires_at.as_millis()],
    )?;
    Ok(())
}

/// Revokes a key (`kind` "key") or a token ("token"). One that is revoked already keeps its instant.
pub(super) fn revoke<K: PublicKind>(
    change: &Transaction<'_>,
    kind: &'static str,
    id: Id<K>,
    at: Timestamp,
) -> Result<(), Unmade> {
    let found = change.execute(
        "UPDATE credentials SET revoked_at_ms = ifnull(revoked_at_ms, ?3) WHERE kind = ?1 AND id = ?2",
        params![kind, blob_of(id), at.as_millis()],
    )?;
    if found == 1 { Ok(()) } else { Err(not_found(kind, id).into()) }
}

pub(super) fn keys(connection: &Connection, team: TeamId) -> Result<Vec<KeyRow>, Unmade> {
    plan_of(connection, team)?;
    let mut statement = connection.prepare_cached(
        "SELECT id, created_at_ms, revoked_at_ms, access, label FROM credentials WHERE team = ?1 AND kind = 'key' \
         ORDER BY created_at_ms, id",
    )?;
    let key = |row: &Row<'_>| {
        let id: KeyId = id_at(row, 0)?;
        let created_at = Timestamp::from_millis(row.get(1)?);
        let (access, label) = (access_at(row, 3)?, label_at(row, 4)?);
        Ok(KeyRow { id, team, access, created_at, revoked_at: instant(row, 2)?, label })
    };
    Ok(statement.query_map(params![blob_of(team)], key)?.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn tokens(connection: &Connection, team: TeamId) -> Result<Vec<TokenRow>, Unmade> {
    plan_of(connection, team)?;
    let mut statement = connection.prepare_cached(
        "SELECT id, team, agent, created_at_ms, revoked_at_ms, expires_at_ms FROM credentials \
         WHERE team = ?1 AND kind = 'token' ORDER BY created_at_ms, id",
    )?;
    Ok(statement.query_map(params![blob_of(team)], token_at)?.collect::<rusqlite::Result<_>>()?)
}

fn insert_token(change: &Transaction<'_>, row: &TokenRow, hash: &CredentialHash) -> Result<(), Unmade> {
    let credential = NewCredential {
        kind: "token",
        id: row.id,
        team: row.team,
        agent: Some(&row.agent),
        access: None,
        label: None,
        created_at: row.created_at,
        revoked_at: row.revoked_at,
        expires_at: row.expires_at,
    };
    credential.insert(change, hash)
}

struct NewCredential<'r, K> {
    kind: &'static str,
    id: Id<K>,
    team: TeamId,
    agent: Option<&'r Slug>,
    /// `None`: full.
    access: Option<KeyAccess>,
    label: Option<&'r KeyLabel>,
    created_at: Timestamp,
    revoked_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

impl<K: PublicKind> NewCredential<'_, K> {
    /// Neither an id nor a secret is ever taken twice.
    fn insert(&self, change: &Transaction<'_>, hash: &CredentialHash) -> Result<(), Unmade> {
        let id: IdBlob = blob_of(self.id);
        let made = change.execute(
            "INSERT INTO credentials (hash, kind, id, team, agent, created_at_ms, revoked_at_ms, expires_at_ms, access, label) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
            params![
                hash.0,
                self.kind,
                id,
                blob_of(self.team),
                self.agent.map(Slug::as_str),
                self.created_at.as_millis(),
                self.revoked_at.map(Timestamp::as_millis),
                self.expires_at.map(Timestamp::as_millis),
                self.access.map(KeyAccess::as_str),
                self.label.map(KeyLabel::as_str),
            ],
        )?;
        if made == 1 { Ok(()) } else { Err(exists(self.kind, self.id).into()) }
    }
}

fn token_at(row: &Row<'_>) -> rusqlite::Result<TokenRow> {
    Ok(TokenRow {
        id: id_at(row, 0)?,
        team: id_at(row, 1)?,
        agent: slug_at(row, 2)?,
        created_at: Timestamp::from_millis(row.get(3)?),
        revoked_at: instant(row, 4)?,
        expires_at: instant(row, 5)?,
    })
}

/// A key of before there was access has all of it.
fn access_at(row: &Row<'_>, column: usize) -> rusqlite::Result<KeyAccess> {
    let text: Option<String> = row.get(column)?;
    text.map_or(Ok(KeyAccess::Full), |text| text.parse().map_err(|error| unreadable(column, error)))
}

fn label_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<KeyLabel>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| KeyLabel::parse(&text).map_err(|error| unreadable(column, error))).transpose()
}

fn instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
}
