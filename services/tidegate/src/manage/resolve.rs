//! A team by its id or by its name; a credential by its handle.

use tidegate_agentping::id::{IdKind, PublicKind};
use tidegate_agentping::{Id, TeamId};
use tidegate_agentping_ports::{Registry, Team};

/// The team that this text means: its id, or the name of exactly one.
///
/// # Errors
/// What is wrong and the way out.
pub async fn team(registry: &dyn Registry, text: &str) -> Result<Team, String> {
    let found = find(registry, text).await?;
    found.ok_or_else(|| format!("there is no team '{text}': `tidegate teams list` shows those there are"))
}

/// The same, for what is to get new credentials: an archived team's would not work.
///
/// # Errors
/// What is wrong and the way out.
pub async fn active_team(registry: &dyn Registry, text: &str) -> Result<Team, String> {
    let team = team(registry, text).await?;
    match team.archived_at {
        None => Ok(team),
        Some(at) => Err(format!(
            "team '{}' ({}) is archived since {at}: bring it back with `tidegate teams restore {}` first",
            team.name, team.id, team.id
        )),
    }
}

/// The team that this text means, if there is one.
///
/// # Errors
/// Several have that name.
pub async fn find(registry: &dyn Registry, text: &str) -> Result<Option<Team>, String> {
    among(&registry.list_teams().await.map_err(|error| error.to_string())?, text)
}

/// By id or by name; of several of one name, made by a release of before, the one that is not archived.
fn among(teams: &[Team], text: &str) -> Result<Option<Team>, String> {
    if let Ok(id) = TeamId::parse(text)
        && let Some(team) = teams.iter().find(|team| team.id == id)
    {
        return Ok(Some(team.clone()));
    }
    let named: Vec<&Team> = teams.iter().filter(|team| team.name == text).collect();
    let active: Vec<&Team> = named.iter().copied().filter(|team| team.archived_at.is_none()).collect();
    match (named.as_slice(), active.as_slice()) {
        ([team], _) | (_, [team]) => Ok(Some((*team).clone())),
        ([], _) => Ok(None),
        (several, _) => {
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

#[cfg(test)]
mod tests {
    use tidegate_agentping::Plan;
    use tidegate_kernel::{Region, Timestamp};

    use super::*;

    fn named(number: u8, name: &str, archived: bool) -> Team {
        let at = Timestamp::from_millis(1_778_846_400_000);
        let id = TeamId::mint(Region::Eu, at, &[number; 10]);
        Team { id, name: name.to_owned(), plan: Plan::Team, created_at: at, archived_at: archived.then_some(at) }
    }

    #[test]
    fn teams_of_before_that_share_a_name_are_named_by_id() {
        let teams = [named(1, "twin", false), named(2, "twin", false), named(3, "pair", true), named(4, "pair", false)];
        let told = among(&teams, "twin").unwrap_err();
        assert!(told.contains(&teams[0].id.to_string()) && told.contains(&teams[1].id.to_string()), "{told}");
        assert_eq!(among(&teams, &teams[1].id.to_string()), Ok(Some(teams[1].clone())));
        assert_eq!(among(&teams, "pair"), Ok(Some(teams[3].clone())), "the one that is not archived");
        assert_eq!(among(&teams[..3], "pair"), Ok(Some(teams[2].clone())));
        assert_eq!(among(&teams, "nobody"), Ok(None));
    }
}
