//! Names of teams, and teams and agents that are archived.

use tidegate_agentping::Plan;
use tidegate_agentping_ports::{AgentRow, RegistryError, Team};

use super::{NOW, RegistryUnderTest, capped, fresh_hash, new_team, slug, token_row};

async fn listed(registry: &RegistryUnderTest, team: &Team) -> Option<Team> {
    let all = registry.registry.list_teams().await.expect("listed");
    all.into_iter().find(|listed| listed.id == team.id)
}

pub(super) async fn a_name_is_one_teams(registry: &RegistryUnderTest) {
    let ports = &registry.registry;
    let (one, other) = (new_team(Plan::Team), new_team(Plan::Starter));
    ports.create_team(one.clone()).await.expect("created");
    let taken = |name: &str| Err(RegistryError::NameTaken { name: name.to_owned(), by: one.id });
    let namesake = Team { name: one.name.clone(), ..other.clone() };
    assert_eq!(ports.create_team(namesake).await, taken(&one.name));
    assert_eq!(listed(registry, &other).await, None, "a refusal makes nothing");
    ports.create_team(other.clone()).await.expect("the id is free");

    assert_eq!(ports.rename_team(other.id, one.name.clone()).await, taken(&one.name));
    let renamed = format!("{} renamed", one.name);
    for _ in 0..2 {
        ports.rename_team(one.id, renamed.clone()).await.expect("its own name is free");
        assert_eq!(listed(registry, &one).await, Some(Team { name: renamed.clone(), ..one.clone() }));
    }
    assert_eq!(ports.rename_team(other.id, renamed.clone()).await, taken(&renamed));
    ports.rename_team(other.id, one.name.clone()).await.expect("the old name is free");
    // An archived team keeps its name, so that it can be restored.
    ports.set_archived(one.id, Some(NOW)).await.expect("archived");
    assert_eq!(ports.create_team(Team { name: renamed.clone(), ..new_team(Plan::Team) }).await, taken(&renamed));
}

pub(super) async fn credentials_of_an_archived_team_do_not_work(registry: &RegistryUnderTest) {
    let (team, other) = (registry.team(Plan::Team).await, registry.team(Plan::Team).await);
    let ((_, key), (_, others)) = (registry.key(team).await, registry.key(other).await);
    let (_, token) = registry.token(team, "a").await;
    let archived_at = async || {
        let all = registry.registry.list_teams().await.expect("listed");
        all.into_iter().find(|listed| listed.id == team).expect("it is listed").archived_at
    };
    for (at, stands) in [(1, 1), (2, 1)] {
        registry.registry.set_archived(team, Some(NOW.plus_millis(at))).await.expect("archived");
        assert_eq!(archived_at().await, Some(NOW.plus_millis(stands)), "the first instant stands");
        assert_eq!((registry.find(&key).await, registry.find(&token).await), (None, None));
    }
    assert!(registry.find(&others).await.is_some());
    for _ in 0..2 {
        registry.registry.set_archived(team, None).await.expect("restored");
        assert_eq!(archived_at().await, None);
        assert_eq!(registry.find(&key).await.map(|found| found.team), Some(team));
        assert_eq!(registry.find(&token).await.map(|found| found.team), Some(team));
    }
}

pub(super) async fn an_archived_agent_frees_its_slot_until_it_has_a_token_again(registry: &RegistryUnderTest) {
    let (team, other) = (registry.team(capped(2)).await, registry.team(capped(2)).await);
    registry.token(team, "one").await;
    registry.token(team, "two").await;
    registry.token(other, "one").await;
    let agent = async |team, text: &str| {
        let agents = registry.registry.list_agents(team).await.expect("listed");
        agents.into_iter().find(|agent| agent.slug == slug(text)).expect("it is listed")
    };
    let archived = |row: &AgentRow| (row.archived_at, row.is_archived());
    assert_eq!(archived(&agent(team, "one").await), (None, false));
    for later in [1, 2] {
        registry.registry.archive_agent(team, slug("one"), NOW.plus_millis(later)).await.expect("archived");
        assert_eq!(archived(&agent(team, "one").await), (Some(NOW.plus_millis(later)), true));
    }
    assert!(!agent(team, "two").await.is_archived() && !agent(other, "one").await.is_archived());

    registry.token(team, "three").await;
    let refused = Err(RegistryError::AgentCap { cap: 2, slug: "one".into() });
    assert_eq!(registry.registry.create_token(token_row(team, "one"), fresh_hash()).await, refused);
    assert!(agent(team, "one").await.is_archived(), "a refusal changes nothing");
    registry.registry.archive_agent(team, slug("two"), NOW).await.expect("archived");
    registry.token(team, "one").await;
    assert_eq!(archived(&agent(team, "one").await), (None, false));
    assert_eq!(registry.registry.list_agents(team).await.map(|agents| agents.len()), Ok(3), "all stay listed");
}

pub(super) async fn an_agent_is_made_ahead_of_its_runs(registry: &RegistryUnderTest) {
    let team = registry.team(capped(2)).await;
    let make = async |name: &str, at: i64| registry.registry.create_agent(team, slug(name), NOW.plus_millis(at)).await;
    let cap = |name: &str| Err(RegistryError::AgentCap { cap: 2, slug: name.to_owned() });
    assert_eq!(make("a/b c", 1).await, Ok(()));
    let exists = RegistryError::Exists { what: "agent", id: "a/b c".to_owned() };
    assert_eq!(make("a/b c", 2).await, Err(exists));
    registry.token(team, "other").await;
    assert_eq!(make("third", 3).await, cap("third"));
    let listed = registry.registry.list_agents(team).await.expect("listed");
    let seen: Vec<_> = listed.iter().map(|row| (row.slug.as_str(), row.first_seen, row.last_seen)).collect();
    assert_eq!(seen, [("a/b c", NOW.plus_millis(1), None), ("other", NOW, None)]);
    registry.registry.archive_agent(team, slug("a/b c"), NOW.plus_millis(4)).await.expect("archived");
    assert_eq!(make("third", 5).await, Ok(()));
    assert_eq!(make("a/b c", 6).await, cap("a/b c"));
    registry.registry.archive_agent(team, slug("third"), NOW.plus_millis(7)).await.expect("archived");
    assert_eq!(make("a/b c", 8).await, Ok(()), "an archived one is there again");
    let listed = registry.registry.list_agents(team).await.expect("listed");
    let there: Vec<_> = listed.iter().filter(|row| !row.is_archived()).map(|row| row.slug.as_str()).collect();
    assert_eq!(there, ["a/b c", "other"]);
}
