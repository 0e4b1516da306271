//! API keys and ping tokens.
//!
//! A credential is one row, found by its hash. Its end is written there, so that revoking is one write. Two more rows
//! point to it: by id, which also keeps ids unique, and by team, for listings. Both are written before the row, so that
//! every working credential can be found and revoked.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream, try_join};
use scylla::response::PagingState;
use scylla::value::CqlTimestamp;
use tidegate_agentping::{CredentialHash, KeyLabel, TeamId, TokenId};
use tidegate_agentping_ports::{CredentialRecord, KeyRow, RegistryError, TokenRow};
use tidegate_kernel::Timestamp;
use tidegate_ports::{FailureCause, StoreError};

use super::ScyllaRegistry;
use super::credential_row::{CredentialRow, cql_instant, was_applied};
use crate::failure::unreadable;

/// How many times a conditional write is tried when concurrent ones win.
const TRIES: u32 = 10;

impl ScyllaRegistry {
    pub(super) async fn find_credential(&self, hash: &CredentialHash) -> Result<Option<CredentialRecord>, StoreError> {
        let found = self.credential_at(&hash.0).await?.filter(|row| row.revoked_at.is_none());
        let Some(row) = found else {
            return Ok(None);
        };
        let (plan, archived_at) = try_join!(self.plan_of(row.team), self.archived_at(row.team))?;
        if archived_at.is_some() {
            return Ok(None);
        }
        let (key, expires_at) = (row.key()?, row.expires_at);
        let record = |plan| CredentialRecord {
            team: row.team,
            plan,
            scope: row.scope(),
            key,
            expires_at,
            names: Arc::default(),
        };
        Ok(plan.map(record))
    }

    async fn credential_at(&self, hash: &[u8]) -> Result<Option<CredentialRow>, StoreError> {
        let found = self.cql.run(&self.cql.statements().credential, &(hash,)).await?;
        CredentialRow::read(&found.rows)
    }

    /// The hash that an id points to.
    async fn hash_of(&self, kind: &'static str, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.cql.run(&self.cql.statements().credential_id, &(kind, id)).await?;
        let row = found.rows.maybe_first_row::<(Vec<u8>,)>();
        Ok(row.map_err(|error| unreadable("credential_ids", error))?.map(|(hash,)| hash))
    }

    /// The row of the credential with this id, and its hash.
    async fn credential_named(
        &self,
        kind: &'static str,
        id: &str,
    ) -> Result<Option<(CredentialRow, Vec<u8>)>, StoreError> {
        let Some(hash) = self.hash_of(kind, id).await? else {
            return Ok(None);
        };
        let row = self.credential_at(&hash).await?.filter(|row| row.kind == kind && row.id == id);
        Ok(row.map(|row| (row, hash)))
    }

    /// Inserts a credential. If the id or hash is taken, nothing changes. Rows that an interrupted call left under the
    /// same id and hash are completed.
    pub(super) async fn insert_credential(
        &self,
        row: &CredentialRow,
        hash: &CredentialHash,
    ) -> Result<(), RegistryError> {
        let statements = self.cql.statements();
        let (kind, id, hash) = (row.kind, row.id.as_str(), hash.0.as_slice());
        let exists = || RegistryError::Exists { what: kind, id: id.to_owned() };
        let claimed = self.cql.conditional(&statements.claim_credential_id, &(kind, id, hash)).await?;
        let is_claimed = was_applied(&claimed)?;
        if !is_claimed && self.hash_of(kind, id).await?.as_deref() != Some(hash) {
            return Err(exists());
        }
        if self.credential_at(hash).await?.is_none() {
            self.cql.write(&statements.enlist_credential, &(row.team.to_string(), kind, id, hash)).await?;
            if let Some(label) = &row.label {
                self.cql.write(&statements.save_key_label, &(id, label.as_str())).await?;
            }
            let values = (
                hash,
                row.stored_kind(),
                id,
                row.team.to_string(),
                row.agent.as_ref().map(|agent| agent.as_str()),
                cql_instant(row.created_at),
                row.revoked_at.map(cql_instant),
                row.expires_at.map(cql_instant),
            );
            let made = self.cql.conditional(&statements.create_credential, &values).await?;
            if was_applied(&made)? {
                return Ok(());
            }
        }
        // The hash belongs to another credential. Readers skip the pointer from the team's list.
        if is_claimed {
            self.cql.conditional(&statements.release_credential_id, &(kind, id, hash)).await?;
        }
        Err(exists())
    }

    /// Revokes a credential. The first instant is kept.
    pub(super) async fn revoke(&self, kind: &'static str, id: String, at: Timestamp) -> Result<(), RegistryError> {
        let Some((row, hash)) = self.credential_named(kind, &id).await? else {
            return Err(RegistryError::NotFound { what: kind, id });
        };
        if row.revoked_at.is_none() {
            let values = (cql_instant(at), hash);
            self.cql.conditional(&self.cql.statements().revoke_credential, &values).await?;
        }
        Ok(())
    }

