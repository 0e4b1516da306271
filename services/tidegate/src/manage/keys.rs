//! `tidegate keys`.

use serde_json::json;
use tidegate_agentping::{ApiKey, Credential, KeyAccess, KeyId, KeyLabel};
use tidegate_agentping_ports::{KeyRow, Team};

use super::rows::KeyJson;
use super::unprinted::taken_back;
use super::{Context, resolve};
use crate::cli::KeysCommand;
use crate::failure::Failure;

pub async fn run(mut context: Context, command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::Create { team, access, label, .. } => {
            let team = resolve::active_team(&*context.registry, &team).await?;
            let (row, key) = create(&context, &team, access, label).await?;
            if context.json {
                let KeyRow { id, team, access, label, .. } = &row;
                context.console.json(&json!({ "id": id, "key": key, "team": team, "access": access, "label": label }));
            } else {
                context.console.line(format_args!("key   {key}   (shown this once)"));
                context.console.line(format_args!("id    {}", row.id));
                context.console.line(format_args!("team  {} ({})", team.name, row.team));
                if let Some(label) = &row.label {
                    context.console.line(format_args!("for   {label}"));
                }
                if row.access == KeyAccess::Read {
                    context.console.line(format_args!("it reads, and neither reports nor changes anything"));
                }
            }
            if let Err(failure) = context.console.delivered() {
                let undone = context.registry.revoke_key(row.id, context.now()).await;
                return Err(taken_back("key", row.id, &failure, undone, "keys revoke"));
            }
        }
        KeysCommand::List { team, .. } => {
            let mut rows: Vec<KeyRow> = Vec::new();
            for team in resolve::team_or_all(&*context.registry, team.as_deref()).await? {
                rows.extend(context.registry.list_keys(team.id).await?);
            }
            if context.json {
                context.console.json(&rows.iter().map(KeyJson::from).collect::<Vec<_>>());
            } else {
                let line = |row: &KeyRow| {
                    let state = row.revoked_at.map_or_else(|| "active".to_owned(), |at| format!("revoked {at}"));
                    [
                        row.id.to_string(),
                        row.team.to_string(),
                        row.access.to_string(),
                        row.created_at.to_string(),
                        state,
                        row.label.as_ref().map(KeyLabel::to_string).unwrap_or_default(),
                    ]
                };
                let heads = ["ID", "TEAM", "ACCESS", "CREATED", "STATE", "LABEL"];
                context.console.table(heads, &rows.iter().map(line).collect::<Vec<_>>());
            }
        }
        KeysCommand::Revoke { id, .. } => {
            let key: KeyId = resolve::handle(&id, "keys list")?;
            let at = context.now();
            context.registry.revoke_key(key, at).await?;
            if context.json {
                context.console.json(&json!({ "id": key, "revoked": true }));
            } else {
                context.console.line(format_args!("revoked {key}; a running service applies it within seconds"));
            }
        }
    }
    Ok(())
}

/// Makes a key of a team. The second is the secret, to be shown once.
///
/// # Errors
/// The registry's.
pub async fn create(
    context: &Context,
    team: &Team,
    access: KeyAccess,
    label: Option<KeyLabel>,
) -> Result<(KeyRow, String), Failure> {
    let now = context.now();
    let key = ApiKey::mint(team.id.region(), now, &context.ids.random());
    let id = KeyId::mint(team.id.region(), now, &context.ids.random());
    let row = KeyRow { id, team: team.id, access, created_at: now, revoked_at: None, label };
    let hash = Credential::ApiKey(key).hash();
    context.registry.create_key(row.clone(), hash).await?;
    Ok((row, key.expose()))
}
