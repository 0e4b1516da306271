//! What clients write into what others read: log lines, answers' headers, request ids.

use serde_json::{Value, json};
use tidegate_tests::client::encode;
use tidegate_tests::{Target, Team, ids, wire};

use crate::{caught_up, loud, raw, team_of};

/// Ends a line, colours a terminal, moves its cursor, and forges a line in either form.
fn hostile(nonce: &str) -> [String; 6] {
    [
        format!("a\n{{\"level\":\"ERROR\",\"message\":\"{nonce}\"}}"),
        format!("a\r\nERROR {nonce}"),
        format!("\u{1b}[2J\u{1b}[31m{nonce}"),
        format!("\u{9b}31m{nonce}\u{7}"),
        format!("\u{2028}ERROR {nonce}"),
        format!("\0{nonce}\u{202e}"),
    ]
}

/// Sends all of it wherever a client's text may stand.
async fn provoke(target: &Target, team: &Team, nonce: &str) {
    for text in hostile(nonce) {
        let run = team.run_id();
        for body in [
            wire::start(&run, &text),
            wire::with(wire::start(&run, "a"), "goal", json!(text)),
            wire::with(wire::start(&run, "a"), "id", json!(text)),
            wire::with(wire::start(&run, "a"), "started_at", json!(text)),
            json!({ text.clone(): 1 }),
        ] {
            let answer = team.start(&body).await;
            assert!([200, 202, 400, 409].contains(&answer.status), "{answer}");
        }
        let event = json!({"external_id": team.event_id(), "type": text, "ts": text, "data": {"message": text}});
        team.batch(&run, &[event]).await.expect(400);
        let told = json!({"external_id": team.event_id(), "type": "log", "ts": "2026-05-15T14:32:01.123Z", "data": {"message": text}});
        team.batch(&run, &[told]).await.expect(202);
        let quoted = encode(&text);
        for path in [
            format!("/v1/ping?key={}&agent={quoted}", team.key),
            format!("/v1/ping?key={quoted}&agent=a"),
            format!("/v1/ping?key={}&agent=a&status={quoted}&metadata={quoted}", team.key),
            format!("/v1/{quoted}?{quoted}={quoted}"),
        ] {
            let answer = team.bare("GET", &path).send().await;
            assert!(answer.status < 500, "{answer}");
        }
        for path in [
            format!("/v1/runs?agent={quoted}"),
            format!("/v1/runs?{quoted}=1"),
            format!("/v1/runs/{quoted}"),
            format!("/{quoted}"),
        ] {
            let answer = team.read(&path).await;
            assert!(answer.status < 500, "{answer}");
        }
        // Bytes that a client library would not send.
        for (name, value) in [("x-request-id", &text), ("authorization", &text), ("content-encoding", &text)] {
            let mut request = b"POST /v1/runs HTTP/1.1\r\nHost: here\r\nConnection: close\r\n".to_vec();
            request.extend_from_slice(format!("{name}: {text}\r\nContent-Length: 0\r\n\r\n").as_bytes());
            for address in [target.ingest(), &target.control] {
                let answer = raw::said(address, &request).await;
                let forged = raw::header_lines(&answer).into_iter().find(|line| line.starts_with("error"));
                assert_eq!(forged, None, "{name}: {value:?}");
            }
        }
        let method = format!("{}\r\nHost: here\r\nConnection: close\r\n\r\n", text.replace(' ', ""));
        raw::said(target.ingest(), method.as_bytes()).await;
    }
    caught_up(target, team).await;
}

