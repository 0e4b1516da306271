//! What one request may cost: bytes of header and body, of what a body unpacks to, depth and members of free JSON.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use tidegate_tests::{Target, Team, wire};

use crate::{loud, raw, team_of};

const MIB: usize = 1024 * 1024;

async fn alive(team: &Team) {
    team.heartbeat(&json!({"agent": "still-there"})).await.expect(202);
}

/// A header too long, a header with too many lines, a target too long: refused, at every port.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_has_bounds() {
    let target = loud("json").await;
    let team = team_of(&target).await;
    let close = "Host: here\r\nConnection: close\r\n";
    let long = "x".repeat(MIB);
    let many: String = (0..2_000).map(|n| format!("x-{n}: 1\r\n")).collect();
    let mut answered = 0;
    for (address, statuses) in [
        (target.ingest().to_owned(), &[414, 431][..]),
        (target.control.clone(), &[414, 431]),
        (target.ops[0].clone(), &[414, 431]),
        // Its contract has neither.
        (target.agentgate().to_owned(), &[400]),
    ] {
        for request in [
            format!("GET /v1/ping HTTP/1.1\r\n{close}x-long: {long}\r\n\r\n"),
            format!("GET /v1/ping HTTP/1.1\r\n{close}Authorization: Bearer {long}\r\n\r\n"),
            format!("GET /v1/ping HTTP/1.1\r\n{close}{many}\r\n"),
            format!("GET /v1/ping?metadata={long} HTTP/1.1\r\n{close}\r\n"),
        ] {
            let answer = raw::said(&address, request.as_bytes()).await;
            // Who is cut off while writing may never read the answer; whoever reads one reads a refusal.
            if !answer.is_empty() {
                answered += 1;
                assert!(statuses.contains(&raw::status(&answer)), "{address}: {:.200}", answer);
            }
        }
    }
    assert!(answered > 0, "no client could read a refusal");
    alive(&team).await;
}

/// A body over the limit is refused however its length is declared.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_has_bounds() {
    let target = loud("json").await;
    let team = team_of(&target).await;
    let body = json!({"agent": "a", "output": "x".repeat(MIB)}).to_string();
    team.call("POST", "/v1/heartbeats").bytes(body.clone()).send().await.refused(413, "payload_too_large", None);
    let chunked = format!(
        "POST /v1/heartbeats HTTP/1.1\r\nHost: here\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
         Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        team.key,
        body.len()
    );
    assert_eq!(raw::status(&raw::said(target.ingest(), chunked.as_bytes()).await), 413);
    // Two lengths in one request are how requests are smuggled past a proxy.
    for lengths in ["Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"]
    {
        let two = format!(
            "POST /v1/heartbeats HTTP/1.1\r\nHost: here\r\nConnection: close\r\nAuthorization: Bearer {}\r\n{lengths}\r\n0\r\n\r\n",
            team.key
        );
        let answer = raw::said(target.ingest(), two.as_bytes()).await;
        assert!(answer.is_empty() || raw::status(&answer) == 400, "{answer}");
    }
    alive(&team).await;
}

fn gzip(piece: &[u8], times: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..times {
        encoder.write_all(piece).unwrap();
    }
    encoder.finish().unwrap()
}

/// A small body that unpacks to 200 MiB is refused, and those are never held.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gzip_bomb_is_not_unpacked() {
    const SIDE_BY_SIDE: usize = 8;
    const ROOM_BYTES: u64 = 128 * MIB as u64;
    let target = loud("json").await;
    let team = team_of(&target).await;
    let bomb = gzip(&vec![b' '; MIB], 200);
    assert!(bomb.len() < MIB, "it passes as a body: {} bytes", bomb.len());
    alive(&team).await;
    let before = peak(&target);
    let mut under_way = Vec::new();
    for _ in 0..SIDE_BY_SIDE {
        let call = team.call("POST", "/v1/heartbeats").header("Content-Encoding", "gzip").bytes(bomb.clone());
        under_way.push(tokio::spawn(call.send()));
    }
    for answer in under_way {
        answer.await.unwrap().refused(413, "payload_too_large", None);
    }
    let grown = peak(&target) - before;
    assert!(grown < ROOM_BYTES, "{grown} bytes for {SIDE_BY_SIDE} bodies of at most one MiB");
    // Packed twice is another encoding, and an encoding that is none is refused by name.
    let twice = gzip(&bomb, 1);
    let call = team.call("POST", "/v1/heartbeats").header("Content-Encoding", "gzip, gzip").bytes(twice);
    call.send().await.refused(415, "unsupported_encoding", None);
    alive(&team).await;
}

fn peak(target: &Target) -> u64 {
    let peak = target.servers().named("server").peak_bytes();
    assert!(peak > 0, "the system tells what a process holds");
    peak
}

/// JSON nested deep, or of very many members, is refused wherever free JSON may stand; at the limit it is taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_has_bounds_in_depth_and_members() {
    let target = loud("json").await;
    let team = team_of(&target).await;
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let wide: Vec<String> = (0..20_000).map(|n| format!("\"m{n}\":1")).collect();
    let wide = format!("{{{}}}", wide.join(","));
    let beat = |output: &str| format!("{{\"agent\":\"a\",\"output\":{output}}}");
    for output in [nested(65), nested(100_000), format!("{{\"a\":{}}}", nested(64)), wide.clone()] {
        team.call("POST", "/v1/heartbeats").bytes(beat(&output)).send().await.refused(
            400,
            "invalid_field",
            Some("output"),
        );
    }
    let taken = team.call("POST", "/v1/heartbeats").bytes(beat(&nested(64))).send().await.expect(202).json();
    team.stored_run(taken["id"].as_str().unwrap()).await;
    let run = team.run_id();
    let event = |data: &str| {
        let event = wire::with(wire::log_event(&team.event_id()), "data", json!("DATA")).to_string();
        format!("{{\"events\":[{}]}}", event.replace("\"DATA\"", data))
    };
    for data in [format!("{{\"a\":{}}}", nested(100_000)), wide] {
        let answer = team.call("POST", &format!("/v1/runs/{run}/events")).bytes(event(&data)).send().await;
        answer.refused(400, "invalid_field", Some("events[0].data"));
    }
    // Nested where nothing may be: the parser must not follow it down either.
    for body in [nested(400_000), format!("{{\"x\":{}}}", nested(400_000)), "[".repeat(MIB)] {
        let answer = team.call("POST", "/v1/runs").bytes(body).send().await;
        assert_eq!(answer.status, 400, "{answer}");
    }
    alive(&team).await;
}
