//! `GET /v1/ping`: a heartbeat in a URL.

use serde_json::{Value, json};
use tidegate_tests::clock::read_iso;
use tidegate_tests::team::{ping_path, text};
use tidegate_tests::{Answer, Plan, Team, ids};

use crate::{team, team_on};

#[track_caller]
fn is_ok(answer: Answer) {
    let answer = answer.expect(200);
    assert_eq!(answer.body, b"OK\n", "{answer}");
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"), "{answer}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer}");
}

async fn only_run(team: &Team) -> Value {
    let listed = tidegate_tests::eventually(tidegate_tests::wait::READABLE, "a run is listed", async || {
        team.listed("limit=10").await.into_iter().next().ok_or_else(|| "nothing".to_owned())
    });
    let id = text(&listed.await, "id");
    team.stored_run(&id).await
}

/// AP-38: a ping answers 200, `text/plain`, exactly `OK` and a newline, and makes a run.
#[tokio::test]
async fn a_ping_is_ok() {
    let (target, team) = team().await;
    let token = team.token("daily-summary").await;
    is_ok(team.bare("GET", &ping_path(&token.token, &[("agent", "daily-summary")])).send().await);
    let stored = only_run(&team).await;
    assert_eq!((&stored["agent"], &stored["status"]), (&json!("daily-summary"), &json!("success")));
    assert!(ids::is_minted(&text(&stored, "id"), "run", &target.region), "{stored}");
    team.usage_is(1).await;
}

/// AP-38: all parameters at once are kept.
#[tokio::test]
async fn a_ping_with_everything() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let parameters = [
        ("agent", "nightly job/é"),
        ("status", "fail"),
        ("cost_usd", "0.084"),
        ("duration_ms", "12300"),
        ("id", &run),
        ("metadata", "host=w 1&x"),
    ];
    is_ok(team.ping(&parameters).await);
    let stored = team.stored_run(&run).await;
    assert_eq!((&stored["agent"], &stored["status"]), (&json!("nightly job/é"), &json!("failed")));
    assert_eq!((&stored["duration_ms"], &stored["metadata"]), (&json!(12_300), &json!({"note": "host=w 1&x"})));
    assert_eq!(team.stored(&run).await.unwrap().raw("cost_usd").as_deref(), Some("0.084"));
}

/// AP-39: who lists `application/json` in `Accept` with q above 0 gets JSON; `*/*` means text (our choice).
#[tokio::test]
async fn a_ping_may_answer_json() {
    let (target, team) = team().await;
    for accept in ["application/json", "text/html, application/json;q=0.9", "APPLICATION/JSON"] {
        let answer = team.ping_call(&[("agent", "a")]).header("Accept", accept).send().await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/json"), "{answer}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer}");
        assert_eq!(answer.members(), ["agent", "id", "received_at", "status"]);
        let said = answer.json();
        assert_eq!((&said["agent"], &said["status"]), (&json!("a"), &json!("ok")));
        assert!(ids::is_minted(&text(&said, "id"), "run", &target.region), "{answer}");
        read_iso(&text(&said, "received_at"));
        team.stored_run(&text(&said, "id")).await;
    }
    for accept in ["*/*", "text/plain", "application/*", "application/json;q=0", "application/json; q=0.0", ""] {
        is_ok(team.ping_call(&[("agent", "a")]).header("Accept", accept).send().await);
    }
}

/// AP-43: a note of 256 characters is stored on Team, one more is refused (our choice, counted in characters).
#[tokio::test]
async fn a_note_is_kept_on_team() {
    let (_target, team) = team_on(Plan::Team).await;
    for character in ["x", "é"] {
        let (run, note) = (team.run_id(), character.repeat(256));
        is_ok(team.ping(&[("agent", "a"), ("id", &run), ("metadata", &note)]).await);
        assert_eq!(team.stored_run(&run).await["metadata"], json!({"note": note}));
        let answer = team.ping(&[("agent", "a"), ("metadata", &character.repeat(257))]).await.expect(400);
        assert_eq!(answer.header("x-agentping-error"), Some("invalid_field"), "{answer}");
    }
}

/// AP-43: on Starter the note is dropped, whatever its length, and the answer is still `OK`.
#[tokio::test]
async fn a_note_is_dropped_on_starter() {
    let (_target, team) = team_on(Plan::Starter).await;
    for note in ["kept?".to_owned(), "x".repeat(257)] {
        let run = team.run_id();
        is_ok(team.ping(&[("agent", "a"), ("id", &run), ("metadata", &note)]).await);
        let stored = team.stored_run(&run).await;
        assert!(stored["metadata"].is_null() || stored["metadata"] == json!({}), "{stored}");
    }
}

