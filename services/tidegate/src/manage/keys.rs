//! `tidegate keys`.

use serde_json::json;
use tidegate_agentping::{ApiKey, Credential, KeyId};
use tidegate_agentping_ports::{KeyRow, Team};

use super::rows::KeyJson;
use super::unprinted::taken_back;
use super::{Desk, resolve};
use crate::cli::KeysCommand;

pub async fn run(mut desk: Desk, command: KeysCommand) -> Result<(), String> {
    match command {
        KeysCommand::Create { team, .. } => {
            let team = resolve::active_team(&*desk.registry, &team).await?;
            let (row, key) = create(&desk, &team).await?;
            if desk.json {
                desk.page.json(&json!({ "id": row.id, "key": key, "team": row.team }));
            } else {
                desk.page.line(format_args!("key   {key}   (shown this once)"));
                desk.page.line(format_args!("id    {}", row.id));
                desk.page.line(format_args!("team  {} ({})", team.name, row.team));
            }
            if let Err(why) = desk.page.delivered() {
                let undone = desk.registry.revoke_key(row.id, desk.now()).await;
                return Err(taken_back("key", row.id, &why, undone, "keys revoke"));
            }
        }
        KeysCommand::List { team, .. } => {
            let mut rows: Vec<KeyRow> = Vec::new();
            for team in resolve::team_or_all(&*desk.registry, team.as_deref()).await? {
                rows.extend(desk.registry.list_keys(team.id).await.map_err(|error| error.to_string())?);
            }
            if desk.json {
                desk.page.json(&rows.iter().map(KeyJson::from).collect::<Vec<_>>());
            } else {
                let line = |row: &KeyRow| {
                    let state = row.revoked_at.map_or_else(|| "active".to_owned(), |at| format!("revoked {at}"));
                    [row.id.to_string(), row.team.to_string(), row.created_at.to_string(), state]
                };
                desk.page.table(["ID", "TEAM", "CREATED", "STATE"], &rows.iter().map(line).collect::<Vec<_>>());
            }
        }
        KeysCommand::Revoke { id, .. } => {
            let key: KeyId = resolve::handle(&id, "keys list")?;
            let at = desk.now();
            desk.registry.revoke_key(key, at).await.map_err(|error| error.to_string())?;
            if desk.json {
                desk.page.json(&json!({ "id": key, "revoked": true }));
            } else {
                desk.page.line(format_args!("revoked {key}; a running service follows within seconds"));
            }
        }
    }
    Ok(())
}

/// Makes a key of a team. The second is the secret, to be shown once.
///
/// # Errors
/// The registry's.
pub async fn create(desk: &Desk, team: &Team) -> Result<(KeyRow, String), String> {
    let now = desk.now();
    let key = ApiKey::mint(team.id.region(), now, &desk.ids.random());
    let id = KeyId::mint(team.id.region(), now, &desk.ids.random());
    let row = KeyRow { id, team: team.id, created_at: now, revoked_at: None };
    let hash = Credential::ApiKey(key).hash();
    desk.registry.create_key(row.clone(), hash).await.map_err(|error| error.to_string())?;
    Ok((row, key.expose()))
}
