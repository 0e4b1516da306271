//! `tidegate tokens`.

use serde_json::json;
use tidegate_agentping::{Credential, PingToken, Slug, TokenId};
use tidegate_agentping_ports::{Team, TokenRow};

use super::rows::TokenJson;
use super::unprinted::taken_back;
use super::{Desk, resolve};
use crate::cli::TokensCommand;

/// How long a rotated token keeps working (AgentPing: authentication).
const OVERLAP_MS: i64 = 24 * 3_600_000;

pub async fn run(mut desk: Desk, command: TokensCommand) -> Result<(), String> {
    match command {
        TokensCommand::Create { team, agent, .. } => {
            let team = resolve::active_team(&*desk.registry, &team).await?;
            let (row, token) = create(&desk, &team, agent).await?;
            show(&mut desk, &row, &token);
            if let Err(why) = desk.page.delivered() {
                let undone = desk.registry.revoke_token(row.id, desk.now()).await;
                return Err(taken_back("token", row.id, &why, undone, "tokens revoke"));
            }
        }
        TokensCommand::List { team, .. } => {
            let mut rows: Vec<TokenRow> = Vec::new();
            for team in resolve::team_or_all(&*desk.registry, team.as_deref()).await? {
                rows.extend(desk.registry.list_tokens(team.id).await.map_err(|error| error.to_string())?);
            }
            if desk.json {
                desk.page.json(&rows.iter().map(TokenJson::from).collect::<Vec<_>>());
            } else {
                let lines: Vec<_> = rows.iter().map(line).collect();
                desk.page.table(["ID", "AGENT", "TEAM", "CREATED", "STATE"], &lines);
            }
        }
        TokensCommand::Rotate { id, .. } => {
            let old: TokenId = resolve::handle(&id, "tokens list")?;
            let now = desk.now();
            let token = PingToken::mint(old.region(), now, &desk.ids.random());
            let new = TokenId::mint(old.region(), now, &desk.ids.random());
            let hash = Credential::PingToken(token).hash();
            let expires_at = now.plus_millis(OVERLAP_MS);
            let rotated = desk.registry.rotate_token(old, expires_at, new, hash, now).await;
            show(&mut desk, &rotated.map_err(|error| error.to_string())?, &token.expose());
            if !desk.json {
                desk.page.line(format_args!("the old one, {old}, works until {expires_at}"));
            }
            if let Err(why) = desk.page.delivered() {
                let undone = desk.registry.undo_rotation(old, expires_at, new, desk.now()).await;
                let is_undone = undone.is_ok();
                let told = taken_back("new token", new, &why, undone, "tokens revoke");
                return Err(match is_undone {
                    true => format!("{told}; {old} goes on as before"),
                    false => format!("{told}; {old} works until {expires_at} and can be rotated again"),
                });
            }
        }
        TokensCommand::Revoke { id, .. } => {
            let token: TokenId = resolve::handle(&id, "tokens list")?;
            let at = desk.now();
            desk.registry.revoke_token(token, at).await.map_err(|error| error.to_string())?;
            if desk.json {
                desk.page.json(&json!({ "id": token, "revoked": true }));
            } else {
                desk.page.line(format_args!("revoked {token}; a running service follows within seconds"));
            }
        }
    }
    Ok(())
}

/// Makes a ping token. The second is the secret, to be shown once.
///
/// # Errors
/// The registry's.
pub async fn create(desk: &Desk, team: &Team, agent: Slug) -> Result<(TokenRow, String), String> {
    let now = desk.now();
    let token = PingToken::mint(team.id.region(), now, &desk.ids.random());
    let id = TokenId::mint(team.id.region(), now, &desk.ids.random());
    let row = TokenRow { id, team: team.id, agent, created_at: now, revoked_at: None, expires_at: None };
    let hash = Credential::PingToken(token).hash();
    desk.registry.create_token(row.clone(), hash).await.map_err(|error| error.to_string())?;
    Ok((row, token.expose()))
}

fn show(desk: &mut Desk, row: &TokenRow, token: &str) {
    if desk.json {
        return desk.page.json(&json!({ "id": row.id, "token": token, "agent": row.agent, "team": row.team }));
    }
    desk.page.line(format_args!("token  {token}   (shown this once)"));
    desk.page.line(format_args!("id     {}", row.id));
    desk.page.line(format_args!("agent  {}", row.agent));
    desk.page.line(format_args!("team   {}", row.team));
}

fn line(row: &TokenRow) -> [String; 5] {
    let state = match (row.revoked_at, row.expires_at) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) => format!("rotated, until {at}"),
        (None, None) => "active".to_owned(),
    };
    [row.id.to_string(), row.agent.to_string(), row.team.to_string(), row.created_at.to_string(), state]
}
