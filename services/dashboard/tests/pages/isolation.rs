//! AC-82: what is another team's answers like what does not exist.

use reqwest::StatusCode;
use tidegate_agentping::FinishStatus;

use crate::house::*;

#[tokio::test]
async fn another_teams_pages_are_not_there() {
    let house = House::open().await;
    house.tell(team(2), run_id(1), start("theirs").customer("their-customer")).await;
    house.tell(team(2), run_id(1), finish(FinishStatus::Success)).await;
    house.tell(team(1), run_id(2), start("ours")).await;
    let (ours, theirs) = (house.sign_in(KEY_A).await, house.sign_in(KEY_B).await);
    let run = run_id(1);
    for path in [
        "",
        "/agents",
        "/agents/theirs",
        "/runs",
        &format!("/runs/{run}"),
        "/spend",
        "/quotas",
        "/rates",
        "/keys",
        "/start",
        "/guard",
        "/alerts",
        "/routes",
        "/config",
    ] {
        let theirs_path = format!("/teams/other%20co%2F2{path}");
        let status = house.get(Some(&theirs), &theirs_path).await.status;
        assert!(
            status == StatusCode::OK || (path == "/start" && status == StatusCode::SEE_OTHER),
            "{theirs_path}: {status}"
        );
        let refused = house.get(Some(&ours), &theirs_path).await;
        let unknown = house.get(Some(&ours), &format!("/teams/unknown{path}")).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{theirs_path}");
        assert_eq!(refused.text, unknown.text);
    }
    for path in [format!("/runs/{run}"), format!("/runs/{run}/json"), "/agents/theirs".to_owned()] {
        let path = format!("/teams/acme{path}");
        assert_eq!(house.get(Some(&ours), &path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["", "/agents", "/runs", "/spend", "/quotas", "/keys"] {
        house.get(Some(&ours), &format!("/teams/acme{path}")).await.has_not(&["theirs", "their-customer", "other co"]);
    }
}

/// Pages refuse with pages, and the API with JSON.
#[tokio::test]
async fn each_refuses_in_its_own_way() {
    let house = House::open().await;
    let cookie = house.sign_in(KEY_A).await;
    for path in ["/teams/acme/nothing", "/teams/acme/runs/run_eu_1", "/assets/other.css", "/teams/acme/agents/x/y"] {
        let answer = house.get(Some(&cookie), path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        assert!(answer.header("x-request-id").is_some());
    }
    for path in ["/v1/nothing", "/v1/runs/run_eu_1", "/nothing"] {
        let answer = house.get(Some(&cookie), path).await;
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
    }
    // A session is no credential of the API, so no other site can have a browser read it.
    assert_eq!(house.get(Some(&cookie), "/v1/runs").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(house.get(None, "/healthz").await.text, "OK\n");
}
