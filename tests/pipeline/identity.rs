//! received = accepted + repeated + refused + failed + abandoned + unknown, and in the persister
//! read = applied + duplicate + conflict + dead-lettered; read from `/metrics` after mixed traffic.

use std::io::Write;
use std::net::{Shutdown, TcpStream};

use serde_json::{Value, json};
use tidegate_tests::deployment::metrics_of;
use tidegate_tests::metrics::Metrics;
use tidegate_tests::team::{Agreed, text};
use tidegate_tests::wait::READABLE;
use tidegate_tests::{Deployment, Plan, Target, Team, eventually, ids, wire};

use crate::PROGRAM;

const RECEIVED: &str = "tidegate_requests_received_total";
const ENDED: &str = "tidegate_requests_total";
const READ: &str = "tidegate_records_read_total";
const RECORDS: &str = "tidegate_records_total";
const OUTCOMES: [&str; 6] = ["accepted", "repeated", "refused", "failed", "abandoned", "unknown"];
const RECORD_OUTCOMES: [&str; 6] = ["applied", "duplicate", "conflict", "dead_lettered", "redelivered", "handed_back"];
const ENDPOINTS: [&str; 6] = ["runs", "events", "finish", "heartbeats", "ping", "other"];

/// What the clients were answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Told {
    accepted: u64,
    repeated: u64,
    refused: u64,
}

impl Told {
    /// Counts an answer; ping says 200 to what is new, too, so it is counted by hand.
    fn count(&mut self, status: u16) {
        match status {
            202 => self.accepted += 1,
            200 => self.repeated += 1,
            400..=499 => self.refused += 1,
            other => panic!("an unexpected status: {other}"),
        }
    }
}

/// How far the counters moved since `before`.
struct Moved<'m> {
    before: &'m Metrics,
    now: Metrics,
}

impl Moved<'_> {
    fn by(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        self.now.sum(name, labels) - self.before.sum(name, labels)
    }
}

/// Traffic that is accepted, repeated and refused for several causes.
async fn mixed(team: &Team, tight: &Team) -> Told {
    let mut told = Told::default();
    for n in 0..10 {
        let run = team.run_id();
        let start = wire::start(&run, "mixed");
        let batch = [wire::log_event(&team.event_id()), wire::log_event(&team.event_id())];
        let beat = json!({"id": team.run_id(), "agent": "mixed"});
        for _ in 0..=n % 3 {
            told.count(team.start(&start).await.status);
            told.count(team.batch(&run, &batch).await.status);
            told.count(team.finish(&run, &wire::finish()).await.status);
            told.count(team.heartbeat(&beat).await.status);
        }
        told.count(team.start(&wire::with(start, "agent", json!("other"))).await.status);
        told.count(team.start(&json!({"agent": 7})).await.status);
        told.count(team.finish("run_eu_1", &wire::finish()).await.status);
        told.count(team.batch(&run, &[]).await.status);
        told.count(team.bare("POST", "/v1/heartbeats").bytes("{").send().await.status);
        let nobody = ids::fresh("apk", &team.deployment.region);
        told.count(team.bare("POST", "/v1/runs").bearer(&nobody).send().await.status);
        told.count(team.call("DELETE", "/v1/runs").send().await.status);
        told.count(team.call("POST", "/v1/nowhere").send().await.status);
        told.count(team.call("POST", "/v1/runs").header("Content-Encoding", "br").bytes("{}").send().await.status);
        assert_eq!(team.ping(&[("agent", "mixed")]).await.status, 200);
        told.accepted += 1;
        told.count(team.ping(&[]).await.status);
        told.count(tight.heartbeat(&json!({"agent": "tight"})).await.status);
    }
    told
}

/// Clients that leave: after the headers, in the middle of the body, and right after the whole request.
fn leave_in_the_middle(team: &Team) -> u64 {
    let door = team.deployment.ingest().trim_start_matches("http://").to_owned();
    let body = json!({"agent": "leaver"}).to_string();
    let head = format!(
        "POST /v1/heartbeats HTTP/1.1\r\nHost: {door}\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
        team.key,
        body.len()
    );
    let parts = [head.clone(), format!("{head}{}", &body[..5]), format!("{head}{body}")];
    let mut left = 0;
    for part in parts.iter().cycle().take(12) {
        let mut stream = TcpStream::connect(&door).unwrap();
        stream.write_all(part.as_bytes()).unwrap();
        // The server may have answered and closed already.
        let _ = stream.shutdown(Shutdown::Both);
        left += 1;
    }
    left
}

fn check(moved: &Moved<'_>) -> Result<(), String> {
    for endpoint in ENDPOINTS {
        let received = moved.by(RECEIVED, &[("endpoint", endpoint)]);
        let of = |outcome: &str| moved.by(ENDED, &[("endpoint", endpoint), ("outcome", outcome)]);
        let ended: u64 = OUTCOMES.iter().map(|outcome| of(outcome)).sum();
        if received != ended {
            return Err(format!("{endpoint}: received {received}, ended {ended}"));
        }
        if ended != moved.by(ENDED, &[("endpoint", endpoint)]) {
            return Err(format!("{endpoint}: an outcome that has no name"));
        }
    }
    let read = moved.by(READ, &[]);
    let of = |outcome: &str| moved.by(RECORDS, &[("outcome", outcome)]);
    let ended = RECORD_OUTCOMES.map(of);
    if read == ended.iter().sum::<u64>() { Ok(()) } else { Err(format!("records read {read}, ended {ended:?}")) }
}

