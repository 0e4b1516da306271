//! Pages that have nothing to show yet say what to do.

use reqwest::StatusCode;
use tidegate_agentping::HeartbeatStatus;

use crate::house::*;

/// The waiting page, without script too, and the run that it turns into (AC-73).
#[tokio::test]
async fn a_new_team_is_told_what_to_send() {
    let house = House::open().await;
    let cookie = house.sign_in(KEY_B).await;
    let at = |rest: &str| format!("/teams/other%20co%2F2{rest}");
    for path in [at(""), at("/start"), at("/start?agent=my%2Fjob"), at("/agents")] {
        let page = house.get(Some(&cookie), &path).await;
        page.has(&[
            "Waiting for the first ping",
            "/v1/ping?key=PING_TOKEN&amp;agent=",
            INGEST,
            "0 2 * * * ",
            "http-equiv=\"refresh\"",
            "data-live=\"",
        ]);
    }
    house.get(Some(&cookie), &at("/start?agent=my%2Fjob")).await.has(&["agent=my%2Fjob"]);
    house.get(Some(&cookie), &at("/runs")).await.has(&["No run has arrived yet", "/teams/other%20co%2F2/start"]);
    let long = house.get(Some(&cookie), &at(&format!("/start?agent={}", "x".repeat(129)))).await;
    assert!(long.status == StatusCode::BAD_REQUEST && long.text.contains("must be 1 to 128"), "{}", long.text);
    house.tell(team(2), run_id(1), heartbeat("my/job", HeartbeatStatus::Ok)).await;
    let turned = house.get(Some(&cookie), &at("/start")).await;
    let run = at(&format!("/runs/{}", run_id(1)));
    assert_eq!((turned.status, turned.location()), (StatusCode::SEE_OTHER, Some(run.as_str())));
    house.get(Some(&cookie), &run).await.has(&["my/job", "success"]);
    house.get(Some(&cookie), &at("")).await.has(&["Runs today", "my/job"]);
}

#[tokio::test]
async fn lists_without_rows_say_so() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("nightly")).await;
    let cookie = house.sign_in(KEY_A).await;
    for (path, text) in [
        ("/runs?status=failed", "No run passes these filters."),
        ("/agents?q=zzz", "No agent has this in its name."),
        ("/spend?month=2020-01", "No run began in this month."),
        ("/rates", "Every model that was called this month has a rate."),
        (&format!("/runs/{}", run_id(1)), "The run has no events."),
        ("/guard", "A job goes by rules if it asks before it starts: <code>POST /v1/guard/check</code>"),
        ("/alerts", "No incident is open. One opens when a run of a schedule is missed, when a run fails"),
    ] {
        house.get(Some(&cookie), &format!("/teams/acme{path}")).await.has(&[text]);
    }
}