/// AP-44: the same id twice is one run and `OK` twice.
#[tokio::test]
async fn the_same_id_is_one_run() {
    let (_target, team) = team().await;
    let run = team.run_id();
    is_ok(team.ping(&[("agent", "a"), ("id", &run)]).await);
    is_ok(team.ping(&[("agent", "a"), ("id", &run)]).await);
    team.settled(&run).await;
    team.lists_exactly(&[run]).await;
    team.usage_is(2).await;
}

/// AP-44: a failure under the id of a success is `OK`, too, but not unseen: the answer and the run say so (our choice).
#[tokio::test]
async fn a_failure_under_a_used_id_is_seen() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let first = team.ping(&[("agent", "a"), ("id", &run)]).await;
    assert_eq!(first.header("x-tidegate-repeat"), None, "{first}");
    let failed = team.ping(&[("agent", "a"), ("id", &run), ("status", "fail")]).await;
    let received_at = text(&team.stored_run(&run).await, "received_at");
    let said = failed.header("x-tidegate-repeat").map(str::to_owned);
    is_ok(failed);
    assert_eq!(said, Some(format!("first seen {received_at}; status stays ok")));
    let stored = team.stored_when(&run, "shows the repeat", |run| run.get("repeats").is_some()).await;
    assert_eq!(stored["status"], "success");
    assert_eq!((&stored["repeats"]["times"], &stored["repeats"]["other_status"]), (&json!(1), &json!("failed")));
    team.usage_is(1).await;
    tidegate_tests::eventually(tidegate_tests::wait::READABLE, "the repeat is counted", async || {
        let usage = team.read("/v1/usage").await.expect(200).json();
        let agents = team.read("/v1/agents").await.expect(200).json();
        let is_counted = usage["repeats"] == 1 && agents["agents"][0]["repeats_this_month"] == 1;
        if is_counted { Ok(()) } else { Err(format!("{usage} {agents}")) }
    })
    .await;
}

/// AP-34: a `start` ping and an `ok` ping with one id are one run whose duration is the gap.
#[tokio::test]
async fn two_pings_make_a_duration() {
    let (_target, team) = team().await;
    let run = team.run_id();
    is_ok(team.ping(&[("agent", "a"), ("id", &run), ("status", "start")]).await);
    let opened = team.stored_run(&run).await;
    assert_eq!(opened["status"], "running");
    is_ok(team.ping(&[("agent", "a"), ("id", &run)]).await);
    let closed = team.closed_run(&run).await;
    let gap = read_iso(&text(&closed, "finished_at")) - read_iso(&text(&opened, "started_at"));
    assert_eq!((&closed["status"], &closed["duration_ms"]), (&json!("success"), &json!(gap)));
    team.usage_is(2).await;
}

/// AP-45: `HEAD /v1/ping` writes nothing; it is not allowed (our choice).
#[tokio::test]
async fn head_writes_nothing() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let path = ping_path(&team.key, &[("agent", "a"), ("id", &run)]);
    let answer = team.bare("HEAD", &path).send().await.expect(405);
    assert_eq!(answer.header("allow"), Some("GET"), "{answer}");
    assert!(answer.body.is_empty());
    is_ok(team.ping(&[("agent", "b"), ("id", &run)]).await);
    assert_eq!(team.settled(&run).await["agent"], "b", "the HEAD left nothing");
    team.lists_exactly(&[run]).await;
    team.usage_is(2).await;
}

/// Our choice: other methods on ping are 405 with `Allow`, and write nothing.
#[tokio::test]
async fn only_get_pings() {
    let (_target, team) = team().await;
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let call = team.bare(method, &ping_path(&team.key, &[("agent", "a")]));
        let answer = call.bytes(r#"{"status":"ok"}"#).send().await.expect(405);
        assert_eq!(answer.header("allow"), Some("GET"), "{answer}");
    }
    team.usage_is(0).await;
    team.lists_exactly(&[]).await;
}

/// Our choice: unknown parameters are ignored and named, `+` is a space, and blanks around an agent's name are cut off.
#[tokio::test]
async fn parameters_are_read_leniently() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let path = format!("/v1/ping?utm_source=x&key={}&agent=+first+one%20&id={run}&_=123&status=ok", team.key);
    let answer = team.bare("GET", &path).send().await;
    assert_eq!(answer.header("x-tidegate-ignored"), Some("utm_source, _"), "{answer}");
    is_ok(answer);
    let stored = team.stored_run(&run).await;
    assert_eq!((&stored["agent"], &stored["status"]), (&json!("first one"), &json!("success")));
}
