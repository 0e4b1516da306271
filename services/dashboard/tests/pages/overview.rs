//! The overview says what is down, what failed and why, and what could not be judged.

use serde_json::json;
use tidegate_agentping::{Event, FinishStatus};

use crate::house::*;
use crate::spoken::Spoken;

/// Why a run failed is said by its end, or else by the last of its events that reported an error.
#[tokio::test]
async fn it_says_why_runs_failed() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("by-output")).await;
    let output = r#"{"error": {"message": "disk full on /var"}}"#;
    house.tell(team(1), run_id(1), finish(FinishStatus::Failed).output(output)).await;
    house.tell(team(1), run_id(2), start("by-event")).await;
    let errored = |id: u128, text: &str| Event {
        errored: true,
        ..event(id).kind("tool_call").data(&format!("{{\"tool\":\"search\",\"error\":\"{text}\"}}"))
    };
    house.tell(team(1), run_id(2), vec![errored(1, "first trouble"), errored(2, "last trouble"), event(3)]).await;
    house.tell(team(1), run_id(2), finish(FinishStatus::Success)).await;
    house.tell(team(1), run_id(3), start("silent")).await;
    house.tell(team(1), run_id(3), finish(FinishStatus::Timeout)).await;
    let cookie = house.sign_in(KEY_A).await;
    for _ in 0..2 {
        let page = house.get(Some(&cookie), "/teams/acme").await;
        page.has(&["disk full on /var", "search: last trouble", "it does not say"]);
        page.has_not(&["first trouble"]);
    }
    // More events: another reason.
    house.tell(team(1), run_id(2), vec![errored(4, "newest trouble")]).await;
    house.get(Some(&cookie), "/teams/acme").await.has(&["search: newest trouble"]);
}

/// A run that failed is found however many came after it; one that reported an error and went on, among the latest.
#[tokio::test]
async fn it_finds_what_failed_before_many_runs() {
    let house = House::open().await;
    let earlier = NOON.plus_millis(-3_600_000);
    house.tell(team(1), run_id(1), start("early").at(earlier)).await;
    house.tell(team(1), run_id(1), finish(FinishStatus::Failed).output(r#""disk full""#)).await;
    house.tell(team(1), run_id(2), start("shaky").at(earlier)).await;
    house.tell(team(1), run_id(2), vec![Event { errored: true, ..event(2) }]).await;
    house.tell(team(1), run_id(2), finish(FinishStatus::Success)).await;
    let cookie = house.sign_in(KEY_A).await;
    let page = async || house.get(Some(&cookie), "/teams/acme").await;
    page().await.has(&["disk full", "shaky", "1 success, 1 failed"]);
    for run in 3..=101 {
        house.tell(team(1), run_id(run), start("busy")).await;
    }
    house.tell(team(1), run_id(102), start("busy")).await;
    house.tell(team(1), run_id(102), finish(FinishStatus::Timeout).output(r#""too slow""#)).await;
    let many = page().await;
    many.has(&[
        "<dt>Runs today</dt><dd>102</dd>",
        "99 running, 1 success, 1 failed, 1 timeout",
        "disk full",
        "looked for among the latest 100 runs.",
    ]);
    many.has_not(&["shaky", "All with status"]);
    let at = |text: &str| many.text.find(text).unwrap_or_else(|| panic!("'{text}'"));
    assert!(at("too slow") < at("disk full"), "the newest first");
    assert_eq!(many.text.matches("too slow").count(), 1);
    for run in 103..=110 {
        house.tell(team(1), run_id(run), start("busy")).await;
        house.tell(team(1), run_id(run), finish(FinishStatus::Failed)).await;
    }
    let more = page().await;
    more.has(&[
        "href=\"/teams/acme/runs?status=failed&amp;from=2026-05-15T00%3A00%3A00.000Z\">All with status failed today",
        "All with status timeout today",
        "All runs of today",
    ]);
    more.has_not(&["disk full", "too slow"]);
}

#[tokio::test]
async fn it_says_what_is_down_and_what_was_not_judged() {
    let agents = json!([
        {"agent": "fine", "state": "up", "recent_slots": [{"at": "2026-05-15T02:00:00.000Z", "outcome": "unknown", "reason": "front_door"}]},
        {"agent": "broken", "state": "down", "since": "2026-05-15T10:00:00.000Z", "last_success": "2026-05-14T10:00:00.000Z", "recent_slots": []},
        {"agent": "slow", "state": "late", "since": "2026-05-15T11:59:00.000Z"},
    ]);
    let status =
        json!({"judged_until": "2026-05-15T11:50:00.000Z", "incidents_open": 1, "agents": agents, "next_cursor": null});
    let incident = json!({"id": "inc_eu_1", "agent": "broken", "kind": "schedule_missed", "status": "open", "severity": "error", "opened_at": "2026-05-15T10:00:00.000Z", "count": 3});
    let (api, _) = Spoken::of(vec![
        ("GET /v1/status", status),
        ("GET /v1/incidents", json!({"incidents": [incident], "next_cursor": null})),
    ]);
    let house = House::with_api(api).await;
    house.tell(team(1), run_id(1), start("fine")).await;
    let page = house.page("/teams/acme").await;
    page.has(&[
        "Down, unknown or late",
        "href=\"/teams/acme/agents/broken\"",
        "last success ",
        "Open incidents",
        "schedule_missed",
        "Not judged in the last 24 hours",
        "2026-05-15 02:00 UTC: no front door took records in, 1 slot",
        "Schedules are judged up to 2026-05-15 11:50:00 UTC",
    ]);
    let at = |text: &str| page.text.find(text).unwrap_or_else(|| panic!("'{text}'"));
    assert!(at("agents/broken\"") < at("agents/slow\""), "the gravest first");
    assert!(at("Down, unknown") < at("Failed or with errors") && at("Failed or with errors") < at("Latest runs"));
}

/// Agents whose first run did not come are shown, and not only what to send.
#[tokio::test]
async fn what_is_wrong_is_shown_before_the_first_run() {
    let agent = json!({"agent": "nightly", "state": "down", "since": "2026-05-15T02:10:00.000Z", "open_incidents": ["inc_eu_1"]});
    let (api, _) = Spoken::of(vec![("GET /v1/status", json!({"incidents_open": 1, "agents": [agent]}))]);
    let house = House::with_api(api).await;
    let page = house.page("/teams/acme").await;
    page.has(&["1 open incident", "Down, unknown or late", "No run has arrived yet", "href=\"/teams/acme/start\""]);
    page.has_not(&["Waiting for the first ping"]);
}
