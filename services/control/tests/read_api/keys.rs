//! `/v1/keys`: keys by their ids.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_agentping::{CredentialHash, KeyAccess, KeyLabel};
use tidegate_agentping_ports::key_uses::{key_use, last_key_uses};
use tidegate_agentping_ports::{KeyRow, Registry};
use tidegate_ports::Rows;
use tokio::time::{interval, timeout};

use crate::house::*;

/// A key of a team, made some seconds after noon.
async fn made(house: &House, number: u8, of: u128, label: Option<&str>) -> KeyRow {
    let row = KeyRow {
        id: key_id(u128::from(number)),
        team: team(of),
        access: if number == 12 { KeyAccess::Read } else { KeyAccess::Full },
        created_at: at(NOON).plus_millis(i64::from(number) * 1_000),
        revoked_at: None,
        label: label.map(|label| KeyLabel::parse(label).unwrap()),
    };
    house.registry.create_key(row.clone(), CredentialHash([number; 32])).await.unwrap();
    row
}

/// AC-82: each team's own, newest first, with labels, last uses and ends, by pages; a key that may only read sees them.
#[tokio::test]
async fn keys_are_listed_without_their_secrets() {
    let house = House::open().await;
    assert_eq!(house.get("/v1/keys").await.ok(), json!({"keys": [], "next_cursor": null}));
    let first = made(&house, 11, 1, Some("ci, deploys")).await;
    let second = made(&house, 12, 1, None).await;
    let theirs = made(&house, 13, 2, Some("theirs")).await;
    let used = at(NOON).plus_millis(60_000);
    house.rows.put(Arc::new(vec![key_use(first.id, used)]), used).await.unwrap();
    house.registry.revoke_key(second.id, used).await.unwrap();
    let first_view = json!({
        "id": first.id, "label": "ci, deploys", "access": "full", "created_at": "2026-05-15T12:00:11.000Z",
        "last_used_at": "2026-05-15T12:01:00.000Z",
    });
    let second_view = json!({
        "id": second.id, "access": "read", "created_at": "2026-05-15T12:00:12.000Z",
        "revoked_at": "2026-05-15T12:01:00.000Z",
    });
    let all = json!({"keys": [second_view, first_view], "next_cursor": null});
    assert_eq!(house.get("/v1/keys").await.ok(), all);
    assert_eq!(house.get_as(Some(KEY_READS), "/v1/keys").await.ok(), all);
    assert_eq!(house.get_as(Some(KEY_B), "/v1/keys").await.ok()["keys"][0]["id"], json!(theirs.id));
    let page = house.get("/v1/keys?limit=1").await.ok();
    let next = house.get(&format!("/v1/keys?limit=1&cursor={}", page["next_cursor"].as_str().unwrap())).await.ok();
    assert_eq!((&page["keys"], &next["keys"]), (&json!([second_view]), &json!([first_view])));
    assert_eq!(next["next_cursor"], Value::Null);
    assert_refusal(&house.get("/v1/keys?cursor=x").await, 400, "invalid_field", Some("cursor"));
}

/// Each key that asks is noted, once in five minutes.
#[tokio::test]
async fn the_last_use_of_a_key_is_noted() {
    let house = House::open().await;
    let ids = [key_id(1), key_id(2), key_id(3)];
    let noted = async |expected: [Option<&str>; 3]| {
        let expected = expected.map(|text| text.map(at));
        let waiting = async {
            let mut look = interval(Duration::from_millis(5));
            while last_key_uses(&house.rows, &ids).await.unwrap() != expected {
                look.tick().await;
            }
        };
        assert!(timeout(Duration::from_secs(60), waiting).await.is_ok(), "{expected:?}");
    };
    noted([None; 3]).await;
    house.get("/v1/runs").await.ok();
    noted([Some(NOON), None, None]).await;
    house.clock.advance_ms(299_999);
    house.get("/v1/runs").await.ok();
    // What was asked later is written later: nothing came of the one before.
    house.get_as(Some(KEY_READS), "/v1/team").await.ok();
    noted([Some(NOON), Some("2026-05-15T12:04:59.999Z"), None]).await;
    house.clock.advance_ms(1);
    house.get("/v1/runs").await.ok();
    noted([Some("2026-05-15T12:05:00.000Z"), Some("2026-05-15T12:04:59.999Z"), None]).await;
}
