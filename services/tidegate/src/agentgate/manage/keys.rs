//! `tidegate agentgate keys`.

use serde::Serialize;
use serde_json::json;
use tidegate_agentgate::command::{KeyUse, PutKey, RevokeKey};
use tidegate_agentgate::views::CredentialRow;
use tidegate_agentgate::{Command, KeyId, Owner, Scope, Scopes};
use tidegate_kernel::Timestamp;
use tidegate_kernel::timestamp::{iso, iso_option};

use super::Office;
use crate::cli::OrgKeysCommand;
use crate::failure::Failure;

/// A key, without its secret.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyJson {
    id: KeyId,
    owner: Owner,
    #[serde(rename = "use")]
    key_use: KeyUse,
    scopes: Scopes,
    #[serde(with = "iso")]
    created_at: Timestamp,
    #[serde(with = "iso_option")]
    revoked_at: Option<Timestamp>,
}

impl From<&CredentialRow> for KeyJson {
    fn from(row: &CredentialRow) -> Self {
        KeyJson {
            id: row.key,
            owner: row.owner,
            key_use: row.key_use,
            scopes: row.scopes,
            created_at: row.created_at_ms,
            revoked_at: row.revoked_at_ms,
        }
    }
}

pub async fn run(mut office: Office, command: OrgKeysCommand) -> Result<(), Failure> {
    match command {
        OrgKeysCommand::Create { org, scopes, .. } => {
            let scopes = parse(&scopes)?;
            let (org, _) = office.organization(&org).await?;
            let made = create(&office, Owner::Org(org), KeyUse::Client, scopes).await?;
            show(&mut office, Owner::Org(org), made).await?;
        }
        OrgKeysCommand::List { org, .. } => {
            let (org, _) = office.organization(&org).await?;
            list(&mut office, Owner::Org(org), |_| true).await?;
        }
        OrgKeysCommand::Revoke { id, .. } => {
            let mut owners: Vec<Owner> = Vec::new();
            owners.extend(office.organizations().await?.into_iter().map(|(org, _)| Owner::Org(org)));
            revoke(&mut office, &owners, &id, "keys list --org ORG").await?;
        }
    }
    Ok(())
}

/// Prints the keys of an owner that `wanted` chooses, revoked ones too.
///
/// # Errors
/// They cannot be read.
pub async fn list(office: &mut Office, owner: Owner, wanted: impl Fn(KeyUse) -> bool) -> Result<(), Failure> {
    let mut rows = office.keys(owner).await?;
    rows.retain(|row| wanted(row.key_use));
    if office.json {
        office.console.json(&rows.iter().map(KeyJson::from).collect::<Vec<_>>());
        return Ok(());
    }
    let line = |row: &CredentialRow| {
        let scopes: Vec<&str> = row.scopes.iter().map(Scope::as_str).collect();
        let state = row.revoked_at_ms.map_or_else(|| "active".to_owned(), |at| format!("revoked {at}"));
        let scopes = if row.key_use == KeyUse::Client { scopes.join(",") } else { "(worker)".to_owned() };
        [row.key.to_string(), scopes, row.created_at_ms.to_string(), state]
    };
    office.console.table(["ID", "SCOPES", "CREATED", "STATE"], &rows.iter().map(line).collect::<Vec<_>>());
    Ok(())
}

/// `work-orders:write,runs:read`, `*`, or `none`.
fn parse(text: &str) -> Result<Scopes, Failure> {
    if text == "none" {
        return Ok(Scopes::NONE);
    }
    let scope = |name: &str| {
        Scope::parse(name.trim()).ok_or_else(|| {
            let names: Vec<&str> = Scope::ALL.into_iter().map(Scope::as_str).collect();
            Failure::config(format!("there is no scope '{name}'")).hint(format!("{}, or none", names.join(", ")))
        })
    };
    text.split(',').map(scope).collect()
}

/// A key that was made: its id and its secret.
pub struct Made {
    pub id: KeyId,
    pub secret: String,
}

/// Makes a key. The log and the store have its hash only.
///
/// # Errors
/// It could not be decided.
pub async fn create(office: &Office, owner: Owner, key_use: KeyUse, scopes: Scopes) -> Result<Made, Failure> {
    let id = KeyId::mint(office.now(), &office.ids.random());
    let secret = match key_use {
        KeyUse::Client => format!("org_live_{}", token(office)),
        KeyUse::Worker | KeyUse::Fleet => format!("agw_live_{}", token(office)),
    };
    let hash = office.secrets().credential(&secret);
    office.decided(owner, Command::KeyPut(PutKey { key: id, key_use, hash, scopes })).await?;
    Ok(Made { id, secret })
}

/// 24 random letters and digits: 142 bits.
fn token(office: &Office) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(24);
    while text.len() < 24 {
        // Bytes above the last whole multiple of the letters would make some letters likelier.
        let usable =
            office.ids.random().into_iter().filter(|byte| usize::from(*byte) < 256 / LETTERS.len() * LETTERS.len());
        text.extend(usable.take(24 - text.len()).map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()])));
    }
    text
}

/// Prints a new key, the only time that its secret is shown. Where it could not be printed the key is revoked again.
///
/// # Errors
/// Standard output did not take it.
pub async fn show(office: &mut Office, owner: Owner, Made { id, secret }: Made) -> Result<(), Failure> {
    if office.json {
        office.console.json(&json!({ "id": id, "key": secret, "owner": owner }));
    } else {
        office.console.line(format_args!("key    {secret}   (shown this once)"));
        office.console.line(format_args!("id     {id}"));
        office.console.line(format_args!("owner  {owner}"));
    }
    if let Err(failure) = office.console.delivered() {
        let undone = take_back(office, owner, id).await;
        return Err(failure.in_words(|failure| match undone {
            Ok(()) => format!("{failure}; the key {id} was not shown, so it is revoked again"),
            Err(error) => format!("{failure}; the key {id} could not be revoked again: {error}"),
        }));
    }
    Ok(())
}

/// Revokes a key that was made and could not be shown.
///
/// # Errors
/// It could not be decided.
pub async fn take_back(office: &Office, owner: Owner, key: KeyId) -> Result<(), Failure> {
    office.decided(owner, Command::KeyRevoke(RevokeKey { key })).await.map(drop)
}

/// Revokes the key with this id, of one of these owners. `shown_by` names the command that lists keys.
///
/// # Errors
/// There is no such key, or the command could not be decided.
pub async fn revoke(office: &mut Office, owners: &[Owner], id: &str, shown_by: &str) -> Result<(), Failure> {
    let unknown = || {
        let hint = format!("`tidegate agentgate {shown_by}` shows those there are; give the id, not the key itself");
        Failure::refused("there is no key with this id").hint(hint)
    };
    let key = KeyId::parse(id).ok_or_else(unknown)?;
    let row = office.key_of(owners, key).await?.ok_or_else(unknown)?;
    if row.revoked_at_ms.is_none() {
        office.decided(row.owner, Command::KeyRevoke(RevokeKey { key })).await?;
    }
    if office.json {
        office.console.json(&json!({ "id": key, "revoked": true }));
    } else {
        office.console.line(format_args!("revoked {key}; a running service applies it within two seconds"));
    }
    Ok(())
}
