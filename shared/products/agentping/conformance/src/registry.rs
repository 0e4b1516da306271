//! What every registry does: [`Registry`], [`Credentials`] and [`Rates`] together.

use std::sync::Arc;

use tidegate_agentping::id::IdKind;
use tidegate_agentping::rates::RateRow;
use tidegate_agentping::{CredentialHash, Id, KeyAccess, Limits, Plan, Rate, Scope, TeamId};
use tidegate_agentping_ports::{CredentialRecord, Credentials, KeyRow, Rates, Registry, RegistryError, Team, TokenRow};
use tidegate_agentping_testkit::{NOON as NOW, slug};
use tidegate_kernel::{Region, Usd};
use tidegate_ports::{Ids, RandomIds};

mod archiving;
mod keys;
mod tokens;

/// A registry through all its ports. It may hold other teams.
#[derive(Clone)]
pub struct RegistryUnderTest {
    pub registry: Arc<dyn Registry>,
    pub credentials: Arc<dyn Credentials>,
    pub rates: Arc<dyn Rates>,
}

/// Runs every case.
pub async fn suite(registry: &RegistryUnderTest) {
    teams_are_listed_and_change_their_plan(registry).await;
    archiving::a_name_is_one_teams(registry).await;
    archiving::credentials_of_an_archived_team_do_not_work(registry).await;
    archiving::an_archived_agent_frees_its_slot_until_it_has_a_token_again(registry).await;
    an_unknown_team_is_refused_everywhere(registry).await;
    rates_are_set_and_overwritten_per_team(registry).await;
    keys::a_key_is_found_by_its_hash_until_revoked(registry).await;
    keys::a_plan_change_shows_in_what_is_found(registry).await;
    keys::neither_id_nor_secret_is_taken_twice(registry).await;
    keys::revoking_what_is_not_there_is_refused(registry).await;
    tokens::a_token_is_found_with_its_agent(registry).await;
    tokens::rotation_leaves_both_until_the_old_one_expires(registry).await;
    tokens::a_token_that_ended_is_not_rotated(registry).await;
    tokens::rotating_twice_does_not_prolong(registry).await;
    tokens::a_rotation_is_taken_back(registry).await;
    tokens::a_new_agent_above_the_cap_is_refused(registry).await;
    tokens::a_plan_without_a_cap_takes_any_number(registry).await;
    archiving::an_agent_is_made_ahead_of_its_runs(registry).await;
}

fn fresh<K: IdKind>() -> Id<K> {
    Id::mint(Region::Us, NOW, &RandomIds.random())
}

fn fresh_hash() -> CredentialHash {
    let mut hash = [0; 32];
    hash[..10].copy_from_slice(&RandomIds.random());
    hash[22..].copy_from_slice(&RandomIds.random());
    CredentialHash(hash)
}

impl RegistryUnderTest {
    async fn team(&self, plan: Plan) -> TeamId {
        let team = new_team(plan);
        let id = team.id;
        self.registry.create_team(team).await.expect("created");
        id
    }

    async fn find(&self, hash: &CredentialHash) -> Option<CredentialRecord> {
        self.credentials.find(hash).await.expect("read")
    }

    async fn key(&self, team: TeamId) -> (KeyRow, CredentialHash) {
        let row = KeyRow { id: fresh(), team, access: KeyAccess::Full, created_at: NOW, revoked_at: None, label: None };
        let hash = fresh_hash();
        self.registry.create_key(row.clone(), hash).await.expect("created");
        (row, hash)
    }

    async fn token(&self, team: TeamId, agent: &str) -> (TokenRow, CredentialHash) {
        let (row, hash) = (token_row(team, agent), fresh_hash());
        self.registry.create_token(row.clone(), hash).await.expect("created");
        (row, hash)
    }
}

/// With a name of its own.
fn new_team(plan: Plan) -> Team {
    let id: TeamId = fresh();
    Team { id, name: format!("Team of {id}"), plan, created_at: NOW, archived_at: None }
}

fn token_row(team: TeamId, agent: &str) -> TokenRow {
    TokenRow { id: fresh(), team, agent: slug(agent), created_at: NOW, revoked_at: None, expires_at: None }
}

fn no_team(team: TeamId) -> RegistryError {
    RegistryError::NotFound { what: "team", id: team.to_string() }
}

