//! A team by its id or by its name; a credential by its handle.

use tidegate_domain::id::{IdKind, PublicKind};
use tidegate_domain::{Id, TeamId};
use tidegate_ports::{Registry, Team};

/// The team that this text means: its id, or the name of exactly one.
///
/// # Errors
/// What is wrong and the way out.
pub async fn team(registry: &dyn Registry, text: &str) -> Result<Team, String> {
    let teams = registry.list_teams().await.map_err(|error| error.to_string())?;
    if let Ok(id) = TeamId::parse(text)
        && let Some(team) = teams.iter().find(|team| team.id == id)
    {
        return Ok(team.clone());
    }
    let named: Vec<&Team> = teams.iter().filter(|team| team.name == text).collect();
    match named.as_slice() {
        [team] => Ok((*team).clone()),
        [] => Err(format!("there is no team '{text}': `tidegate teams list` shows those there are")),
        several => {
            let ids: Vec<String> = several.iter().map(|team| team.id.to_string()).collect();
            Err(format!("{} teams are named '{text}': give one by id ({})", several.len(), ids.join(", ")))
        }
    }
}

/// That team, or all of them.
///
/// # Errors
/// Those of [`team`].
pub async fn team_or_all(registry: &dyn Registry, text: Option<&str>) -> Result<Vec<Team>, String> {
    match text {
        Some(text) => Ok(vec![team(registry, text).await?]),
        None => registry.list_teams().await.map_err(|error| error.to_string()),
    }
}

/// The handle of a credential. The credential itself in its place is refused without being repeated.
///
/// # Errors
/// What is wrong and the way out.
pub fn handle<K: IdKind + PublicKind>(text: &str, list: &str) -> Result<Id<K>, String> {
    if ["apk_", "ping_"].iter().any(|secret| text.starts_with(secret)) {
        let prefix = K::PREFIX;
        return Err(format!(
            "that is a secret, not its id: give the {prefix}_… that `tidegate {list}` shows beside it"
        ));
    }
    Id::parse(text).map_err(|error| format!("'{text}' is no id: it {error}; `tidegate {list}` shows those there are"))
}
