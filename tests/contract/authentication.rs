//! Credentials: how they are sent, and which are refused.

use serde_json::json;
use tidegate_tests::team::ping_path;
use tidegate_tests::wait::READABLE;
use tidegate_tests::{Answer, Team, eventually, ids, wire};

use crate::team;

/// Every POST endpoint, with a body that would be accepted.
fn posts(team: &Team) -> [(String, serde_json::Value); 4] {
    let run = team.run_id();
    [
        ("/v1/runs".to_owned(), wire::start(&run, "a")),
        (format!("/v1/runs/{run}/events"), json!({"events": [wire::log_event(&team.event_id())]})),
        (format!("/v1/runs/{run}/finish"), wire::finish()),
        ("/v1/heartbeats".to_owned(), json!({"agent": "a"})),
    ]
}

/// AP-46: `Authorization: Bearer`, `X-AgentPing-Key` and, on ping only, `?key=` are equal.
#[tokio::test]
async fn the_transports_are_equal() {
    let (_target, team) = team().await;
    for (path, body) in posts(&team) {
        team.bare("POST", &path).bearer(&team.key).json(&body).send().await.expect(202);
    }
    for (path, body) in posts(&team) {
        team.bare("POST", &path).header("X-AgentPing-Key", &team.key).json(&body).send().await.expect(202);
    }
    let token = team.token("a").await;
    for credential in [&team.key, &token.token] {
        team.bare("GET", "/v1/ping?agent=a").bearer(credential).send().await.expect(200);
        team.bare("GET", "/v1/ping?agent=a").header("X-AgentPing-Key", credential).send().await.expect(200);
        team.bare("GET", &ping_path(credential, &[("agent", "a")])).send().await.expect(200);
    }
}

/// AP-46: header names and the scheme's name are read without regard to case.
#[tokio::test]
async fn names_have_no_case() {
    let (_target, team) = team().await;
    let body = json!({"agent": "a"});
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let call = team.bare("POST", "/v1/heartbeats").header("AUTHORIZATION", &format!("{scheme} {}", team.key));
        call.json(&body).send().await.expect(202);
    }
    for name in ["X-AGENTPING-KEY", "x-agentping-key"] {
        team.bare("POST", "/v1/heartbeats").header(name, &team.key).json(&body).send().await.expect(202);
    }
}

/// AP-46: of several credentials the first transport decides, even if it is bad: `Authorization`, then
/// `X-AgentPing-Key`, then `key` (our choice).
#[tokio::test]
async fn the_first_transport_decides() {
    let (target, team) = team().await;
    let unknown = ids::fresh("apk", &target.region);
    let body = json!({"agent": "a"});
    let both = |first: &str, second: &str| {
        team.bare("POST", "/v1/heartbeats").bearer(first).header("X-AgentPing-Key", second).json(&body)
    };
    both(&team.key, &unknown).send().await.expect(202);
    both(&unknown, &team.key).send().await.refused(401, "invalid_credential", None);
    both("nonsense", &team.key).send().await.refused(401, "invalid_credential", None);
    let ping = |key: &str| team.bare("GET", &ping_path(key, &[("agent", "a")]));
    ping(&unknown).bearer(&team.key).send().await.expect(200);
    ping(&team.key).bearer(&unknown).send().await.expect(401);
    ping(&unknown).header("X-AgentPing-Key", &team.key).send().await.expect(200);
    ping(&team.key).header("X-AgentPing-Key", &unknown).send().await.expect(401);
    ping(&team.key).header("Authorization", "Basic dXNlcjpwYXNz").send().await.expect(401);
}

/// AP-47: `?key=` does not authenticate a POST.
#[tokio::test]
async fn a_key_in_the_url_of_a_post_is_nothing() {
    let (_target, team) = team().await;
    for (path, body) in posts(&team) {
        let call = team.bare("POST", &format!("{path}?key={}", team.key)).json(&body);
        call.send().await.refused(401, "invalid_credential", None);
    }
    team.usage_is(0).await;
}

