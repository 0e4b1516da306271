//! How `GET /v1/ping` refuses: in text, for people and for scripts.

use tidegate_tests::team::ping_path;
use tidegate_tests::{Answer, Team, ids, wire};

use crate::team;

/// `text/plain` ending in a newline, never cached, with the code in a header of ours.
#[track_caller]
fn is_text(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{answer}");
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"), "{answer}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer}");
    assert_eq!(answer.header("x-agentping-error"), Some(code), "{answer}");
    assert!(answer.text().ends_with('\n'), "{answer}");
}

/// One line whose first word is the code.
#[track_caller]
fn is_line(answer: &Answer, status: u16, code: &str) {
    is_text(answer, status, code);
    let text = answer.text();
    assert_eq!(text.lines().count(), 1, "one line: {answer}");
    let (first, rest) = text.split_once(' ').unwrap_or_else(|| panic!("words for people follow: {answer}"));
    assert_eq!(first, code, "{answer}");
    assert!(!rest.trim().is_empty(), "{answer}");
}

/// AP-40: without `agent` (or with an empty one) the published line; the code is in the header only.
#[tokio::test]
async fn a_missing_agent() {
    let (_target, team) = team().await;
    for parameters in [&[][..], &[("agent", "")], &[("status", "ok")]] {
        let answer = team.ping(parameters).await;
        is_text(&answer, 400, "missing_field");
        assert_eq!(answer.text(), "missing required parameter: agent\n");
    }
    team.usage_is(0).await;
}

/// AP-41: another agent's token gets the published two lines with both slugs.
#[tokio::test]
async fn a_token_of_another_agent() {
    let (_target, team) = team().await;
    let token = team.token("daily-summary").await;
    let answer = team.bare("GET", &ping_path(&token.token, &[("agent", "competitor-scan")])).send().await;
    is_text(&answer, 401, "scope_violation");
    assert_eq!(
        answer.text(),
        "This ping token is scoped to agent \"daily-summary\".\n\
         You attempted to fire a heartbeat for \"competitor-scan\".\n"
    );
    team.lists_exactly(&[]).await;
    team.usage_is(0).await;
}

/// AP-42: bad values: one line, first word the code.
#[tokio::test]
async fn bad_values() {
    let (_target, team) = team().await;
    let bad = [
        ("status", "bogus", "invalid_field"),
        ("cost_usd", "abc", "invalid_field"),
        ("cost_usd", "-1", "invalid_field"),
        ("cost_usd", "NaN", "invalid_field"),
        ("cost_usd", "inf", "invalid_field"),
        ("cost_usd", "1e10", "invalid_field"),
        ("duration_ms", "abc", "invalid_field"),
        ("duration_ms", "-5", "invalid_field"),
        ("duration_ms", "1.5", "invalid_field"),
        ("id", "run_eu_12", "invalid_id"),
        ("id", "run_fr_018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6", "unknown_region"),
    ];
    for (name, value, code) in bad {
        is_line(&team.ping(&[("agent", "a"), (name, value)]).await, 400, code);
    }
    is_line(&team.ping(&[("agent", "bell\u{7}")]).await, 400, "invalid_field");
    is_line(&team.ping(&[("agent", &"x".repeat(129))]).await, 400, "invalid_field");
    team.lists_exactly(&[]).await;
    team.usage_is(0).await;
}

/// AP-42: credentials: one line, first word the code.
#[tokio::test]
async fn bad_credentials() {
    let (target, team) = team().await;
    let bad = [
        ("nonsense".to_owned(), 401, "invalid_credential"),
        (ids::fresh("apk", &target.region), 401, "invalid_credential"),
        (ids::fresh("ping", &target.region), 401, "invalid_credential"),
        (ids::fresh("ping", target.other_region()), 401, "region_mismatch"),
        (ids::fresh("ping", "fr"), 400, "unknown_region"),
    ];
    for (key, status, code) in bad {
        let answer = team.bare("GET", &ping_path(&key, &[("agent", "a")])).send().await;
        is_line(&answer, status, code);
        assert!(!answer.text().contains(&key), "a credential is never echoed: {answer}");
    }
    is_line(&team.bare("GET", "/v1/ping?agent=a").send().await, 401, "invalid_credential");
}

/// AP-42: a conflict: 409 in one line.
#[tokio::test]
async fn a_conflict() {
    let (_target, team) = team().await;
    let run = team.run_id();
    team.start(&wire::start(&run, "a")).await.expect(202);
    is_line(&team.ping(&[("agent", "b"), ("id", &run)]).await, 409, "id_conflict");
}

/// AP-42: who asks for JSON gets the envelope, and the header too (our choice).
#[tokio::test]
async fn errors_in_json_on_demand() {
    let (_target, team) = team().await;
    let json = async |team: &Team, path: &str| team.bare("GET", path).header("Accept", "application/json").send().await;
    let answer = json(&team, &ping_path(&team.key, &[])).await.refused(400, "missing_field", Some("agent"));
    assert_eq!(answer.header("x-agentping-error"), Some("missing_field"), "{answer}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer}");
    let bad_status = ping_path(&team.key, &[("agent", "a"), ("status", "bogus")]);
    json(&team, &bad_status).await.refused(400, "invalid_field", Some("status"));
    json(&team, &ping_path("nonsense", &[("agent", "a")])).await.refused(401, "invalid_credential", None);
    let token = team.token("daily-summary").await;
    let answer = json(&team, &ping_path(&token.token, &[("agent", "competitor-scan")])).await;
    let answer = answer.refused(401, "scope_violation", None);
    assert_eq!(
        answer.message(),
        "This ping token is scoped to agent 'daily-summary'. You attempted to fire a heartbeat for 'competitor-scan'."
    );
}
