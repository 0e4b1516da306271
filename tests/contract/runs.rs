//! `POST /v1/runs`: opening a run.

use serde_json::{Value, json};
use tidegate_tests::clock::{HOUR_MS, MINUTE_MS, iso, now_ms, read_iso};
use tidegate_tests::{Plan, Team, wire};

use crate::{team, team_on};

/// AP-01: a valid start answers 202 with `id`, `agent`, `started_at`, `received_at` and `status: "running"`.
#[tokio::test]
async fn a_start_is_accepted_and_echoed() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let body = json!({"id": run, "agent": "daily-summary", "started_at": "2026-05-15T14:32:01.123Z"});
    let before = now_ms();
    let answer = team.start(&body).await.expect(202);
    assert_eq!(answer.members(), ["agent", "id", "received_at", "started_at", "status"]);
    let said = answer.json();
    assert_eq!(said["id"], run.as_str());
    assert_eq!(said["agent"], "daily-summary");
    assert_eq!(said["started_at"], "2026-05-15T14:32:01.123Z");
    assert_eq!(said["status"], "running");
    let received = read_iso(said["received_at"].as_str().unwrap());
    assert!((before - MINUTE_MS..=now_ms() + MINUTE_MS).contains(&received), "the server's clock: {answer}");
    let stored = team.stored_run(&run).await;
    for member in ["id", "agent", "started_at", "received_at", "status"] {
        assert_eq!(stored[member], said[member], "{member} is stored as answered");
    }
}

/// AP-02: the same again answers 200 with the same `received_at` and stores nothing new.
#[tokio::test]
async fn a_repeat_is_answered_and_changes_nothing() {
    let (_target, team) = team().await;
    let body = wire::start(&team.run_id(), "repeats");
    let first = team.start(&body).await.expect(202).json();
    for _ in 0..3 {
        assert_eq!(team.start(&body).await.expect(200).json(), first);
    }
    let run = body["id"].as_str().unwrap();
    let settled = team.settled(run).await;
    assert_eq!(settled["received_at"], first["received_at"]);
    team.usage_is(2).await;
    team.lists_exactly(&[run.to_owned()]).await;
}

/// AP-03: the same id with another agent is a conflict that names the id, both agents and the stored start.
#[tokio::test]
async fn another_agent_is_a_conflict() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let body = json!({"id": run, "agent": "daily-summary", "started_at": "2026-05-15T14:32:01.123Z"});
    team.start(&body).await.expect(202);
    let answer = team.start(&wire::with(body, "agent", json!("competitor-scan"))).await;
    let answer = answer.refused(409, "id_conflict", Some("agent"));
    assert_eq!(
        answer.message(),
        format!(
            "Run '{run}' exists with agent 'daily-summary', started_at 2026-05-15T14:32:01.123Z. \
             Supplied agent 'competitor-scan' does not match."
        )
    );
    assert_eq!(team.settled(&run).await["agent"], "daily-summary");
    // A refused start makes no agent.
    team.agents_are(&["daily-summary"]).await;
}

/// AP-04: the same id with another `started_at` is a conflict on that field; with both different, `agent` is named.
#[tokio::test]
async fn another_start_time_is_a_conflict() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let body = json!({"id": run, "agent": "a", "started_at": "2026-05-15T14:32:01.123Z"});
    team.start(&body).await.expect(202);
    let later = wire::with(body, "started_at", json!("2026-05-15T14:32:01.124Z"));
    let answer = team.start(&later).await.refused(409, "id_conflict", Some("started_at"));
    assert_eq!(
        answer.message(),
        format!(
            "Run '{run}' exists with agent 'a', started_at 2026-05-15T14:32:01.123Z. \
             Supplied started_at 2026-05-15T14:32:01.124Z does not match."
        )
    );
    team.start(&wire::with(later, "agent", json!("b"))).await.refused(409, "id_conflict", Some("agent"));
    assert_eq!(team.settled(&run).await["started_at"], "2026-05-15T14:32:01.123Z");
}