    pub(super) async fn rotate(
        &self,
        old: TokenId,
        old_expires_at: Timestamp,
        new: TokenId,
        new_hash: CredentialHash,
        now: Timestamp,
    ) -> Result<TokenRow, RegistryError> {
        let old = old.to_string();
        let ended = || RegistryError::Ended { what: "token", id: old.clone() };
        let Some((row, old_hash)) = self.credential_named("token", &old).await? else {
            return Err(RegistryError::NotFound { what: "token", id: old });
        };
        let has_expired = row.expires_at.is_some_and(|end| end <= now);
        if row.revoked_at.is_some() || has_expired {
            return Err(ended());
        }
        let fresh = CredentialRow { id: new.to_string(), created_at: now, revoked_at: None, expires_at: None, ..row };
        self.insert_credential(&fresh, &new_hash).await?;
        if !self.expire(&old_hash, old_expires_at).await? {
            // The old token was revoked in the meantime, so the new one is revoked too.
            self.revoke("token", fresh.id, now).await?;
            return Err(ended());
        }
        Ok(fresh.into_token()?)
    }

    /// Sets the credential's end unless an earlier one is set, so that a second rotation never extends the first token.
    /// `false` if the credential was revoked.
    async fn expire(&self, hash: &[u8], end: Timestamp) -> Result<bool, StoreError> {
        for _ in 0..TRIES {
            let Some(row) = self.credential_at(hash).await?.filter(|row| row.revoked_at.is_none()) else {
                return Ok(false);
            };
            if row.expires_at.is_some_and(|stored| stored <= end) {
                return Ok(true);
            }
            let values = (cql_instant(end), hash, row.expires_at.map(cql_instant));
            let answer = self.cql.conditional(&self.cql.statements().expire_credential, &values).await?;
            if was_applied(&answer)? {
                return Ok(true);
            }
        }
        Err(StoreError::Unavailable(FailureCause::overloaded(format!(
            "a token changed {TRIES} times while it was rotated"
        ))))
    }

    /// Removes the end of a token, if it is `end`.
    pub(super) async fn keep(&self, token: TokenId, end: Timestamp) -> Result<(), RegistryError> {
        if let Some((_, hash)) = self.credential_named("token", &token.to_string()).await? {
            let values = (None::<CqlTimestamp>, hash, Some(cql_instant(end)));
            self.cql.conditional(&self.cql.statements().expire_credential, &values).await?;
        }
        Ok(())
    }

    pub(super) async fn keys_of(&self, team: TeamId) -> Result<Vec<KeyRow>, RegistryError> {
        let rows = self.credentials_of(team, "key").await?;
        let labelled = |row: CredentialRow| {
            let registry = self.clone();
            async move { CredentialRow { label: registry.label_of(&row.id).await?, ..row }.into_key() }
        };
        let keys = stream::iter(rows).map(labelled).buffered(self.cql.concurrency());
        let mut keys: Vec<KeyRow> = keys.try_collect().await?;
        keys.sort_by_key(|row| (row.created_at, row.id));
        Ok(keys)
    }

    async fn label_of(&self, key: &str) -> Result<Option<KeyLabel>, StoreError> {
        let found = self.cql.run(&self.cql.statements().key_label, &(key,)).await?;
        let row = found.rows.maybe_first_row::<(Option<&str>,)>().map_err(|error| unreadable("key_labels", error))?;
        let label = row.and_then(|(label,)| label).map(KeyLabel::parse);
        label.transpose().map_err(|error| unreadable("key_labels", error))
    }

    pub(super) async fn tokens_of(&self, team: TeamId) -> Result<Vec<TokenRow>, RegistryError> {
        let rows = self.credentials_of(team, "token").await?;
        let mut tokens = rows.into_iter().map(CredentialRow::into_token).collect::<Result<Vec<_>, _>>()?;
        tokens.sort_by_key(|row| (row.created_at, row.id));
        Ok(tokens)
    }

    async fn credentials_of(&self, team: TeamId, kind: &'static str) -> Result<Vec<CredentialRow>, RegistryError> {
        self.existing_team(team).await?;
        let values = (team.to_string(), kind);
        let mut pointers: Vec<(String, Vec<u8>)> = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().team_credentials, &values, None, state).await?;
            let rows = page.rows.rows::<(String, Vec<u8>)>().map_err(|error| unreadable("team_credentials", error))?;
            for row in rows {
                pointers.push(row.map_err(|error| unreadable("team_credentials", error))?);
            }
            from = page.next;
        }
        let read = |(id, hash): (String, Vec<u8>)| {
            let registry = self.clone();
            async move {
                let row = registry.credential_at(&hash).await?;
                Ok::<_, StoreError>(row.filter(|row| (row.kind, &row.id, row.team) == (kind, &id, team)))
            }
        };
        let rows: Vec<_> = stream::iter(pointers).map(read).buffered(self.cql.concurrency()).try_collect().await?;
        Ok(rows.into_iter().flatten().collect())
    }
}
