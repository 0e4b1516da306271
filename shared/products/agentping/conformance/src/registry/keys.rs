//! API keys.

use std::sync::Arc;

use tidegate_agentping::{KeyAccess, KeyId, KeyLabel, Plan, Scope, TokenId};
use tidegate_agentping_ports::{CredentialRecord, HeldKey, KeyRow, RegistryError};

use super::{NOW, RegistryUnderTest, fresh, fresh_hash, scope_of, token_row};

pub(super) async fn a_key_is_found_by_its_hash_until_revoked(registry: &RegistryUnderTest) {
    let team = registry.team(Plan::Business).await;
    let (first, first_hash) = registry.key(team).await;
    let second = KeyRow {
        id: fresh(),
        team,
        access: KeyAccess::Read,
        created_at: NOW.plus_millis(1),
        revoked_at: None,
        label: None,
    };
    let second = KeyRow { label: Some(KeyLabel::parse("Grafana, täglich").expect("a label")), ..second };
    let second_hash = fresh_hash();
    registry.registry.create_key(second.clone(), second_hash).await.expect("created");
    let record = |key: &KeyRow| {
        let held = HeldKey { id: key.id, access: key.access };
        CredentialRecord {
            team,
            plan: Plan::Business,
            scope: Scope::Team,
            key: Some(held),
            expires_at: None,
            names: Arc::default(),
        }
    };
    for (hash, key) in [(first_hash, &first), (second_hash, &second)] {
        assert_eq!(registry.find(&hash).await, Some(record(key)));
    }
    assert_eq!(registry.find(&fresh_hash()).await, None);
    assert_eq!(registry.registry.list_keys(team).await, Ok(vec![first.clone(), second.clone()]));
    assert_eq!(registry.registry.list_tokens(team).await, Ok(Vec::new()));

    for later in [5, 6] {
        // The second time changes nothing: the first one stays.
        registry.registry.revoke_key(first.id, NOW.plus_millis(later)).await.expect("revoked");
        assert_eq!(registry.find(&first_hash).await, None, "at once, whatever the instant says");
        let revoked = KeyRow { revoked_at: Some(NOW.plus_millis(5)), ..first.clone() };
        assert_eq!(registry.registry.list_keys(team).await, Ok(vec![revoked, second.clone()]));
    }
    assert_eq!(registry.find(&second_hash).await, Some(record(&second)));
}

pub(super) async fn a_plan_change_shows_in_what_is_found(registry: &RegistryUnderTest) {
    let team = registry.team(Plan::Starter).await;
    let (_, key) = registry.key(team).await;
    let (_, token) = registry.token(team, "a").await;
    registry.registry.set_plan(team, Plan::Team).await.expect("set");
    for hash in [key, token] {
        assert_eq!(registry.find(&hash).await.map(|found| found.plan), Some(Plan::Team));
    }
}

pub(super) async fn neither_id_nor_secret_is_taken_twice(registry: &RegistryUnderTest) {
    let (team, other) = (registry.team(Plan::Team).await, registry.team(Plan::Team).await);
    let (key, key_hash) = registry.key(team).await;
    let (token, token_hash) = registry.token(team, "a").await;
    let exists = |what: &'static str, id: String| RegistryError::Exists { what, id };

    let unused = fresh_hash();
    let taken = KeyRow { team: other, ..key.clone() };
    assert_eq!(registry.registry.create_key(taken, unused).await, Err(exists("key", key.id.to_string())));
    let mut taken = token_row(other, "b");
    taken.id = token.id;
    assert_eq!(registry.registry.create_token(taken, unused).await, Err(exists("token", token.id.to_string())));
    let rotated =
        registry.registry.rotate_token(token.id, NOW.plus_millis(9), token.id, unused, NOW.plus_millis(1)).await;
    assert_eq!(rotated, Err(exists("token", token.id.to_string())));

    for hash in [key_hash, token_hash] {
        let fresh_key = KeyRow {
            id: fresh(),
            team: other,
            access: KeyAccess::Full,
            created_at: NOW,
            revoked_at: None,
            label: None,
        };
        let refused = exists("key", fresh_key.id.to_string());
        assert_eq!(registry.registry.create_key(fresh_key, hash).await, Err(refused));
        let fresh_token = token_row(other, "c");
        let refused = exists("token", fresh_token.id.to_string());
        assert_eq!(registry.registry.create_token(fresh_token, hash).await, Err(refused));
    }

    assert_eq!(registry.find(&unused).await, None);
    assert_eq!(registry.find(&key_hash).await.map(|found| (found.team, found.scope)), Some((team, Scope::Team)));
    assert_eq!(registry.find(&token_hash).await.map(|found| (found.team, found.scope)), Some((team, scope_of("a"))));
    assert_eq!(registry.registry.list_tokens(team).await, Ok(vec![token]), "nothing of it expires");
    assert_eq!(registry.registry.list_keys(other).await, Ok(Vec::new()));
    assert_eq!(registry.registry.list_tokens(other).await, Ok(Vec::new()));
}

pub(super) async fn revoking_what_is_not_there_is_refused(registry: &RegistryUnderTest) {
    let team = registry.team(Plan::Team).await;
    let (key, _) = registry.key(team).await;
    let (token, _) = registry.token(team, "a").await;
    let no_key = |id: KeyId| Err(RegistryError::NotFound { what: "key", id: id.to_string() });
    let no_token = |id: TokenId| Err(RegistryError::NotFound { what: "token", id: id.to_string() });
    let (unknown, unknown_token) = (fresh(), fresh());
    assert_eq!(registry.registry.revoke_key(unknown, NOW).await, no_key(unknown));
    assert_eq!(registry.registry.revoke_token(unknown_token, NOW).await, no_token(unknown_token));
    // A token's number names no key, and the other way round.
    let (as_key, as_token) =
        (KeyId::from_bits(token.id.region(), token.id.bits()), TokenId::from_bits(key.id.region(), key.id.bits()));
    assert_eq!(registry.registry.revoke_key(as_key, NOW).await, no_key(as_key));
    assert_eq!(registry.registry.revoke_token(as_token, NOW).await, no_token(as_token));
    assert_eq!(registry.registry.list_keys(team).await, Ok(vec![key]));
    assert_eq!(registry.registry.list_tokens(team).await, Ok(vec![token]));
}