/// AP-05: the same instant written in another way is no conflict; it is echoed in the one wire form.
#[tokio::test]
async fn an_instant_is_an_instant() {
    let (_target, team) = team().await;
    let body = json!({"id": team.run_id(), "agent": "clocks", "started_at": "2026-05-15T14:32:01.120Z"});
    team.start(&body).await.expect(202);
    let spellings = [
        "2026-05-15T14:32:01.12Z",
        "2026-05-15T14:32:01.120+00:00",
        "2026-05-15T16:32:01.12+02:00",
        "2026-05-15T09:02:01.120-05:30",
        "2026-05-15T14:32:01.120000000Z",
        "2026-05-15T14:32:01.120999Z",
    ];
    for spelling in spellings {
        let answer = team.start(&wire::with(body.clone(), "started_at", json!(spelling))).await.expect(200);
        assert_eq!(answer.json()["started_at"], "2026-05-15T14:32:01.120Z", "{spelling}");
    }
}

/// AP-06: other optional members are no conflict, and the first ones stay.
#[tokio::test]
async fn the_first_optional_members_stay() {
    let (_target, team) = team().await;
    let mut body = wire::start(&team.run_id(), "first-wins");
    for (member, value) in [("customer_id", json!("c-1")), ("feature", json!("f-1")), ("metadata", json!({"k": 1}))] {
        body = wire::with(body, member, value);
    }
    team.start(&body).await.expect(202);
    for (member, value) in [("customer_id", json!("c-2")), ("feature", json!("f-2")), ("metadata", json!({"k": 2}))] {
        team.start(&wire::with(body.clone(), member, value)).await.expect(200);
        team.start(&wire::without(body.clone(), member)).await.expect(200);
    }
    let stored = team.settled(body["id"].as_str().unwrap()).await;
    assert_eq!(stored["customer_id"], "c-1");
    assert_eq!(stored["feature"], "f-1");
    assert_eq!(stored["metadata"], json!({"k": 1}));
}

/// AP-07: a missing required member is `missing_field` with its name; `null` and `""` count as missing (our choice).
#[tokio::test]
async fn required_members_are_required() {
    let (_target, team) = team().await;
    for member in ["id", "agent", "started_at"] {
        let body = wire::start(&team.run_id(), "a");
        let answer = team.start(&wire::without(body.clone(), member)).await;
        let answer = answer.refused(400, "missing_field", Some(member));
        assert!(answer.message().contains(member), "the message names it: {answer}");
        for nothing in [Value::Null, json!("")] {
            let answer = team.start(&wire::with(body.clone(), member, nothing)).await;
            answer.refused(400, "missing_field", Some(member));
        }
    }
    team.lists_exactly(&[]).await;
    team.usage_is(0).await;
}

/// AP-13: `parent_run_id`, `goal`, `idle_timeout_seconds` and `idle_timeout_status` are accepted on a start.
#[tokio::test]
async fn the_members_that_sdks_add_are_accepted() {
    let (_target, team) = team().await;
    let (run, parent) = (team.run_id(), team.run_id());
    let mut body = wire::start(&run, "child");
    for (member, value) in [
        ("parent_run_id", json!(parent)),
        ("goal", json!("Answer the customer's question.")),
        ("idle_timeout_seconds", json!(900)),
        ("idle_timeout_status", json!("success")),
    ] {
        body = wire::with(body, member, value);
    }
    team.start(&body).await.expect(202);
    assert_eq!(team.stored_run(&run).await["parent_run_id"], parent.as_str());
}

/// AP-13: a parent need not exist and may be another agent's, but must be a run id (our choice).
#[tokio::test]
async fn a_parent_is_a_run_id() {
    let (_target, team) = team().await;
    let parent = wire::start(&team.run_id(), "parent");
    team.start(&parent).await.expect(202);
    let child = wire::with(wire::start(&team.run_id(), "child"), "parent_run_id", parent["id"].clone());
    team.start(&child).await.expect(202);
    for parent in ["run_eu_12", "evt_eu_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6", "018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6"] {
        let body = wire::with(wire::start(&team.run_id(), "child"), "parent_run_id", json!(parent));
        team.start(&body).await.refused(400, "invalid_id", Some("parent_run_id"));
    }
}

