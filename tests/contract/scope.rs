//! What a ping token may do: fire heartbeats of its own agent.

use serde_json::json;
use tidegate_tests::{Plan, Team, wire};

use crate::team;

/// AP-51: a ping token works on heartbeats for its own agent; for another it is refused in the published words.
#[tokio::test]
async fn a_token_fires_for_its_own_agent() {
    let (_target, team) = team().await;
    let token = team.token("daily-summary").await;
    let beat = async |agent: &str| {
        team.bare("POST", "/v1/heartbeats").bearer(&token.token).json(&json!({"agent": agent})).send().await
    };
    beat("daily-summary").await.expect(202);
    let answer = beat("competitor-scan").await.refused(401, "scope_violation", None);
    assert_eq!(
        answer.message(),
        "This ping token is scoped to agent 'daily-summary'. You attempted to fire a heartbeat for 'competitor-scan'."
    );
    team.usage_is(1).await;
    team.agents_are(&["daily-summary"]).await;
}

/// AP-51: a token cannot close or claim a run of another agent of its team.
#[tokio::test]
async fn a_token_cannot_touch_another_agents_run() {
    let (_target, team) = team().await;
    let token = team.token("mine").await;
    let run = team.run_id();
    team.start(&wire::start(&run, "theirs")).await.expect(202);
    let beat = |agent: &str| {
        let body = json!({"id": run, "agent": agent});
        team.bare("POST", "/v1/heartbeats").bearer(&token.token).json(&body).send()
    };
    beat("theirs").await.refused(401, "scope_violation", None);
    beat("mine").await.refused(409, "id_conflict", Some("agent"));
    assert_eq!(team.settled(&run).await["status"], "running");
}

/// AP-52: a ping token on any runs endpoint is `scope_violation`, and nothing is written.
#[tokio::test]
async fn a_token_opens_no_runs() {
    let (_target, team) = team().await;
    let token = team.token("a").await;
    let run = team.run_id();
    let calls = [
        ("/v1/runs".to_owned(), wire::start(&run, "a")),
        (format!("/v1/runs/{run}/events"), json!({"events": [wire::log_event(&team.event_id())]})),
        (format!("/v1/runs/{run}/finish"), wire::finish()),
    ];
    for (path, body) in calls {
        let answer = team.bare("POST", &path).bearer(&token.token).json(&body).send().await;
        let message = answer.refused(401, "scope_violation", None).message();
        assert!(message.contains("heartbeat"), "it says what the token may do: {message}");
    }
    team.start(&wire::start(&run, "a")).await.expect(202);
    let settled = team.settled(&run).await;
    assert_eq!((&settled["status"], &settled["events"]), (&json!("running"), &json!([])));
    team.usage_is(2).await;
}

/// Our choice: of a bad body and a token out of its scope, the body is named first.
#[tokio::test]
async fn the_body_comes_before_the_scope() {
    let (_target, team) = team().await;
    let token = team.token("a").await;
    let call = team.bare("POST", "/v1/heartbeats").bearer(&token.token).json(&json!({"agent": "b", "status": "bogus"}));
    call.send().await.refused(400, "invalid_field", Some("status"));
}

/// AP-51: a token belongs to one team: the same slug of another team is another agent.
#[tokio::test]
async fn a_token_writes_to_its_own_team() {
    let (target, one) = team().await;
    let two = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let token = one.token("shared-name").await;
    two.heartbeat(&json!({"agent": "shared-name"})).await.expect(202);
    let call = one.bare("POST", "/v1/heartbeats").bearer(&token.token).json(&json!({"agent": "shared-name"}));
    call.send().await.expect(202);
    one.usage_is(1).await;
    two.usage_is(1).await;
}
