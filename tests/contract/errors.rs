//! The envelope, and everything that is refused before an endpoint's own rules.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use tidegate_tests::process::Extra;
use tidegate_tests::{Plan, Target, Team, ids, wire};

use crate::{BINARY, team};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// AP-11: bodies that are no JSON object are 400 `invalid_json`, in the envelope.
#[tokio::test]
async fn a_body_is_a_json_object() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let bodies: [&[u8]; 12] = [
        b"",
        b" ",
        b"{",
        b"{\"id\":",
        b"[]",
        b"[{}]",
        b"null",
        b"7",
        b"\"text\"",
        b"{} {}",
        b"{'id':1}",
        b"{\"a\":\"\xff\"}",
    ];
    for path in ["/v1/runs", "/v1/heartbeats", &format!("/v1/runs/{run}/events"), &format!("/v1/runs/{run}/finish")] {
        for body in bodies {
            let field = match body {
                b"{\"id\":" => Some("id"),
                b"{\"a\":\"\xff\"}" => Some("a"),
                _ => None,
            };
            team.call("POST", path).bytes(body).send().await.refused(400, "invalid_json", field);
        }
    }
    team.usage_is(0).await;
}

/// AP-12: an unknown top-level member is `unknown_field` naming it.
#[tokio::test]
async fn unknown_members_are_named() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let start = wire::with(wire::start(&run, "a"), "agentt", json!(1));
    team.start(&start).await.refused(400, "unknown_field", Some("agentt"));
    let events = json!({"events": [wire::log_event(&team.event_id())], "more": []});
    team.events(&run, &events).await.refused(400, "unknown_field", Some("more"));
    team.finish(&run, &wire::with(wire::finish(), "état", json!(1))).await.refused(400, "unknown_field", Some("état"));
    team.heartbeat(&json!({"agent": "a", "ok": true})).await.refused(400, "unknown_field", Some("ok"));
}

/// AP-12: with the lenient switch on, unknown members are ignored.
#[tokio::test]
async fn unknown_members_may_be_passed_over() {
    let environment = vec![("TIDEGATE_INGEST__LENIENT".to_owned(), "true".to_owned())];
    let target = Target::dev_with(BINARY, Extra { environment, ..Extra::default() }).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let run = team.run_id();
    team.start(&wire::with(wire::start(&run, "a"), "surprise", json!({"a": [1]}))).await.expect(202);
    let event = wire::with(wire::log_event(&team.event_id()), "surprise", json!(1));
    team.events(&run, &json!({"events": [event], "surprise": 1})).await.expect(202);
    team.finish(&run, &wire::with(wire::finish(), "surprise", json!(1))).await.expect(202);
    team.heartbeat(&json!({"agent": "a", "surprise": null})).await.expect(202);
    let closed = team.closed_run(&run).await;
    assert_eq!((&closed["status"], closed["events"].as_array().unwrap().len()), (&json!("success"), 1));
    team.start(&json!({"surprise": 1})).await.refused(400, "missing_field", Some("id"));
}

/// AP-63: of several faults the first is answered: JSON form, unknown members, missing ones, malformed ones, each in
/// the order of the contract's tables (our choice).
#[tokio::test]
async fn the_first_fault_is_told() {
    let (_target, team) = team().await;
    let unknown = json!({"id": "bad", "agent": 7, "surprise": 1});
    team.start(&unknown).await.refused(400, "unknown_field", Some("surprise"));
    let missing = json!({"agent": 7, "goal": 7});
    team.start(&missing).await.refused(400, "missing_field", Some("id"));
    let missing = json!({"id": "bad", "started_at": "bad"});
    team.start(&missing).await.refused(400, "missing_field", Some("agent"));
    let malformed = json!({"id": "bad", "agent": 7, "started_at": "bad", "goal": 7});
    team.start(&malformed).await.refused(400, "invalid_id", Some("id"));
    let malformed = json!({"id": team.run_id(), "agent": 7, "started_at": "bad", "goal": 7});
    team.start(&malformed).await.refused(400, "invalid_field", Some("agent"));
    let malformed = json!({"id": team.run_id(), "agent": "a", "started_at": "bad", "goal": 7});
    team.start(&malformed).await.refused(400, "invalid_field", Some("started_at"));
    let malformed = json!({"status": 7, "agent": 7});
    team.heartbeat(&malformed).await.refused(400, "invalid_field", Some("agent"));
}

/// AP-63: unknown routes are 404 and unknown methods 405 with `Allow`, in the envelope (our choice).
#[tokio::test]
async fn routes_and_methods() {
    let (_target, team) = team().await;
    let run = team.run_id();
    for path in ["/v1", "/v1/run", "/v2/runs", "/v1/runs/", "/v1/ping/", &format!("/v1/runs/{run}/finishes")] {
        for method in ["GET", "POST"] {
            team.bare(method, path).send().await.refused(404, "not_found", None);
        }
    }
    let posts = ["/v1/runs", "/v1/heartbeats", &format!("/v1/runs/{run}/events"), &format!("/v1/runs/{run}/finish")];
    for path in posts {
        for method in ["GET", "PUT", "DELETE", "PATCH"] {
            let answer = team.call(method, path).send().await.refused(405, "method_not_allowed", None);
            assert_eq!(answer.header("allow"), Some("POST"), "{answer}");
        }
        team.call("HEAD", path).send().await.expect(405);
    }
}