/// What `lines` of a log may not be: a forged line, or anything that a terminal obeys.
fn check_lines(log: &str, nonce: &str, is_ours: impl Fn(&str) -> bool) {
    let obeyed = log.chars().find(|char| char.is_control() && *char != '\n');
    assert_eq!(obeyed, None, "a control character stands in the log");
    let lines: Vec<&str> = log.split('\n').filter(|line| is_ours(line)).collect();
    assert!(lines.len() > 10, "a loud log has lines: {log}");
    for line in log.split('\n') {
        let forged = line.trim_start().starts_with(&format!("ERROR {nonce}"))
            || line.starts_with('{') && line.contains(&format!("\"message\":\"{nonce}\""));
        assert!(!forged, "a forged line: {line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_writes_lines_into_a_log_in_json() {
    let target = loud("json").await;
    let team = team_of(&target).await;
    let nonce = ids::nonce();
    provoke(&target, &team, &nonce).await;
    // Its last line may be half written.
    let mut log = target.log();
    log.truncate(log.rfind('\n').map_or(0, |end| end + 1));
    check_lines(&log, &nonce, |line| line.starts_with('{'));
    for line in log.lines().filter(|line| line.starts_with('{')) {
        let one: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"));
        assert!(one["timestamp"].is_string() && one["level"].is_string() && one["target"].is_string(), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_writes_lines_into_a_log_as_text() {
    let target = loud("text").await;
    let team = team_of(&target).await;
    let nonce = ids::nonce();
    provoke(&target, &team, &nonce).await;
    let dated = |line: &str| line.starts_with("20") && line.contains('T');
    check_lines(&target.log(), &nonce, dated);
}

/// A request id comes back only if it is short and visible; anything else is replaced by one of ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_ids_are_reflected_only_if_harmless() {
    let target = loud("json").await;
    let longest = "x".repeat(128);
    let over = "x".repeat(129);
    for (given, comes_back) in [
        ("plain-1", true),
        ("<script>alert(1)</script>", true),
        (&longest, true),
        (&over, false),
        ("two words", false),
        ("tab\tinside", false),
        ("\u{1b}[31m", false),
        ("é", false),
        ("", false),
    ] {
        for address in [target.ingest(), &target.control] {
            let request =
                format!("GET /v1/nothing HTTP/1.1\r\nHost: here\r\nConnection: close\r\nx-request-id: {given}\r\n\r\n");
            let answer = raw::said(address, request.as_bytes()).await;
            if raw::status(&answer) == 400 && raw::header_lines(&answer).iter().all(|line| !line.contains("request-id"))
            {
                assert!(!comes_back, "{given:?} is a header value: {answer}");
                continue;
            }
            let lines = raw::header_lines(&answer);
            let ids: Vec<&String> = lines.iter().filter(|line| line.starts_with("x-request-id:")).collect();
            let [id] = ids.as_slice() else { panic!("one id: {answer}") };
            let id = id.trim_start_matches("x-request-id:").trim();
            assert_eq!(id == given.to_ascii_lowercase(), comes_back, "{given:?} came back as {id:?}");
            assert!(comes_back || id.starts_with("req_"), "{id}");
            // What a browser would run is no page.
            assert!(lines.iter().any(|line| line == "content-type: application/json"), "{answer}");
        }
    }
}

/// No text of a client ends a header and begins another, however it is encoded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_cannot_be_split() {
    let target = loud("json").await;
    let team = team_of(&target).await;
    let token = team.token("own").await.token;
    for split in ["%0d%0aX-Forged:%201", "%0aX-Forged:%201", "%0dX-Forged:%201", "%E5%98%8A%E5%98%8DX-Forged:%201"] {
        let crafted = [
            (target.ingest(), format!("/v1/ping?key={}&agent=a{split}", team.key)),
            (target.ingest(), format!("/v1/ping?key={token}&agent=a{split}")),
            (target.ingest(), format!("/v1/ping?key={}&agent=a&id={split}", team.key)),
            (target.ingest(), format!("/v1/{split}")),
            (&*target.control, format!("/v1/runs?agent={split}")),
            (&*target.control, format!("/v1/runs?{split}=1")),
            (&*target.control, format!("/{split}")),
            (&*target.ops[0], format!("/{split}")),
        ];
        for (address, path) in crafted {
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
                if path.contains("key=") { &token } else { &team.key }
            );
            let answer = raw::said(address, request.as_bytes()).await;
            let forged = raw::header_lines(&answer).into_iter().find(|line| line.starts_with("x-forged"));
            assert_eq!(forged, None, "{path}: {answer}");
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "one answer: {answer}");
        }
    }
}
