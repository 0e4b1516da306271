//! Clients with kept connections while a front door is stopped: no request of theirs breaks.

use std::time::Duration;

use serde_json::json;
use tidegate_tests::process::Extra;
use tidegate_tests::{Client, Plan, Target, Team, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::BINARY;

const SEEN: Duration = Duration::from_secs(60);
/// Far longer than the test, on a busy machine too: once every connection is asked to close, the stop does not wait for it.
const GRACE: [(&str, &str); 2] = [("DRAIN_GRACE_MS", "120000"), ("DRAIN_MS", "150000")];
const BUSY: usize = 8;
const IDLE: usize = 4;

/// One client's kept connection.
struct Kept {
    stream: TcpStream,
    request: String,
}

impl Kept {
    async fn open(team: &Team) -> Self {
        let door = team.deployment.ingest().trim_start_matches("http://").to_owned();
        let body = json!({"agent": "kept"}).to_string();
        let request = format!(
            "POST /v1/heartbeats HTTP/1.1\r\nHost: {door}\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
            team.key,
            body.len()
        );
        Kept { stream: TcpStream::connect(&door).await.expect("the door is open"), request }
    }

    /// Sends a request and reads its answer; whether that was the connection's last.
    async fn once(&mut self) -> bool {
        self.stream.write_all(self.request.as_bytes()).await.expect("the connection is there");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.expect("the request is answered"));
        }
        let head = String::from_utf8(head).expect("text").to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 202 "), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.and_then(|length| length.parse().ok()).expect("a length");
        self.stream.read_exact(&mut vec![0; length]).await.expect("the answer is whole");
        head.contains("\r\nconnection: close\r\n")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_on_a_kept_connection_breaks_when_its_front_door_is_stopped() {
    let environment = GRACE.map(|(key, value)| (format!("TIDEGATE_INGEST__{key}"), value.to_owned())).to_vec();
    let target = Target::dev_with(BINARY, Extra { environment, ..Extra::default() }).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let mut idle = Vec::new();
    for _ in 0..IDLE {
        let mut kept = Kept::open(&team).await;
        assert!(!kept.once().await, "nothing stops yet");
        idle.push(kept);
    }
    let mut busy = tokio::task::JoinSet::new();
    for _ in 0..BUSY {
        let mut kept = Kept::open(&team).await;
        busy.spawn(async move { while !kept.once().await {} });
    }
    let (ready, health) = (format!("{}/readyz", target.ops[0]), format!("{}/healthz", target.ingest()));
    let end = async {
        for probe in [ready, health] {
            eventually(SEEN, "the probe is red", async || match Client::default().get(&probe).try_send().await {
                Ok(answer) if answer.status == 503 => Ok(()),
                other => Err(format!("{other:?}")),
            })
            .await;
        }
        for kept in &mut idle {
            assert!(kept.once().await, "this answer is the connection's last");
        }
        while let Some(ended) = busy.join_next().await {
            ended.expect("each client was served to its last answer");
        }
    };
    let (well, ()) = tokio::join!(target.stop(), end);
    assert!(well, "it had left nothing behind:\n{}", target.log());
}
