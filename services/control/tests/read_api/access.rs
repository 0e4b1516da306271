//! Who may read, and what of.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::json;
use tidegate_admission::Refusal;
use tidegate_agentping::{CredentialMistake, FinishStatus};
use tidegate_kernel::Region;

use crate::house::*;

const STARTED: &str = "2026-05-15T11:00:00.000Z";

#[tokio::test]
async fn another_teams_run_is_as_unknown_as_none() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("finder", STARTED)).await;
    let path = |number| format!("/v1/runs/{}", run_id(number));
    house.get(&path(1)).await.ok();
    let others = house.get_as(Some(KEY_B), &path(1)).await;
    let unknown = house.get_as(Some(KEY_B), &path(2)).await;
    assert_refusal(&others, 404, "not_found", None);
    assert_eq!(others.status, unknown.status);
    assert_eq!(others.text.replace(&run_id(1).to_string(), &run_id(2).to_string()), unknown.text);
    let names = |answer: &Answer| answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&others), names(&unknown));
}

#[tokio::test]
async fn one_id_from_two_teams_is_two_runs() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("finder", STARTED)).await;
    house.tell(team(2), run_id(1), start("other", STARTED)).await;
    house.tell(team(2), run_id(1), event(1, "log", STARTED, "{}")).await;
    house.tell(team(2), run_id(1), finish(FinishStatus::Failed, STARTED)).await;
    let path = format!("/v1/runs/{}", run_id(1));
    let (a, b) = (house.get(&path).await.ok(), house.get_as(Some(KEY_B), &path).await.ok());
    assert_eq!((&a["agent"], &a["status"], &a["events"]), (&json!("finder"), &json!("running"), &json!([])));
    assert_eq!((&b["agent"], &b["status"]), (&json!("other"), &json!("failed")));
}

#[tokio::test]
async fn every_listing_and_sum_is_within_the_team() {
    let house = House::open().await;
    let opened = start("secret-agent", STARTED).customer("acme");
    house.tell(team(1), run_id(1), opened).await;
    house.tell(team(1), run_id(1), vec![call(1, STARTED, "m", Some("3")), call(2, STARTED, "n", None)]).await;
    let for_b = async |path: &str| house.get_as(Some(KEY_B), path).await.ok();
    assert_eq!(for_b("/v1/runs").await, json!({"runs": [], "next_cursor": null}));
    assert_eq!(for_b("/v1/runs?agent=secret-agent").await["runs"], json!([]));
    assert_eq!(for_b("/v1/agents").await, json!({"agents": [], "next_cursor": null}));
    assert_eq!(for_b("/v1/usage").await["events"], 0);
    let spend = for_b("/v1/spend").await;
    assert_eq!((&spend["total_usd"], &spend["by_agent"], &spend["unpriced"]), (&json!(0), &json!([]), &json!([])));
    // Another team's cursor is only a place: it shows nothing of that team.
    house.tell(team(1), run_id(2), start("secret-agent", STARTED)).await;
    let page = house.get("/v1/runs?limit=1").await.ok();
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(for_b(&format!("/v1/runs?limit=1&cursor={cursor}")).await["runs"], json!([]));
}

#[tokio::test]
async fn both_headers_are_read_and_the_first_decides() {
    let house = House::open().await;
    let bearer = |key: &str| ("authorization", format!("Bearer {key}"));
    let plain = |key: &str| ("x-agentping-key", key.to_owned());
    let bad = "apk_eu_ffffffffffffffffffffffffffffffff";
    let cases = [
        (vec![bearer(KEY_A)], 200),
        (vec![plain(KEY_A)], 200),
        (vec![bearer(KEY_A), plain(bad)], 200),
        (vec![bearer(bad), plain(KEY_A)], 401),
        (vec![("authorization", format!("Basic {KEY_A}")), plain(KEY_A)], 401),
        (vec![("authorization", KEY_A.to_owned())], 401),
        (vec![], 401),
    ];
    for (headers, status) in cases {
        let answer = house.send(Method::GET, "/v1/usage", &headers).await;
        assert_eq!(answer.status.as_u16(), status, "{headers:?}");
        if status == 401 {
            assert_refusal(&answer, 401, "invalid_credential", None);
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
}

#[tokio::test]
async fn a_key_in_the_url_does_not_authenticate() {
    let house = House::open().await;
    for path in ["/v1/runs", "/v1/usage", "/v1/agents", "/v1/spend"] {
        let answer = house.get_as(None, &format!("{path}?key={KEY_A}")).await;
        assert_refusal(&answer, 401, "invalid_credential", None);
    }
    let beside = house.get(&format!("/v1/runs?key={KEY_A}")).await;
    assert_refusal(&beside, 400, "unknown_field", Some("key"));
    assert!(!beside.text.contains(KEY_A), "a credential is not repeated");
}

#[tokio::test]
async fn a_ping_token_reads_nothing() {
    let house = House::open().await;
    let run = format!("/v1/runs/{}", run_id(1));
    let receipt = format!("/v1/receipts/{}", receipt(team(1), 0, 0));
    for path in ["/v1/runs", &run, "/v1/agents", "/v1/usage", "/v1/spend", &receipt] {
        assert_refusal(&house.get_as(Some(TOKEN_A), path).await, 401, "scope_violation", None);
    }
}

#[tokio::test]
async fn each_refusal_of_a_credential_has_its_answer() {
    let mismatch = Refusal::RegionMismatch { credential: Region::Us, endpoint: Region::Eu };
    let malformed = |mistake| Refusal::CredentialMalformed { mistake };
    let cases = [
        ("malformed", malformed(CredentialMistake::Form), 401, "invalid_credential", "malformed"),
        ("'quoted'", malformed(CredentialMistake::Form), 401, "invalid_credential", "in quotes"),
        ("unknown", Refusal::CredentialUnknown, 401, "invalid_credential", "revoked"),
        ("fr", Refusal::CredentialRegionUnknown { region: "fr".to_owned() }, 400, "unknown_region", "'fr'"),
        ("us", mismatch, 401, "region_mismatch", "Credential region 'us' does not match endpoint region 'eu'."),
        ("down", Refusal::CredentialUnavailable { retry_after_s: 7 }, 503, "unavailable", "Retry in 7 seconds."),
        ("odd", Refusal::Undecided { retry_after_s: 1 }, 500, "internal", "failed"),
    ];
    let table = cases.iter().map(|(name, refusal, ..)| ((*name).to_owned(), Err(refusal.clone())));
    let house = House::with_callers(Callers(HashMap::from_iter(table))).await;
    for (name, _, status, code, says) in cases {
        let answer = house.get_as(Some(name), "/v1/runs").await;
        assert_refusal(&answer, status, code, None);
        assert!(answer.message().contains(says), "{}", answer.text);
        assert_eq!(answer.header("retry-after"), (status == 503).then_some("7"));
    }
}

#[tokio::test]
async fn who_asks_is_judged_before_what_is_asked() {
    let house = House::open().await;
    for path in ["/v1/runs?limit=bad", "/v1/runs/bad", "/v1/spend?month=bad", "/v1/usage?x=1", "/v1/receipts/bad"] {
        assert_refusal(&house.get_as(None, path).await, 401, "invalid_credential", None);
    }
}