/// The same on each instance by itself, since its start.
async fn each_instance_balances(deployment: &Deployment) {
    let nothing = Metrics::merged([]);
    for ops in &deployment.ops {
        eventually(READABLE, "the accounts of one instance balance", async || {
            check(&Moved { before: &nothing, now: metrics_of(ops).await }).map_err(|seen| format!("{ops}: {seen}"))
        })
        .await;
    }
    let idle = |received: &Metrics| received.sum(RECEIVED, &[]) == 0;
    let mut busy = 0;
    for ops in &deployment.ops {
        busy += usize::from(!idle(&metrics_of(ops).await));
    }
    assert_eq!(busy, deployment.front_doors().len(), "each front door had its share");
}

async fn settled<'m>(deployment: &Deployment, before: &'m Metrics, received: u64) -> Moved<'m> {
    eventually(READABLE, "the accounts balance", async || {
        let moved = Moved { before, now: deployment.metrics().await };
        let so_far = moved.by(RECEIVED, &[]);
        if so_far < received {
            return Err(format!("{so_far} of {received} received"));
        }
        check(&moved).map(|()| moved)
    })
    .await
}

/// A reading with nothing in progress: each record that was read has ended.
async fn at_rest(deployment: &Deployment) -> Metrics {
    eventually(READABLE, "nothing is under way", async || {
        let now = deployment.metrics().await;
        let (read, ended) = (now.sum(READ, &[]), now.sum(RECORDS, &[]));
        if read == ended { Ok(now) } else { Err(format!("{read} read, {ended} ended")) }
    })
    .await
}

/// The identity, after traffic whose every answer the client side counted: the two sides agree.
#[tokio::test]
async fn every_request_has_one_outcome() {
    let target = Target::own(PROGRAM).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let quota = Agreed { events_per_month: Some(3), ..Agreed::default() };
    let tight = Team::create(target.deployment(), Plan::Enterprise(quota)).await;
    let before = at_rest(&target).await;
    let told = mixed(&team, &tight).await;
    let sent = told.accepted + told.repeated + told.refused;
    let moved = settled(&target, &before, sent).await;
    assert_eq!(moved.by(RECEIVED, &[]), sent);
    let counted = Told {
        accepted: moved.by(ENDED, &[("outcome", "accepted")]),
        repeated: moved.by(ENDED, &[("outcome", "repeated")]),
        refused: moved.by(ENDED, &[("outcome", "refused")]),
    };
    assert_eq!(counted, told);
    for cause in ["accepted", "repeated"] {
        let none = moved.by(ENDED, &[("outcome", cause), ("cause", "none")]);
        assert_eq!(none, moved.by(ENDED, &[("outcome", cause)]), "{cause} has no cause");
    }
    assert!(moved.now.values(ENDED, "cause").len() > 8, "{:?}", moved.now.values(ENDED, "cause"));
    each_instance_balances(&target).await;
    // Each new request was one record, and each record was applied.
    eventually(READABLE, "every record is applied", async || {
        let applied = Moved { before: &before, now: target.metrics().await }.by(RECORDS, &[("outcome", "applied")]);
        if applied == told.accepted { Ok(()) } else { Err(format!("{applied} of {}", told.accepted)) }
    })
    .await;
}

/// Clients that leave in the middle are counted once, too, and what they had sent whole is stored or not, never half.
#[tokio::test]
async fn leavers_have_one_outcome_too() {
    let target = Target::own(PROGRAM).await;
    let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
    let sentinel = team.heartbeat(&json!({"agent": "sentinel"})).await.expect(202).json();
    team.stored_run(&text(&sentinel, "id")).await;
    let before = at_rest(&target).await;
    let left = leave_in_the_middle(&team);
    team.heartbeat(&json!({"agent": "sentinel"})).await.expect(202);
    let moved = settled(&target, &before, 1).await;
    let received = moved.by(RECEIVED, &[]);
    assert!(received <= left + 1, "{received} received of {left} that left and one that stayed");
    let again = settled(&target, &before, received).await;
    let stored = again.by(RECORDS, &[("outcome", "applied")]);
    eventually(READABLE, "what is listed is what was applied", async || {
        let listed: Vec<Value> = team.listed("limit=100").await;
        let now = Moved { before: &before, now: target.metrics().await };
        let applied = now.by(RECORDS, &[("outcome", "applied")]);
        let listed = u64::try_from(listed.len()).unwrap();
        // One sentinel came before the first reading.
        if listed == applied + 1 && applied >= stored {
            Ok(())
        } else {
            Err(format!("{listed} listed, {applied} applied"))
        }
    })
    .await;
    // What a leaver had sent whole may still have been on its way.
    settled(&target, &before, received).await;
}