/// AP-14: the silence may be 60 to 86,400 seconds, a whole number, and its status one of the four.
#[tokio::test]
async fn the_idle_timeout_has_bounds() {
    let (_target, team) = team().await;
    let body = |seconds: Value| wire::with(wire::start(&team.run_id(), "idle"), "idle_timeout_seconds", seconds);
    for accepted in [60, 86_400] {
        team.start(&body(json!(accepted))).await.expect(202);
    }
    for refused in [json!(59), json!(86_401), json!(0), json!(-60), json!(60.5), json!("60"), json!(1e30)] {
        team.start(&body(refused)).await.refused(400, "invalid_field", Some("idle_timeout_seconds"));
    }
    for status in ["success", "failed", "timeout", "cancelled"] {
        team.start(&wire::with(body(json!(60)), "idle_timeout_status", json!(status))).await.expect(202);
    }
    for status in ["running", "error", "ok", "SUCCESS"] {
        let body = wire::with(body(json!(60)), "idle_timeout_status", json!(status));
        team.start(&body).await.refused(400, "invalid_field", Some("idle_timeout_status"));
    }
}

/// AP-14: a status without the seconds is refused (our choice).
#[tokio::test]
async fn an_idle_status_needs_the_seconds() {
    let (_target, team) = team().await;
    let body = wire::with(wire::start(&team.run_id(), "idle"), "idle_timeout_status", json!("success"));
    let answer = team.start(&body).await.expect(400);
    assert!(["invalid_field", "missing_field"].contains(&answer.json()["error"].as_str().unwrap()), "{answer}");
    assert!(answer.json()["field"].as_str().unwrap().starts_with("idle_timeout_"), "{answer}");
    team.lists_exactly(&[]).await;
}

/// AP-02: a repeat after the finish shows the current status, everything else unchanged (our choice).
#[tokio::test]
async fn a_repeat_after_the_finish_shows_how_it_ended() {
    let (_target, team) = team().await;
    let body = wire::start(&team.run_id(), "finished");
    let first = team.start(&body).await.expect(202).json();
    let finish = wire::with(wire::finish(), "status", json!("failed"));
    team.finish(body["id"].as_str().unwrap(), &finish).await.expect(202);
    let again = team.start(&body).await.expect(200).json();
    assert_eq!(again, wire::with(first, "status", json!("failed")));
}

/// AP-54: the same run id from two teams is two runs, and neither sees or blocks the other (our choice).
#[tokio::test]
async fn a_run_id_belongs_to_the_team_that_sent_it() {
    let (target, one) = team().await;
    let two = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let run = one.run_id();
    one.start(&wire::start(&run, "theirs")).await.expect(202);
    let answer = two.start(&wire::start(&run, "mine")).await.expect(202);
    assert_eq!(answer.json()["agent"], "mine");
    two.finish(&run, &wire::finish()).await.expect(202);
    assert_eq!(two.closed_run(&run).await["agent"], "mine");
    let settled = one.settled(&run).await;
    assert_eq!((&settled["agent"], &settled["status"]), (&json!("theirs"), &json!("running")));
}

/// Our choice: clocks are accepted as sent, however far off.
#[tokio::test]
async fn a_skewed_clock_is_accepted() {
    let (_target, team) = team().await;
    let moments = ["1970-01-01T00:00:00.000Z", "2001-09-09T01:46:40.000Z", "2099-12-31T23:59:59.999Z"];
    let near = [iso(now_ms() + HOUR_MS), iso(now_ms() - HOUR_MS)];
    for moment in moments.iter().map(|moment| (*moment).to_owned()).chain(near) {
        let body = wire::with(wire::start(&team.run_id(), "skewed"), "started_at", json!(moment));
        assert_eq!(team.start(&body).await.expect(202).json()["started_at"], moment);
        assert_eq!(team.stored_run(body["id"].as_str().unwrap()).await["started_at"], moment);
    }
}

/// AP-06: metadata is a paid feature; Starter's is dropped in silence, not even looked at (our choice).
#[tokio::test]
async fn starter_drops_metadata_unseen() {
    let (_target, team) = team_on(Plan::Starter).await;
    let body = wire::with(wire::start(&team.run_id(), "starter"), "metadata", json!({"nested": {"deep": [1]}}));
    team.start(&body).await.expect(202);
    let metadata = &team.stored_run(body["id"].as_str().unwrap()).await["metadata"];
    assert!(metadata.is_null() || metadata == &json!({}), "dropped: {metadata}");
}