/// AP-64: whatever is wrong, a well-formed run id is never answered with 404.
#[tokio::test]
async fn a_run_is_never_not_found() {
    let (target, team) = team().await;
    let run = team.run_id();
    let unknown = ids::fresh("apk", &target.region);
    for call in ["events", "finish"] {
        let path = format!("/v1/runs/{run}/{call}");
        for body in ["", "{", "{}", r#"{"events":[]}"#, r#"{"events":[{}]}"#, r#"{"status":"bogus"}"#, r#"{"x":1}"#] {
            for key in [team.key.as_str(), unknown.as_str(), "nonsense"] {
                let answer = team.bare("POST", &path).bearer(key).bytes(body).send().await;
                assert!([400, 401].contains(&answer.status), "{answer}");
            }
            let answer = team.bare("POST", &path).bytes(body).send().await;
            assert_eq!(answer.status, 401, "{answer}");
        }
    }
    team.batch(&run, &[wire::log_event(&team.event_id())]).await.expect(202);
    team.finish(&run, &wire::finish()).await.expect(202);
}

/// Our choice: over 1 MiB, as sent or as decoded, is 413; exactly 1 MiB is read.
#[tokio::test]
async fn bodies_are_bounded() {
    const CAP: usize = 1 << 20;
    let (_target, team) = team().await;
    let run = team.run_id();
    let start = wire::start(&run, "padded");
    let padded = |bytes: usize| {
        let body = start.to_string();
        let mut body = body.into_bytes();
        body.resize(bytes, b' ');
        body
    };
    team.call("POST", "/v1/runs").bytes(padded(CAP + 1)).send().await.refused(413, "payload_too_large", None);
    let packed = || team.call("POST", "/v1/runs").header("Content-Encoding", "gzip");
    packed().bytes(gzip(&padded(CAP + 1))).send().await.refused(413, "payload_too_large", None);
    packed().bytes(gzip(&vec![b' '; 64 * CAP])).send().await.refused(413, "payload_too_large", None);
    team.call("POST", "/v1/runs").bytes(padded(CAP)).send().await.expect(202);
    packed().bytes(gzip(&padded(CAP))).send().await.expect(200);
}

/// Our choice: `gzip` is read, a broken one is `invalid_json` or another 400, any other encoding is 415.
#[tokio::test]
async fn encodings() {
    let (_target, team) = team().await;
    let post = |encoding: &str, bytes: Vec<u8>| {
        team.call("POST", "/v1/runs").header("Content-Encoding", encoding).bytes(bytes).send()
    };
    let body = || wire::start(&team.run_id(), "packed").to_string().into_bytes();
    post("gzip", gzip(&body())).await.expect(202);
    post("GZIP", gzip(&body())).await.expect(202);
    for encoding in ["br", "deflate", "zstd", "compress", "gzip, gzip", "nonsense"] {
        post(encoding, body()).await.refused(415, "unsupported_encoding", None);
    }
    for broken in [body(), b"\x1f\x8b".to_vec(), gzip(&body())[..20].to_vec(), Vec::new()] {
        let answer = post("gzip", broken).await;
        assert_eq!(answer.status, 400, "{answer}");
        answer.refused(400, "invalid_json", None);
    }
    team.usage_is(2).await;
}

/// Our choice: the content type is not enforced.
#[tokio::test]
async fn content_types_do_not_matter() {
    let (_target, team) = team().await;
    for kind in ["application/json", "text/plain", "application/x-www-form-urlencoded", "nonsense"] {
        let call = team.call("POST", "/v1/heartbeats").header("Content-Type", kind);
        call.bytes(r#"{"agent":"a"}"#).send().await.expect(202);
    }
    team.call("POST", "/v1/heartbeats").bytes(r#"{"agent":"a"}"#).send().await.expect(202);
}

/// Our choice: a request id goes in and comes out; where none came, one is made.
#[tokio::test]
async fn request_ids() {
    let (_target, team) = team().await;
    let answer = team.call("POST", "/v1/heartbeats").header("X-Request-Id", "my-id-7").json(&json!({"agent": "a"}));
    assert_eq!(answer.send().await.expect(202).header("x-request-id"), Some("my-id-7"));
    let refused = team.bare("POST", "/v1/runs").header("X-Request-Id", "my-id-8").send().await.expect(401);
    assert_eq!(refused.header("x-request-id"), Some("my-id-8"));
    let (one, two) = (team.ping(&[("agent", "a")]).await, team.bare("GET", "/nowhere").send().await);
    let made: Vec<&str> = [&one, &two].iter().map(|answer| answer.header("x-request-id").unwrap_or_default()).collect();
    assert!(!made[0].is_empty() && !made[1].is_empty() && made[0] != made[1], "{made:?}");
}

/// AP-63: answers that are no errors are JSON too, and say so.
#[tokio::test]
async fn answers_say_what_they_are() {
    let (_target, team) = team().await;
    let run = team.run_id();
    let answers = [
        team.start(&wire::start(&run, "a")).await,
        team.batch(&run, &[wire::log_event(&team.event_id())]).await,
        team.finish(&run, &wire::finish()).await,
        team.heartbeat(&json!({"agent": "a"})).await,
    ];
    for answer in answers {
        assert_eq!(answer.expect(202).header("content-type"), Some("application/json"));
    }
}

/// Our choice: a member given twice is refused, not guessed.
#[tokio::test]
async fn a_member_given_twice_is_refused() {
    let (_target, team) = team().await;
    let (one, two) = (team.run_id(), team.run_id());
    let body = format!(r#"{{"id":"{one}","agent":"a","started_at":"2026-05-15T14:32:01.123Z","id":"{two}"}}"#);
    let answer = team.call("POST", "/v1/runs").bytes(body).send().await;
    assert_eq!(answer.status, 400, "{answer}");
    team.usage_is(0).await;
}
