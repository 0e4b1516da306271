//! The ordered stop from outside: not ready any more, no new connection is accepted, open requests get their answers,
//! and what was answered is there at the next start.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_tests::process::Extra;
use tidegate_tests::{Client, Plan, Target, Team, eventually};

use crate::{BINARY, SLOW_BODIES};

const SEEN: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_inside_is_answered_and_nobody_new_is_let_in() {
    let environment = SLOW_BODIES.map(|(key, value)| (format!("TIDEGATE_{key}"), value.to_owned())).to_vec();
    let target = Target::dev_with(BINARY, Extra { environment, ..Extra::default() }).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let door = target.ingest().trim_start_matches("http://").to_owned();
    let ready = format!("{}/readyz", target.ops[0]);
    let body = json!({"agent": "late"}).to_string();
    let (begin, rest) = body.split_at(5);
    let head = format!(
        "POST /v1/heartbeats HTTP/1.1\r\nHost: {door}\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
        team.key,
        body.len()
    );
    let mut inside = TcpStream::connect(&door).expect("the door is open");
    inside.write_all(format!("{head}{begin}").as_bytes()).expect("it listens");
    let idle = TcpStream::connect(&door).expect("the door is open");
    eventually(SEEN, "the request is under way", async || {
        match target.metrics().await.sum("tidegate_requests_in_flight", &[]) {
            1 => Ok(()),
            requests => Err(format!("{requests} requests")),
        }
    })
    .await;

    let end = async {
        eventually(SEEN, "it is not ready any more, and says why", async || {
            match Client::default().get(&ready).try_send().await {
                Ok(answer) if answer.status == 503 && answer.json()["reasons"] == json!(["stopping"]) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
        eventually(SEEN, "no new connection is accepted", async || match TcpStream::connect(&door) {
            Err(_) => Ok(()),
            Ok(_) => Err("a connection".to_owned()),
        })
        .await;
        let rest = rest.to_owned();
        let answering = move || {
            inside.write_all(rest.as_bytes()).expect("the connection is still there");
            let mut answer = String::new();
            inside.read_to_string(&mut answer).expect("it is answered, and then closed");
            answer
        };
        tokio::task::spawn_blocking(answering).await.expect("the client ends well")
    };
    let (well, answer) = tokio::join!(target.stop(), end);
    assert!(well, "it had left nothing behind:\n{}", target.log());
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    drop(idle);

    target.start().await;
    let (_, told) = answer.split_once("\r\n\r\n").expect("an answer has a body");
    let told: Value = serde_json::from_str(told).expect("JSON");
    team.stored_run(told["id"].as_str().expect("an id")).await;
}
