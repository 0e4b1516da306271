//! Agents by their names over a store and a registry that know keys: each adapter keeps the keys that renames make.

use std::sync::Arc;

use async_trait::async_trait;
use tidegate_agentping::{AgentNames, CredentialHash, Plan, Rename, RunKey, TeamId};
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_ports::{
    NamedRegistry, NamedRuns, NamesOfTeams, Registry, RegistryError, RunFilter, RunPage, RunQueries, Team, TokenRow,
};
use tidegate_kernel::Month;
use tidegate_ports::{Ids, RandomIds, StoreError};

use super::StoreUnderTest;
use super::story::{HOUR_MS, NOON, StartWith, Story, fresh, heartbeat, slug, start};

/// The same for every team.
#[derive(Clone)]
struct Renamed(Arc<AgentNames>);

#[async_trait]
impl NamesOfTeams for Renamed {
    async fn of(&self, _: TeamId) -> Result<Arc<AgentNames>, StoreError> {
        Ok(Arc::clone(&self.0))
    }
}

fn renamed(renames: &[(&str, &str)]) -> Renamed {
    let rename = |(from, to): &(&str, &str)| Rename { from: slug(from), to: slug(to), at: NOON };
    Renamed(Arc::new(AgentNames::of(&renames.iter().map(rename).collect::<Vec<_>>())))
}

/// A long name, whose keys are cut.
fn long() -> String {
    "ä/ ".repeat(42)
}

/// AC-77: runs, agents, spend and repeats of a renamed agent, and of the new one that has its old name.
pub(super) async fn history_is_shown_by_name(store: &StoreUnderTest) {
    for old in ["old".to_owned(), long().trim().to_owned()] {
        let team: TeamId = fresh();
        let names = renamed(&[(&old, "new")]);
        let (key, made) = (slug(&old), names.0.key(&slug(&old)).clone());
        let queries = NamedRuns::new(Arc::clone(&store.queries), Arc::new(names));
        let (first, second) = (RunKey { team, run: fresh() }, RunKey { team, run: fresh() });
        let later = NOON.plus_millis(HOUR_MS);
        let opened = Story::of(first).tell(NOON, start(key.as_str()).at(NOON)).write();
        let again = Story::of(second).tell(later, start(made.as_str()).at(later)).write();
        store.save(vec![opened, again]).await;

        for (name, run) in [("new", first), (old.as_str(), second)] {
            let filter = RunFilter { agent: Some(slug(name)), ..RunFilter::default() };
            let page = queries.list(team, &filter, &RunPage::first(10), later).await.expect("read");
            let shown: Vec<_> = page.runs.iter().map(|listed| (listed.id, agent_of(&listed.run))).collect();
            assert_eq!(shown, [(run.run, name.to_owned())]);
            let read = queries.run(run).await.expect("read").expect("it is there");
            assert_eq!(agent_of(&read), name);
        }
        let all = queries.list(team, &RunFilter::default(), &RunPage::first(10), later).await.expect("read");
        assert_eq!(all.runs.len(), 2);
        let agents = queries.agents(team).await.expect("read");
        let mut shown: Vec<_> = agents.iter().map(|row| (row.slug.to_string(), row.id)).collect();
        shown.sort_unstable();
        let mut expected = [("new".to_owned(), agent_id(team, &key)), (old.clone(), agent_id(team, &made))];
        expected.sort_unstable();
        assert_eq!(shown, expected);
        let spend = queries.spend(team, Month::of(NOON), later).await.expect("read");
        let mut named: Vec<_> = spend.by_agent.into_iter().map(|row| (row.name.expect("an agent"), row.runs)).collect();
        named.sort_unstable();
        assert_eq!(named, expected.map(|(name, _)| (name, 1)));
        let sums = queries.sums_by_agent(team, NOON, 10, later).await.expect("read");
        let runs = |name: &str| sums.of(name).map(|sum| sum.runs);
        assert_eq!((runs("new"), runs(&old)), (Some(1), Some(1)));
    }
}

