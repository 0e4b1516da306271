//! Ping tokens: scope, rotation, and the cap on agents.

use std::sync::Arc;

use tidegate_agentping::Plan;
use tidegate_agentping_ports::{CredentialRecord, RegistryError, TokenRow};

use super::{NOW, RegistryUnderTest, capped, fresh, fresh_hash, scope_of, token_row};

const DAY_MS: i64 = 24 * 3_600_000;

pub(super) async fn a_token_is_found_with_its_agent(registry: &RegistryUnderTest) {
    let (team, other) = (registry.team(Plan::Team).await, registry.team(Plan::Starter).await);
    let (first, first_hash) = registry.token(team, "daily é").await;
    let (second, second_hash) = registry.token(team, "daily é").await;
    let (_, theirs) = registry.token(other, "daily é").await;
    let record = |team, plan| CredentialRecord {
        team,
        plan,
        scope: scope_of("daily é"),
        key: None,
        expires_at: None,
        names: Arc::default(),
    };
    assert_eq!(registry.find(&first_hash).await, Some(record(team, Plan::Team)));
    assert_eq!(registry.find(&second_hash).await, Some(record(team, Plan::Team)));
    assert_eq!(registry.find(&theirs).await, Some(record(other, Plan::Starter)));
    let mut both = vec![first.clone(), second.clone()];
    both.sort_by_key(|row| row.id);
    assert_eq!(registry.registry.list_tokens(team).await, Ok(both));
    assert_eq!(registry.registry.list_keys(team).await, Ok(Vec::new()));

    for later in [1, 2] {
        registry.registry.revoke_token(first.id, NOW.plus_millis(later)).await.expect("revoked");
        assert_eq!(registry.find(&first_hash).await, None);
        assert_eq!(registry.find(&second_hash).await, Some(record(team, Plan::Team)));
        let revoked = TokenRow { revoked_at: Some(NOW.plus_millis(1)), ..first.clone() };
        let mut both = vec![revoked, second.clone()];
        both.sort_by_key(|row| row.id);
        assert_eq!(registry.registry.list_tokens(team).await, Ok(both));
    }
}

pub(super) async fn rotation_leaves_both_until_the_old_one_expires(registry: &RegistryUnderTest) {
    let team = registry.team(Plan::Team).await;
    let (old, old_hash) = registry.token(team, "a").await;
    let (new, new_hash) = (fresh(), fresh_hash());
    let (now, expires_at) = (NOW.plus_millis(10), NOW.plus_millis(10 + DAY_MS));
    let rotated = registry.registry.rotate_token(old.id, expires_at, new, new_hash, now).await;
    let fresh_row =
        TokenRow { id: new, team, agent: old.agent.clone(), created_at: now, revoked_at: None, expires_at: None };
    assert_eq!(rotated, Ok(fresh_row.clone()));
    let ended = TokenRow { expires_at: Some(expires_at), ..old.clone() };
    assert_eq!(registry.registry.list_tokens(team).await, Ok(vec![ended, fresh_row]));
    let record = |expires_at| CredentialRecord {
        team,
        plan: Plan::Team,
        scope: scope_of("a"),
        key: None,
        expires_at,
        names: Arc::default(),
    };
    // Whether it has expired is the caller's to judge, by the caller's clock.
    assert_eq!(registry.find(&old_hash).await, Some(record(Some(expires_at))));
    assert_eq!(registry.find(&new_hash).await, Some(record(None)));
}

