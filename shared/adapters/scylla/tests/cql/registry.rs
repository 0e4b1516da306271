//! The registry's suite on a real cluster.

use std::sync::Arc;

use tidegate_agentping::{CredentialHash, KeyAccess, Limits, Plan, RunKey, Slug};
use tidegate_agentping_conformance::registry::{RegistryUnderTest, suite};
use tidegate_agentping_ports::{Agents, Credentials, KeyRow, Registry, RegistryError, Team, TokenRow};
use tidegate_scylla::{Cql, ScyllaOptions, ScyllaRegistry, ScyllaStore, agentping};

use crate::support::history::{NOON, apply, fresh, record, start};
use crate::support::proxy::{EXECUTE, Gate, Proxy};
use crate::support::{Keyspace, options};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite() {
    let keyspace = Keyspace::shared().await;
    let registry = Arc::new(ScyllaRegistry::new(keyspace.connect().await));
    let parts = RegistryUnderTest { registry: registry.clone(), credentials: registry.clone(), rates: registry };
    suite(&parts).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_with_runs_count_towards_the_cap_of_a_new_token() {
    let keyspace = Keyspace::shared().await;
    let cql = keyspace.connect().await;
    let (registry, store) = (ScyllaRegistry::new(cql.clone()), ScyllaStore::new(cql));
    let plan = Plan::Enterprise(Limits { agents: Some(2), ..Limits::default() });
    let team = fresh();
    registry
        .create_team(Team { id: team, name: format!("Team of {team}"), plan, created_at: NOON, archived_at: None })
        .await
        .expect("created");
    for agent in ["one", "two"] {
        let key = RunKey { team, run: fresh() };
        apply(&store, &[record(key, NOON, start(agent, NOON))], 0, 1).await.expect("applied");
    }
    let token = |agent: &str| TokenRow {
        id: fresh(),
        team,
        agent: Slug::parse(agent).expect("a slug"),
        created_at: NOON,
        revoked_at: None,
        expires_at: None,
    };
    let refused = Err(RegistryError::AgentCap { cap: 2, slug: "three".into() });
    assert_eq!(registry.create_token(token("three"), CredentialHash([1; 32])).await, refused);
    assert_eq!(registry.create_token(token("two"), CredentialHash([2; 32])).await, Ok(()));
    assert_eq!(store.slugs(team).await.map(|slugs| slugs.len()), Ok(2));
}

/// A call that was broken off leaves the id taken; the same call again completes it, a third one finds it there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_creation_broken_off_is_completed() {
    let keyspace = Keyspace::shared().await;
    let registry = ScyllaRegistry::new(keyspace.connect().await);
    let team = fresh();
    registry
        .create_team(Team {
            id: team,
            name: format!("Team of {team}"),
            plan: Plan::Team,
            created_at: NOON,
            archived_at: None,
        })
        .await
        .expect("created");
    let key = KeyRow { id: fresh(), team, access: KeyAccess::Full, created_at: NOON, revoked_at: None, label: None };
    let hash = CredentialHash([7; 32]);
    let text =
        format!("INSERT INTO {}.credential_ids (kind, id, hash) VALUES ('key', ?, ?) IF NOT EXISTS", keyspace.name);
    crate::support::session().await.query_unpaged(text, (key.id.to_string(), &hash.0[..])).await.expect("written");

    assert_eq!(registry.find(&hash).await, Ok(None));
    assert_eq!(registry.list_keys(team).await, Ok(Vec::new()));
    let other = CredentialHash([8; 32]);
    let exists = Err(RegistryError::Exists { what: "key", id: key.id.to_string() });
    assert_eq!(registry.create_key(key.clone(), other).await, exists, "another secret under that id");
    assert_eq!(registry.create_key(key.clone(), hash).await, Ok(()));
    assert!(registry.find(&hash).await.expect("read").is_some());
    assert_eq!(registry.create_key(key.clone(), hash).await, exists);
    assert_eq!(registry.list_keys(team).await, Ok(vec![key]));
}

/// More than a rotation has.
const MOST_STATEMENTS: u8 = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_broken_off_anywhere_leaves_a_token_that_works() {
    let keyspace = Keyspace::shared().await;
    let registry = ScyllaRegistry::new(keyspace.connect().await);
    let team = fresh();
    registry
        .create_team(Team {
            id: team,
            name: format!("Team of {team}"),
            plan: Plan::Team,
            created_at: NOON,
            archived_at: None,
        })
        .await
        .expect("created");
    let proxy = Proxy::of(EXECUTE).await;
    let (end, mut broken) = (NOON.plus_millis(1_000), 0);
    for passes in 0..MOST_STATEMENTS {
        let agent = Slug::parse("an agent").expect("a slug");
        let old = TokenRow { id: fresh(), team, agent, created_at: NOON, revoked_at: None, expires_at: None };
        let hashes = [1, 2, 3].map(|kind| {
            let mut hash = [passes; 32];
            (hash[0], hash[31]) = (kind, 0xff);
            CredentialHash(hash)
        });
        registry.create_token(old.clone(), hashes[0]).await.expect("created");
        proxy.set(Gate::Open);
        let options = ScyllaOptions { nodes: vec![proxy.address.clone()], retries: 0, ..options(&keyspace.name) };
        let dying = ScyllaRegistry::new(Cql::connect(&options, &agentping::SCHEMA).await.expect("connected"));
        proxy.set(Gate::Passes(passes.into()));
        let rotated = dying.rotate_token(old.id, end, fresh(), hashes[1], NOON).await;
        let is_whole = !proxy.has_cut();
        let old_token = registry.find(&hashes[0]).await.expect("read").expect("the old one still works");
        match rotated {
            Ok(_) => {
                assert_eq!(old_token.expires_at, Some(end));
                assert!(registry.find(&hashes[1]).await.expect("read").is_some());
            }
            Err(error) => {
                assert!(!is_whole, "{error}");
                broken += 1;
            }
        }
        // Whatever was left, rotating again works.
        registry.rotate_token(old.id, end, fresh(), hashes[2], NOON).await.expect("rotated");
        assert!(registry.find(&hashes[2]).await.expect("read").is_some());
        assert_eq!(registry.find(&hashes[0]).await.expect("read").expect("there").expires_at, Some(end));
        if is_whole {
            break;
        }
    }
    assert!(0 < broken && broken < usize::from(MOST_STATEMENTS), "{broken} were broken off");
}