async fn teams_are_listed_and_change_their_plan(registry: &RegistryUnderTest) {
    let limits = Limits { sustained_per_s: Some(7), burst: None, events_per_month: Some(u64::MAX), agents: Some(0) };
    let plans =
        [Plan::Starter, Plan::Team, Plan::Business, Plan::Enterprise(limits), Plan::Enterprise(Limits::default())];
    let mut teams: Vec<Team> = Vec::new();
    for (number, plan) in plans.into_iter().enumerate() {
        // Created later, listed later; the first two at one instant, in the order of their ids.
        let created_at = NOW.plus_millis(number.saturating_sub(1) as i64);
        let id: TeamId = fresh();
        let team = Team { id, name: format!("Tëam '{number}' {id}"), plan, created_at, archived_at: None };
        registry.registry.create_team(team.clone()).await.expect("created");
        teams.push(team);
    }
    teams.sort_by_key(|team| (team.created_at, team.id));
    let listed = async || -> Vec<Team> {
        let all = registry.registry.list_teams().await.expect("listed");
        all.into_iter().filter(|team| teams.iter().any(|ours| ours.id == team.id)).collect()
    };
    assert_eq!(listed().await, teams);

    let again = Team { name: format!("other than {}", teams[0].id), ..teams[0].clone() };
    let exists = RegistryError::Exists { what: "team", id: teams[0].id.to_string() };
    assert_eq!(registry.registry.create_team(again).await, Err(exists));
    assert_eq!(listed().await, teams, "a refusal changes nothing");

    registry.registry.set_plan(teams[1].id, Plan::Enterprise(limits)).await.expect("set");
    let after = listed().await;
    assert_eq!(after[1].plan, Plan::Enterprise(limits));
    assert_eq!((&after[0], &after[2..]), (&teams[0], &teams[2..]));
}

async fn an_unknown_team_is_refused_everywhere(registry: &RegistryUnderTest) {
    let team = fresh();
    let ports = &registry.registry;
    let hash = fresh_hash();
    assert_eq!(ports.set_plan(team, Plan::Team).await, Err(no_team(team)));
    assert_eq!(ports.rename_team(team, format!("Name of {team}")).await, Err(no_team(team)));
    assert_eq!(ports.set_archived(team, Some(NOW)).await, Err(no_team(team)));
    assert_eq!(ports.list_agents(team).await, Err(no_team(team)));
    assert_eq!(ports.archive_agent(team, slug("a"), NOW).await, Err(no_team(team)));
    let key = KeyRow { id: fresh(), team, access: KeyAccess::Full, created_at: NOW, revoked_at: None, label: None };
    assert_eq!(ports.create_key(key, hash).await, Err(no_team(team)));
    assert_eq!(ports.create_token(token_row(team, "a"), hash).await, Err(no_team(team)));
    assert_eq!(ports.set_rate(team, rate("p", "m", 1)).await, Err(no_team(team)));
    assert_eq!(ports.list_keys(team).await, Err(no_team(team)));
    assert_eq!(ports.list_tokens(team).await, Err(no_team(team)));
    assert_eq!(ports.list_rates(team).await, Err(no_team(team)));
    assert_eq!(registry.find(&hash).await, None);
    assert_eq!(registry.rates.own_rates(team).await.map(|card| card.rows()), Ok(Vec::new()));
}

fn rate(provider: &str, model: &str, nanos: u64) -> RateRow {
    let rate = Rate {
        input_per_million: Usd::from_nanos(nanos),
        cached_per_million: nanos.is_multiple_of(2).then_some(Usd::ZERO),
        output_per_million: Rate::MAX_PER_MILLION,
        batch_permille: 250,
    };
    RateRow { provider: provider.into(), model: model.into(), rate }
}

async fn rates_are_set_and_overwritten_per_team(registry: &RegistryUnderTest) {
    let (team, other) = (registry.team(Plan::Team).await, registry.team(Plan::Team).await);
    for row in [rate("p2", "m", 1), rate("p", "m2", 2), rate("p", "m", 3), rate("p", "m", 4)] {
        registry.registry.set_rate(team, row).await.expect("set");
    }
    registry.registry.set_rate(other, rate("p", "m", 5)).await.expect("set");
    let expected = vec![rate("p", "m", 4), rate("p", "m2", 2), rate("p2", "m", 1)];
    assert_eq!(registry.registry.list_rates(team).await, Ok(expected.clone()));
    assert_eq!(registry.rates.own_rates(team).await.map(|card| card.rows()), Ok(expected));
    assert_eq!(registry.registry.list_rates(other).await, Ok(vec![rate("p", "m", 5)]));
}

/// A plan whose agent cap is this.
fn capped(agents: u32) -> Plan {
    Plan::Enterprise(Limits { agents: Some(agents), ..Limits::default() })
}

/// What a ping token of this agent may do.
fn scope_of(agent: &str) -> Scope {
    Scope::Agent(slug(agent))
}