pub(super) async fn a_token_that_ended_is_not_rotated(registry: &RegistryUnderTest) {
    let team = registry.team(Plan::Team).await;
    let rotate = async |old, now| {
        let (new, hash) = (fresh(), fresh_hash());
        let rotated = registry.registry.rotate_token(old, NOW.plus_millis(DAY_MS), new, hash, now).await;
        let found = registry.find(&hash).await;
        assert_eq!(rotated.is_ok(), found.is_some(), "a refused rotation leaves nothing");
        rotated.map(|_| ())
    };
    let unknown = fresh();
    assert_eq!(rotate(unknown, NOW).await, Err(RegistryError::NotFound { what: "token", id: unknown.to_string() }));
    let (revoked, _) = registry.token(team, "a").await;
    registry.registry.revoke_token(revoked.id, NOW.plus_millis(5)).await.expect("revoked");
    let ended = |id: tidegate_agentping::TokenId| Err(RegistryError::Ended { what: "token", id: id.to_string() });
    assert_eq!(rotate(revoked.id, NOW).await, ended(revoked.id));
    let mut expiring = token_row(team, "a");
    expiring.expires_at = Some(NOW.plus_millis(100));
    registry.registry.create_token(expiring.clone(), fresh_hash()).await.expect("created");
    assert_eq!(rotate(expiring.id, NOW.plus_millis(100)).await, ended(expiring.id), "expired from that instant on");
    assert_eq!(rotate(expiring.id, NOW.plus_millis(99)).await, Ok(()));
}

pub(super) async fn rotating_twice_does_not_prolong(registry: &RegistryUnderTest) {
    let team = registry.team(Plan::Team).await;
    let (old, old_hash) = registry.token(team, "a").await;
    for (expires_at, stands) in [(500, 500), (900, 500), (300, 300)] {
        let rotate = registry.registry.rotate_token(old.id, NOW.plus_millis(expires_at), fresh(), fresh_hash(), NOW);
        rotate.await.expect("rotated");
        let found = registry.find(&old_hash).await.expect("there");
        assert_eq!(found.expires_at, Some(NOW.plus_millis(stands)));
    }
}

pub(super) async fn a_rotation_is_taken_back(registry: &RegistryUnderTest) {
    let team = registry.team(Plan::Team).await;
    let (old, old_hash) = registry.token(team, "a").await;
    for (earlier, stands) in [(None, None), (Some(300), Some(NOW.plus_millis(300)))] {
        if let Some(earlier) = earlier {
            let rotate = registry.registry.rotate_token(old.id, NOW.plus_millis(earlier), fresh(), fresh_hash(), NOW);
            rotate.await.expect("rotated");
        }
        let (new, new_hash, expires_at) = (fresh(), fresh_hash(), NOW.plus_millis(DAY_MS));
        registry.registry.rotate_token(old.id, expires_at, new, new_hash, NOW).await.expect("rotated");
        registry.registry.undo_rotation(old.id, expires_at, new, NOW).await.expect("taken back");
        assert_eq!(registry.find(&new_hash).await, None);
        let found = registry.find(&old_hash).await.expect("the old one works");
        assert_eq!(found.expires_at, stands, "an earlier end stands, the rotation's own goes");
    }
}

pub(super) async fn a_new_agent_above_the_cap_is_refused(registry: &RegistryUnderTest) {
    let (team, other) = (registry.team(capped(2)).await, registry.team(capped(2)).await);
    let (first, _) = registry.token(team, "one").await;
    registry.token(team, "two").await;
    let (row, hash) = (token_row(team, "three"), fresh_hash());
    let refused = Err(RegistryError::AgentCap { cap: 2, slug: "three".into() });
    assert_eq!(registry.registry.create_token(row.clone(), hash).await, refused);
    assert_eq!(registry.find(&hash).await, None);
    assert_eq!(registry.registry.list_tokens(team).await.map(|rows| rows.len()), Ok(2));

    // Old agents take more tokens, a revoked token leaves its agent, and another team has a cap of its own.
    registry.token(team, "one").await;
    registry.registry.revoke_token(first.id, NOW).await.expect("revoked");
    assert_eq!(registry.registry.create_token(row.clone(), hash).await, refused);
    registry.token(other, "three").await;

    registry.registry.set_plan(team, capped(3)).await.expect("set");
    assert_eq!(registry.registry.create_token(row, hash).await, Ok(()));
    assert_eq!(registry.find(&hash).await.map(|found| found.scope), Some(scope_of("three")));
}

pub(super) async fn a_plan_without_a_cap_takes_any_number(registry: &RegistryUnderTest) {
    let team = registry.team(Plan::Enterprise(tidegate_agentping::Limits::default())).await;
    for number in 0..101 {
        registry.token(team, &format!("agent {number}")).await;
    }
    assert_eq!(registry.registry.list_tokens(team).await.map(|rows| rows.len()), Ok(101));
}
