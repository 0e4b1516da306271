//! `tidegate tokens`.

use serde_json::json;
use tidegate_agentping::{Credential, PingToken, Slug, TokenId};
use tidegate_agentping_ports::{Team, TokenRow};

use super::rows::TokenJson;
use super::unprinted::taken_back;
use super::{Context, resolve};
use crate::cli::TokensCommand;
use crate::failure::Failure;

/// How long a rotated token keeps working (AgentPing: authentication).
const OVERLAP_MS: i64 = 24 * 3_600_000;

pub async fn run(mut context: Context, command: TokensCommand) -> Result<(), Failure> {
    match command {
        TokensCommand::Create { team, agent, .. } => {
            let team = resolve::active_team(&*context.registry, &team).await?;
            let (row, token) = create(&context, &team, agent).await?;
            show(&mut context, &row, &token);
            if let Err(failure) = context.console.delivered() {
                let undone = context.registry.revoke_token(row.id, context.now()).await;
                return Err(taken_back("token", row.id, &failure, undone, "tokens revoke"));
            }
        }
        TokensCommand::List { team, .. } => {
            let mut rows: Vec<TokenRow> = Vec::new();
            for team in resolve::team_or_all(&*context.registry, team.as_deref()).await? {
                rows.extend(context.registry.list_tokens(team.id).await?);
            }
            if context.json {
                context.console.json(&rows.iter().map(TokenJson::from).collect::<Vec<_>>());
            } else {
                let lines: Vec<_> = rows.iter().map(line).collect();
                context.console.table(["ID", "AGENT", "TEAM", "CREATED", "STATE"], &lines);
            }
        }
        TokensCommand::Rotate { id, .. } => {
            let old: TokenId = resolve::handle(&id, "tokens list")?;
            let now = context.now();
            let token = PingToken::mint(old.region(), now, &context.ids.random());
            let new = TokenId::mint(old.region(), now, &context.ids.random());
            let hash = Credential::PingToken(token).hash();
            let expires_at = now.plus_millis(OVERLAP_MS);
            let rotated = context.registry.rotate_token(old, expires_at, new, hash, now).await;
            show(&mut context, &rotated?, &token.expose());
            if !context.json {
                context.console.line(format_args!("the old one, {old}, works until {expires_at}"));
            }
            if let Err(failure) = context.console.delivered() {
                let undone = context.registry.undo_rotation(old, expires_at, new, context.now()).await;
                let is_undone = undone.is_ok();
                let taken_back = taken_back("new token", new, &failure, undone, "tokens revoke");
                return Err(taken_back.in_words(|taken_back| match is_undone {
                    true => format!("{taken_back}; {old} goes on as before"),
                    false => format!("{taken_back}; {old} works until {expires_at} and can be rotated again"),
                }));
            }
        }
        TokensCommand::Revoke { id, .. } => {
            let token: TokenId = resolve::handle(&id, "tokens list")?;
            let at = context.now();
            context.registry.revoke_token(token, at).await?;
            if context.json {
                context.console.json(&json!({ "id": token, "revoked": true }));
            } else {
                context.console.line(format_args!("revoked {token}; a running service applies it within seconds"));
            }
        }
    }
    Ok(())
}

/// Makes a ping token. The second is the secret, to be shown once.
///
/// # Errors
/// The registry's.
pub async fn create(context: &Context, team: &Team, agent: Slug) -> Result<(TokenRow, String), Failure> {
    let now = context.now();
    let token = PingToken::mint(team.id.region(), now, &context.ids.random());
    let id = TokenId::mint(team.id.region(), now, &context.ids.random());
    let row = TokenRow { id, team: team.id, agent, created_at: now, revoked_at: None, expires_at: None };
    let hash = Credential::PingToken(token).hash();
    context.registry.create_token(row.clone(), hash).await?;
    Ok((row, token.expose()))
}

fn show(context: &mut Context, row: &TokenRow, token: &str) {
    if context.json {
        return context.console.json(&json!({ "id": row.id, "token": token, "agent": row.agent, "team": row.team }));
    }
    context.console.line(format_args!("token  {token}   (shown this once)"));
    context.console.line(format_args!("id     {}", row.id));
    context.console.line(format_args!("agent  {}", row.agent));
    context.console.line(format_args!("team   {}", row.team));
}

fn line(row: &TokenRow) -> [String; 5] {
    let state = match (row.revoked_at, row.expires_at) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) => format!("rotated, until {at}"),
        (None, None) => "active".to_owned(),
    };
    [row.id.to_string(), row.agent.to_string(), row.team.to_string(), row.created_at.to_string(), state]
}
