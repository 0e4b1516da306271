//! A team by its id or by its name; a credential by its handle.

use tidegate_agentping::id::{IdKind, PublicKind};
use tidegate_agentping::{Id, TeamId};
use tidegate_agentping_ports::{Registry, Team};

use crate::failure::Failure;

/// The team that this text means: its id, or the name of exactly one.
///
/// # Errors
/// What is wrong, and what to do about it.
pub async fn team(registry: &dyn Registry, text: &str) -> Result<Team, Failure> {
    let found = find(registry, text).await?;
    found.ok_or_else(|| {
        Failure::refused(format!("there is no team '{text}'")).hint("`tidegate teams list` shows those there are")
    })
}

/// The same, for what is to get new credentials: an archived team's would not work.
///
/// # Errors
/// What is wrong, and what to do about it.
pub async fn active_team(registry: &dyn Registry, text: &str) -> Result<Team, Failure> {
    let team = team(registry, text).await?;
    match team.archived_at {
        None => Ok(team),
        Some(at) => Err(Failure::refused(format!("team '{}' ({}) is archived since {at}", team.name, team.id))
            .hint(format!("bring it back with `tidegate teams restore {}` first", team.id))),
    }
}

/// The team that this text means, if there is one.
///
/// # Errors
/// Several have that name.
pub async fn find(registry: &dyn Registry, text: &str) -> Result<Option<Team>, Failure> {
    among(&registry.list_teams().await?, text)
}

/// By id or by name; of several of one name, made by a release of before, the one that is not archived.
fn among(teams: &[Team], text: &str) -> Result<Option<Team>, Failure> {
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
            Err(Failure::refused(format!("{} teams are named '{text}'", several.len()))
                .hint(format!("give one by id ({})", ids.join(", "))))
        }
    }
}

/// That team, or all of them.
///
/// # Errors
/// Those of [`team`].
pub async fn team_or_all(registry: &dyn Registry, text: Option<&str>) -> Result<Vec<Team>, Failure> {
    match text {
        Some(text) => Ok(vec![team(registry, text).await?]),
        None => Ok(registry.list_teams().await?),
    }
}

/// The handle of a credential. The credential itself in its place is refused without being repeated.
///
/// # Errors
/// What is wrong, and what to do about it.
pub fn handle<K: IdKind + PublicKind>(text: &str, list: &str) -> Result<Id<K>, Failure> {
    if ["apk_", "ping_"].iter().any(|secret| text.starts_with(secret)) {
        let prefix = K::PREFIX;
        return Err(Failure::config("that is a secret, not its id")
            .hint(format!("give the {prefix}_… that `tidegate {list}` shows with it")));
    }
    Id::parse(text).map_err(|error| {
        Failure::config(format!("'{text}' is no id: it {error}"))
            .or_else(format!("`tidegate {list}` shows those there are"))
            .caused_by(error)
    })
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

    #[track_caller]
    fn found(teams: &[Team], text: &str) -> Option<Team> {
        among(teams, text).unwrap()
    }

    #[test]
    fn teams_of_before_that_share_a_name_are_named_by_id() {
        let teams = [named(1, "twin", false), named(2, "twin", false), named(3, "pair", true), named(4, "pair", false)];
        let text = among(&teams, "twin").unwrap_err().to_string();
        assert!(text.contains(&teams[0].id.to_string()) && text.contains(&teams[1].id.to_string()), "{text}");
        assert_eq!(found(&teams, &teams[1].id.to_string()), Some(teams[1].clone()));
        assert_eq!(found(&teams, "pair"), Some(teams[3].clone()), "the one that is not archived");
        assert_eq!(found(&teams[..3], "pair"), Some(teams[2].clone()));
        assert_eq!(found(&teams, "nobody"), None);
    }
}
