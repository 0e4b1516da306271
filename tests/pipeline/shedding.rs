//! The embedded deployment falls behind: events are shed while heartbeats are taken, the door stays ready, says why and
//! for how long, and opens by itself. And what a front door does with bodies that it does not want.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tidegate_tests::process::Extra;
use tidegate_tests::{Answer, Client, Plan, Target, Team, eventually, ids, wire};

use crate::{BINARY, PROGRAM, SLOW_BODIES};

const SHED: &str = "tidegate_shed_total";
const ENDED: &str = "tidegate_requests_total";
/// For the lag to be read, and for what follows from it.
const SEEN: Duration = Duration::from_secs(120);

/// What it has applied it commits only every ten seconds, so that it is behind by what came in meanwhile. Shedding begins
/// at twenty records; a quarter of the way to the last line all events would be shed, and starts as well from there on.
async fn slow_to_settle() -> Target {
    let settings = [
        ("PERSISTER__SETTLE_MS", "10000"),
        ("ADMISSION__SHED_RECORDS_LEAVE", "10"),
        ("ADMISSION__SHED_RECORDS_ENTER", "20"),
        ("ADMISSION__SHED_RECORDS_FULL", "4020"),
    ];
    let environment = settings.map(|(key, value)| (format!("TIDEGATE_{key}"), value.to_owned())).to_vec();
    Target::dev_with(BINARY, Extra { environment, ..Extra::default() }).await
}

#[tokio::test]
async fn events_are_shed_while_heartbeats_are_taken_and_the_door_opens_by_itself() {
    let target = slow_to_settle().await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let run = team.run_id();
    team.start(&wire::start(&run, "a")).await.expect(202);

    // The lag grows by heartbeats, none of which is refused, until an event is.
    let mut refused = 0;
    let shed = eventually(SEEN, "events are shed", async || {
        let event = [wire::log_event(&team.event_id())];
        if target.metrics().await.sum("tidegate_lag_records", &[]) < 200 {
            join_all((0..5).map(|_| async { team.heartbeat(&json!({"agent": "a"})).await.expect(202) })).await;
        }
        match team.batch(&run, &event).await {
            answer if answer.status == 503 => {
                refused += 1;
                Ok(answer)
            }
            answer => Err(answer.expect(202).to_string()),
        }
    })
    .await;
    let body = shed.json();
    assert_eq!(
        (&body["error"], &body["cause"], &body["class"]),
        (&json!("unavailable"), &json!("records"), &json!("events"))
    );
    let told = body["message"].as_str().expect("a message");
    assert!(told.contains("records") && told.contains("events"), "{told}");
    assert!((1..=90).contains(&shed.retry_after_s()), "{shed}");

    // Busy is not broken, and nothing but events is touched.
    Client::default().get(&format!("{}/readyz", target.ops[0])).send().await.expect(200);
    team.ping(&[("agent", "a")]).await.expect(200);
    team.start(&wire::start(&team.run_id(), "a")).await.expect(202);

    // It catches up, and takes events again.
    eventually(SEEN, "events are taken again", async || {
        let records = target.metrics().await.sum("tidegate_lag_records", &[]);
        if records >= 10 {
            return Err(format!("{records} records behind"));
        }
        Ok(())
    })
    .await;
    for _ in 0..9 {
        team.batch(&run, &[wire::log_event(&team.event_id())]).await.expect(202);
    }
    // Each refusal is counted once, by class and cause, and as the request's outcome.
    eventually(SEEN, "every refusal is counted", async || {
        let now = target.metrics().await;
        let shed = now.sum(SHED, &[("class", "events"), ("cause", "records")]);
        let ended = now.sum(ENDED, &[("outcome", "refused"), ("cause", "shed")]);
        if (shed, ended) == (refused, refused) && now.sum(SHED, &[]) == refused {
            Ok(())
        } else {
            Err(format!("{shed} shed, {ended} ended so, {refused} seen"))
        }
    })
    .await;
    assert!(target.stop().await, "{}", target.log());
}

