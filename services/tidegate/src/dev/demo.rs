//! The first start of a folder makes a team to try things with. A folder that has a team is left alone.

use std::sync::Arc;

use tidegate_agentping::{Credential, CredentialHash, KeyAccess, KeyId, Plan, Slug, TeamId, TokenId};
use tidegate_agentping_ports::Registry;
use tidegate_kernel::{Region, Timestamp};
use tidegate_ports::{Clock, Ids};

use crate::console::Console;
use crate::failure::Failure;
use crate::manage::unprinted::taken_back;
use crate::manage::{Context, keys, teams, tokens};

/// The demo team's name, and its agent's.
pub const NAME: &str = "demo";

/// What the banner says at the start.
pub enum Welcome {
    /// A new team with its secrets: shown now and never again.
    First { team: TeamId, key: String, token: String, ids: (KeyId, TokenId) },
    /// There are teams; one of their names, for the hint.
    Again { team: String },
}

/// Makes the demo team if there is no team at all.
///
/// # Errors
/// The registry's.
pub async fn first_team(
    region: Region,
    registry: Arc<dyn Registry>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
) -> Result<Welcome, Failure> {
    let there = registry.list_teams().await?;
    // One that credentials can be made for, if there is one.
    let team = there.iter().find(|team| team.archived_at.is_none()).or(there.first()).cloned();
    if let Some(team) = team {
        return Ok(Welcome::Again { team: team.name });
    }
    let context = Context { registry, gate: None, ids, clock, region, console: Console::output(), json: false };
    let team = teams::create(&context, NAME.to_owned(), Plan::Team).await?;
    let (key_row, key) = keys::create(&context, &team, KeyAccess::Full, None).await?;
    let agent = Slug::parse(NAME)?;
    let (token_row, token) = tokens::create(&context, &team, agent).await?;
    Ok(Welcome::First { team: team.id, key, token, ids: (key_row.id, token_row.id) })
}

impl Welcome {
    /// The hash of the new team's key.
    pub fn key_hash(&self) -> Option<CredentialHash> {
        match self {
            Welcome::First { key, .. } => Credential::parse(key).ok().map(|key| key.hash()),
            Welcome::Again { .. } => None,
        }
    }

    /// Revokes the new secrets, which were not shown to anyone. Without new ones it does nothing.
    pub async fn take_back(&self, registry: &dyn Registry, now: Timestamp, why: &str) {
        let Welcome::First { ids: (key, token), .. } = self else { return };
        let (key_undone, token_undone) =
            (registry.revoke_key(*key, now).await, registry.revoke_token(*token, now).await);
        for report in [
            taken_back("demo team's key", key, why, key_undone, "keys revoke"),
            taken_back("demo team's token", token, why, token_undone, "tokens revoke"),
        ] {
            tracing::error!("{report}; `tidegate keys create` and `tidegate tokens create` make others");
        }
    }
}
