//! Ids: their pattern, their region, and who they belong to.

use serde_json::json;
use tidegate_tests::{ids, wire};

use crate::team;

/// What is not a run id, apart from the region.
fn malformed() -> Vec<String> {
    let hex = "018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6";
    vec![
        hex.to_owned(),
        format!("run_{hex}"),
        format!("run_eu_{}", &hex[1..]),
        format!("run_eu_{hex}0"),
        format!("evt_eu_{hex}"),
        format!("Run_eu_{hex}"),
        format!("run_EU_{hex}"),
        format!("run_e1_{hex}"),
        format!("run_eur_{hex}"),
        format!("run_eu_{}g", &hex[1..]),
        format!("run_eu_ {}", &hex[1..]),
        format!(" run_eu_{hex}"),
        format!("run_eu_{hex}\n"),
        "run_eu_018f3a2b-9c1d-7e8f-a4b9-c2d7e8f1a3b6".to_owned(),
        "run_eu_é18f3a2b9c1d7e8fa4b9c2d7e8f1a3b".to_owned(),
    ]
}

const MESSAGE: &str = "Field 'id' must match pattern run_(eu|us)_[0-9a-f]{32}.";

/// AP-08: an id that does not match the pattern is `invalid_id` on `id`, with the published message.
#[tokio::test]
async fn a_run_id_matches_the_pattern() {
    let (_target, team) = team().await;
    for id in malformed() {
        let answer = team.start(&wire::start(&id, "a")).await.refused(400, "invalid_id", Some("id"));
        assert_eq!(answer.message(), MESSAGE, "{id}");
        let heartbeat = json!({"id": id, "agent": "a"});
        team.heartbeat(&heartbeat).await.refused(400, "invalid_id", Some("id"));
    }
    team.lists_exactly(&[]).await;
    team.usage_is(0).await;
}

/// AP-08: a path id that does not match the pattern is refused the same way, never with 404 (our choice).
#[tokio::test]
async fn a_path_id_matches_the_pattern() {
    let (_target, team) = team().await;
    for id in malformed() {
        let id = tidegate_tests::client::encode(&id);
        let events = json!({"events": [wire::log_event(&team.event_id())]});
        let answer = team.events(&id, &events).await.refused(400, "invalid_id", Some("id"));
        assert_eq!(answer.message(), MESSAGE, "{id}");
        team.finish(&id, &wire::finish()).await.refused(400, "invalid_id", Some("id"));
    }
}

/// AP-08: event ids match their pattern; a wrong type is `invalid_field` (our choice).
#[tokio::test]
async fn an_event_id_matches_the_pattern() {
    let (target, team) = team().await;
    let run = team.run_id();
    for id in malformed().iter().map(|id| id.replace("evt", "run").replace("run_", "evt_")).skip(1) {
        if id.starts_with("evt_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6") && id.len() == 39 {
            continue;
        }
        let answer = team.batch(&run, &[wire::log_event(&id)]).await;
        let answer = answer.refused(400, "invalid_id", Some("events[0].external_id"));
        assert!(answer.message().contains("evt_(eu|us)_[0-9a-f]{32}"), "{answer}");
    }
    let run_id_instead = wire::log_event(&ids::fresh("run", &target.region));
    team.batch(&run, &[run_id_instead]).await.refused(400, "invalid_id", Some("events[0].external_id"));
    for id in [json!(7), json!(["evt"]), json!(true)] {
        let event = wire::with(wire::log_event("x"), "external_id", id.clone());
        team.batch(&run, &[event]).await.refused(400, "invalid_field", Some("events[0].external_id"));
        team.start(&wire::with(wire::start("x", "a"), "id", id)).await.refused(400, "invalid_field", Some("id"));
    }
}

/// AP-09: a two-letter region outside the allowlist is `unknown_region`, and the message names it.
#[tokio::test]
async fn an_unknown_region_is_named() {
    let (_target, team) = team().await;
    let run = ids::fresh("run", "fr");
    let refused = |answer: tidegate_tests::Answer| {
        assert_eq!(answer.json()["error"], "unknown_region", "{answer}");
        assert!(answer.message().contains("fr"), "{answer}");
        answer.expect(400);
    };
    refused(team.start(&wire::start(&run, "a")).await);
    refused(team.finish(&run, &wire::finish()).await);
    refused(team.batch(&run, &[wire::log_event(&team.event_id())]).await);
    refused(team.heartbeat(&json!({"id": run, "agent": "a"})).await);
    refused(team.batch(&team.run_id(), &[wire::log_event(&ids::fresh("evt", "fr"))]).await);
}

/// AP-10: upper-case hex is `invalid_id`.
#[tokio::test]
async fn hex_is_lower_case() {
    let (target, team) = team().await;
    let id = format!("run_{}_018F3A2B9C1D7E8FA4B9C2D7E8F1A3B6", target.region);
    team.start(&wire::start(&id, "a")).await.refused(400, "invalid_id", Some("id"));
    team.finish(&id, &wire::finish()).await.refused(400, "invalid_id", Some("id"));
    team.heartbeat(&json!({"id": id, "agent": "a"})).await.refused(400, "invalid_id", Some("id"));
}

/// AP-08: a run lives in its own region: the other region's run id is `invalid_id` (our choice).
#[tokio::test]
async fn a_run_of_the_other_region_is_refused() {
    let (target, team) = team().await;
    let run = ids::fresh("run", target.other_region());
    team.start(&wire::start(&run, "a")).await.refused(400, "invalid_id", Some("id"));
    team.finish(&run, &wire::finish()).await.refused(400, "invalid_id", Some("id"));
    team.batch(&run, &[wire::log_event(&team.event_id())]).await.refused(400, "invalid_id", Some("id"));
    team.heartbeat(&json!({"id": run, "agent": "a"})).await.refused(400, "invalid_id", Some("id"));
}

/// AP-01: the version bits of a client's id are not checked, nor is its time (our choice).
#[tokio::test]
async fn any_hex_will_do() {
    let (target, team) = team().await;
    for digit in ["0", "a", "f"] {
        let run = format!("run_{}_{}", target.region, digit.repeat(32));
        let start = wire::start(&run, "a");
        team.start(&start).await.expect(202);
        team.start(&start).await.expect(200);
        let event = wire::log_event(&format!("evt_{}_{}", target.region, digit.repeat(32)));
        team.batch(&run, std::slice::from_ref(&event)).await.expect(202);
        team.run_with_events(&run, 1).await;
        team.batch(&run, &[event]).await.expect(200);
    }
}