/// One answer of a kept connection: its status line and headers, and its body by its length.
fn answer(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer comes");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("a head is text").to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    let mut body = vec![0; length.parse().expect("a number")];
    stream.read_exact(&mut body).expect("a body comes");
    head
}

#[tokio::test]
async fn who_is_refused_reads_the_answer_and_keeps_the_connection_whatever_was_still_to_be_sent() {
    let target = Target::own(PROGRAM).await;
    let door = target.ingest().trim_start_matches("http://").to_owned();
    let nobody = ids::fresh("apk", &target.region);
    let told = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(&door).expect("the door is open");
        // Far more than came with the head, and than any buffer on the way holds.
        let body = vec![b'x'; 300_000];
        let head = format!(
            "POST /v1/runs HTTP/1.1\r\nHost: {door}\r\nAuthorization: Bearer {nobody}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut told = Vec::new();
        for _ in 0..2 {
            stream.write_all(head.as_bytes()).expect("the connection is kept");
            stream.write_all(&body).expect("the body is read past");
            told.push(answer(&mut stream));
        }
        told
    });
    for head in told.await.expect("the client ends well") {
        assert!(head.starts_with("http/1.1 401 "), "{head}");
    }
}

#[tokio::test]
async fn bodies_beyond_the_bound_are_refused_and_those_within_it_are_not() {
    // The least that is allowed with such bodies: one of unknown length takes the half, one of gzip all of it.
    let settings = [("INGEST__MAX_BODY_BYTES", "65536"), ("INGEST__MAX_BODY_BYTES_IN_FLIGHT", "131072")];
    let settings = settings.into_iter().chain(SLOW_BODIES);
    let environment = settings.map(|(key, value)| (format!("TIDEGATE_{key}"), value.to_owned())).collect();
    let target = Target::dev_with(BINARY, Extra { environment, ..Extra::default() }).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let taken = || async { target.metrics().await.sum("tidegate_body_bytes_in_flight", &[]) };
    let door = target.ingest().trim_start_matches("http://").to_owned();
    let head = |length: usize| {
        format!(
            "POST /v1/heartbeats HTTP/1.1\r\nHost: {door}\r\nAuthorization: Bearer {}\r\nContent-Length: {length}\r\n\r\n{{",
            team.key
        )
    };
    // Slow senders have announced nearly all there is.
    let open = |length: usize| {
        let mut stream = TcpStream::connect(&door).expect("the door is open");
        stream.write_all(head(length).as_bytes()).expect("it listens");
        stream
    };
    let slow = [open(65_536), open(65_000)];
    eventually(SEEN, "their room is had", async || match taken().await {
        130_536 => Ok(()),
        bytes => Err(format!("{bytes} bytes")),
    })
    .await;
    let beat = json!({"agent": "a", "output": "x".repeat(1_000)});
    let refused: Answer = team.heartbeat(&beat).await.refused(503, "unavailable", None);
    assert_eq!(refused.json()["cause"], "too_many_bytes", "{refused}");
    assert!(refused.retry_after_s() >= 1);
    // A small one still finds room, and a ping needs none.
    team.heartbeat(&json!({"agent": "a"})).await.expect(202);
    team.ping(&[("agent", "a")]).await.expect(200);
    Client::default().get(&format!("{}/readyz", target.ops[0])).send().await.expect(200);
    // They leave, and their room comes back.
    drop(slow);
    eventually(SEEN, "the room comes back", async || match taken().await {
        0 => Ok(()),
        bytes => Err(format!("{bytes} bytes")),
    })
    .await;
    team.heartbeat(&beat).await.expect(202);
    assert_eq!(target.metrics().await.sum(ENDED, &[("outcome", "refused"), ("cause", "too_many_bytes")]), 1);
}