fn agent_of(run: &tidegate_agentping::Run) -> String {
    run.opening().expect("it is opened").start.agent.to_string()
}

/// AC-77: repeats of a renamed agent are its own.
pub(super) async fn repeats_are_shown_by_name(store: &StoreUnderTest) {
    use tidegate_agentping::HeartbeatStatus::Ok as Good;
    let team: TeamId = fresh();
    let queries = NamedRuns::new(Arc::clone(&store.queries), Arc::new(renamed(&[("old", "new")])));
    let twice = Story::of_team(team).tell(NOON, heartbeat("old", Good));
    let twice = twice.tell(NOON.plus_millis(HOUR_MS), heartbeat("old", Good)).write();
    store.save(vec![twice]).await;
    let repeats = queries.repeats(team, Month::of(NOON)).await.expect("read");
    let shown: Vec<_> = repeats.iter().map(|row| (row.agent.as_str(), row.times)).collect();
    assert_eq!(shown, [("new", 1)]);
}

/// AC-77: tokens and slots of the plan stay with the agent; what is made under the old name is the new agent's.
pub(super) async fn tokens_and_slots_stay_with_the_agent(store: &StoreUnderTest) {
    let team: TeamId = fresh();
    let row = Team { id: team, name: format!("Team of {team}"), plan: Plan::Team, created_at: NOON, archived_at: None };
    store.registry.create_team(row).await.expect("created");
    let names = renamed(&[("old", "new")]);
    let made = names.0.key(&slug("old")).clone();
    let token = |agent: &str| TokenRow {
        id: fresh(),
        team,
        agent: slug(agent),
        created_at: NOON,
        revoked_at: None,
        expires_at: None,
    };
    let hash = || {
        let mut hash = [0; 32];
        hash[..10].copy_from_slice(&RandomIds.random());
        CredentialHash(hash)
    };
    let before = token("old");
    store.registry.create_token(before.clone(), hash()).await.expect("created");
    let registry = NamedRegistry::new(Arc::clone(&store.registry), Arc::new(names));
    let of_agents = async || -> Vec<(String, bool)> {
        let rows = registry.list_agents(team).await.expect("read");
        rows.iter().map(|row| (row.slug.to_string(), row.is_archived())).collect()
    };
    assert_eq!(of_agents().await, [("new".to_owned(), false)], "one slot, under its new name");
    let taken = registry.create_agent(team, slug("new"), NOON).await;
    assert_eq!(taken, Err(RegistryError::Exists { what: "agent", id: "new".to_owned() }));

    let (of_new, of_old) = (token("new"), token("old"));
    registry.create_token(of_new.clone(), hash()).await.expect("created");
    registry.create_token(of_old.clone(), hash()).await.expect("created");
    let agent_of = async |id| {
        let rows = registry.list_tokens(team).await.expect("read");
        rows.into_iter().find(|row| row.id == id).expect("it is listed").agent.to_string()
    };
    assert_eq!(agent_of(before.id).await, "new");
    assert_eq!(agent_of(of_new.id).await, "new");
    assert_eq!(agent_of(of_old.id).await, "old");
    let stored = store.registry.list_tokens(team).await.expect("read");
    let key_of = |id| stored.iter().find(|row| row.id == id).expect("it is listed").agent.clone();
    assert_eq!((key_of(of_new.id), key_of(of_old.id)), (slug("old"), made));
    let rotated = registry.rotate_token(before.id, NOON.plus_millis(HOUR_MS), fresh(), hash(), NOON).await;
    assert_eq!(rotated.expect("rotated").agent, slug("new"));

    registry.archive_agent(team, slug("old"), NOON).await.expect("archived");
    assert_eq!(of_agents().await, [("new".to_owned(), false), ("old".to_owned(), true)]);
}