/// AP-48: unknown, malformed and absent credentials are 401 `invalid_credential` on each endpoint.
#[tokio::test]
async fn bad_credentials_are_refused() {
    let (target, team) = team().await;
    let key = &team.key;
    let malformed = [
        String::new(),
        "nonsense".to_owned(),
        key.to_uppercase(),
        format!("{key}0"),
        key[..key.len() - 1].to_owned(),
        key.replace("apk_", "key_"),
        key.replace("apk_", "apk-"),
        ids::fresh("run", &target.region),
    ];
    let unknown = [ids::fresh("apk", &target.region), ids::fresh("ping", &target.region)];
    for (path, body) in posts(&team) {
        let post = || team.bare("POST", &path).json(&body);
        post().send().await.refused(401, "invalid_credential", None);
        for credential in malformed.iter().chain(&unknown) {
            let answer = post().bearer(credential).send().await.refused(401, "invalid_credential", None);
            assert!(credential.is_empty() || !answer.text().contains(credential.as_str()), "never echoed: {answer}");
            post().header("X-AgentPing-Key", credential).send().await.refused(401, "invalid_credential", None);
        }
        for value in [key.clone(), format!("Basic {key}"), format!("Token {key}"), format!("Bearer {key} x")] {
            post().header("Authorization", &value).send().await.refused(401, "invalid_credential", None);
        }
    }
    team.usage_is(0).await;
}

/// AP-48: a revoked key is refused within seconds, and the team's other key keeps working.
#[tokio::test]
async fn a_revoked_key_is_refused() {
    let (target, team) = team().await;
    let other = team.another_key().await;
    let with =
        async |key: &str| team.bare("POST", "/v1/heartbeats").bearer(key).json(&json!({"agent": "a"})).send().await;
    with(&other.token).await.expect(202);
    target.manage(&["keys", "revoke", &other.id]).await;
    eventually(READABLE, "the revoked key is refused", async || {
        let answer = with(&other.token).await;
        if answer.status == 401 { Ok(answer) } else { Err(answer.to_string()) }
    })
    .await
    .refused(401, "invalid_credential", None);
    with(&team.key).await.expect(202);
}

/// AP-48: a key made after it was first tried works within seconds: a "no" is not remembered for long.
#[tokio::test]
async fn a_new_key_works_at_once() {
    let (_target, team) = team().await;
    let new = team.another_key().await;
    let call = team.bare("POST", "/v1/heartbeats").bearer(&new.token).json(&json!({"agent": "a"}));
    call.send().await.expect(202);
}

/// AP-49: a credential of the other region is refused with the published message, known or not: nothing is looked
/// up, and neither is the body.
#[tokio::test]
async fn the_other_region_is_refused() {
    let (target, team) = team().await;
    let (here, there) = (target.region.as_str(), target.other_region());
    let message = format!(
        "Credential region '{there}' does not match endpoint region '{here}'. Send this request to \
         https://{here}.ingest.agentping.io/v1/... from the {there} region, or use an {here} credential."
    );
    let check = |answer: Answer| {
        assert_eq!(answer.refused(401, "region_mismatch", None).message(), message);
    };
    for (path, body) in posts(&team) {
        for credential in [ids::fresh("apk", there), ids::fresh("ping", there)] {
            check(team.bare("POST", &path).bearer(&credential).json(&body).send().await);
            check(team.bare("POST", &path).bearer(&credential).bytes("no JSON").send().await);
        }
    }
    let same_digits = team.key.replace(&format!("apk_{here}_"), &format!("apk_{there}_"));
    check(team.bare("POST", "/v1/heartbeats").bearer(&same_digits).json(&json!({"agent": "a"})).send().await);
}

/// AP-50: a credential with a region outside the allowlist is 400 `unknown_region`, and the region is named.
#[tokio::test]
async fn an_unknown_region_is_refused() {
    let (_target, team) = team().await;
    for (path, body) in posts(&team) {
        for credential in [ids::fresh("apk", "fr"), ids::fresh("ping", "fr")] {
            let answer = team.bare("POST", &path).bearer(&credential).json(&body).send().await;
            let answer = answer.refused(400, "unknown_region", None);
            assert!(answer.message().contains("fr"), "{answer}");
            assert!(!answer.text().contains(&credential), "never echoed: {answer}");
        }
    }
}

/// Our choice: the credential is judged before the body, and a bad body never hides a bad credential.
#[tokio::test]
async fn the_credential_comes_first() {
    let (target, team) = team().await;
    let unknown = ids::fresh("apk", &target.region);
    for (path, _) in posts(&team) {
        for body in ["", "{", "[]", "{}"] {
            let call = team.bare("POST", &path).bearer(&unknown).bytes(body);
            call.send().await.refused(401, "invalid_credential", None);
        }
    }
}
